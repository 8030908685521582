"""What the status of a model server means for an event: mend a setting, try later, or never."""

from shared.errors import BackendError, Reject
from shared.retry import retry_after

_BUSY = frozenset({408, 425, 429})
_MISSET = frozenset({401, 403, 404, 405, 501})  # 404 and 501: this server, or this model, serves another task


def refused(backend: str, status: int, never: str, *, after: str = "") -> BackendError | Reject:
    """The error for a status other than 200 and its ``Retry-After``; ``never``: what is said of a hopeless request."""
    if status in _MISSET:
        # A setting is wrong, not the text: the event must wait until someone has mended it.
        return BackendError(backend, f"status {status}: check STADTFUNK_{backend.upper()}__URL, __MODEL and __KEY")
    if status >= 500 or status in _BUSY:
        return BackendError(backend, f"status {status}", after=retry_after(after))
    return Reject(f"{never} (status {status})")
