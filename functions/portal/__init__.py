"""The first page: what runs, what to try."""
