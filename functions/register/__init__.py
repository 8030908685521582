"""The AI register, made from the catalogue's cards."""
