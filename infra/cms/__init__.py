"""A stand-in for the city's content management system, and the demo city it serves."""
