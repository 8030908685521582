"""What travels: frozen event models, one module a domain, and the envelope that carries them."""

from events.envelope import CloudEvent, EnvelopeError
from events.event import EVENT_TYPES, Event

__all__ = ["EVENT_TYPES", "CloudEvent", "EnvelopeError", "Event"]
