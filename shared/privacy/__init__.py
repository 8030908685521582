"""Personal data out of a text before any model sees it: ``Redactor``, ``Redacted``, ``Kind``."""

from shared.privacy.kinds import Kind
from shared.privacy.redaction import Redacted, Redactor

__all__ = ["Kind", "Redacted", "Redactor"]
