"""The one retrieval core of all text systems."""
