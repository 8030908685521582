"""What reacts: one folder a system, one small module a function."""
