"""Benchmarks: one module a subject, a table and JSON."""
