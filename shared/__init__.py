"""What functions share: settings, errors, clients of the backends, and the retrieval core."""
