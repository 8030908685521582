"""The errors of Stadtfunk.

StadtfunkError
├── Retry               the other side is away or busy: try again later
│   └── BackendError    a backend did not answer as it should (named in ``backend``)
├── Reject              the event can never succeed: dead letter at once
├── SettingsError       a setting is missing or wrong (named in ``setting``)
└── CatalogueError      serverless.yaml is wrong (file and line in the text)

A function has three outcomes beside success: ``Retry`` (backoff, or ``after`` seconds as the other
side said), ``Reject`` (permanent), and any other exception (a bug: retried, then a dead letter).
"""


class StadtfunkError(Exception):
    """Base of everything this project raises on purpose."""


class Retry(StadtfunkError):
    """Try the event again: after the function's backoff, or ``after`` seconds when the other side said so."""

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class BackendError(Retry):
    """A backend is away, busy or answered with a fault of its own."""

    def __init__(self, backend: str, message: str, *, after: float | None = None) -> None:
        super().__init__(f"{backend}: {message}", after=after)
        self.backend = backend


class Reject(StadtfunkError):
    """The event is wrong for ever; it becomes a dead letter without another attempt."""


class SettingsError(StadtfunkError):
    """A setting is missing or wrong; the text names it and says what would be right."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting


class CatalogueError(StadtfunkError):
    """serverless.yaml is wrong; the text carries file, line and the nearest valid name."""
