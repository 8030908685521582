"""Zammad: draft replies that an agent can trust."""
