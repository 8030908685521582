"""Object storage: what it says of itself by webhook or on NATS, and what it forgot to say."""
