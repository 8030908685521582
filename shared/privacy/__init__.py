"""What a model may see of a text: ``Redactor`` takes personal data out, ``Harmless`` lets ordinary words through."""

from shared.privacy.harmless import Harmless
from shared.privacy.kinds import Kind
from shared.privacy.redaction import Redacted, Redactor

__all__ = ["Harmless", "Kind", "Redacted", "Redactor"]
