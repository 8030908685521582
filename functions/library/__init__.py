"""The library: recommendations from what is borrowed together, under pseudonyms that expire."""
