"""AI search over the city's services: crawl, index, search."""
