"""The demo city's library: titles that nobody wrote, readers that nobody is, and what they borrowed."""
