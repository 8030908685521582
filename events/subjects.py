"""NATS subjects: ``events.<key>.<type>``.

The key stands before the type so that a filter for one type never matches its ``.v2``, and so that
the server can hash it to a partition. It is a digest: no value of an event shows in a subject.
"""

from hashlib import sha256

ROOT = "events"
NO_KEY = "-"


def key_token(key: str | None) -> str:
    """One subject token for a key: 16 hex digits of its SHA-256, or ``-`` for none."""
    return NO_KEY if key is None else sha256(key.encode()).hexdigest()[:16]


def subject_of(event_type: str, key: str | None = None) -> str:
    """The subject an event of this type and key is published on."""
    return f"{ROOT}.{key_token(key)}.{event_type}"


def filter_of(event_type: str) -> str:
    """The subject filter that matches every event of this type, whatever its key."""
    return f"{ROOT}.*.{event_type}"
