"""The stand-in for what signs staff in: it puts a token into each request that it passes on to the house."""
