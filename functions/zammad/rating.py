"""The thumbs in a note: two signed links that count once. Who clicked, nobody learns."""

import hmac
import time
from hashlib import sha256
from typing import Final, Literal
from urllib.parse import urlencode

from functions.zammad.fingerprint import key_of
from shared.backends import Backends

Kind = Literal["up", "down"]
PATH: Final = "/zammad/rating"
_VALID_S: Final = 90 * 24 * 3600


def links(ticket_id: int, article_id: int, category: str, use: Backends) -> tuple[str, str]:
    """Addresses for a thumb up and a thumb down on the proposal for an article; both count as one rating.

    The same for the same article all day: a note that is written again says the same.
    """
    expiry = (int(time.time()) // 86_400) * 86_400 + _VALID_S
    base = str(use.settings.host.public_url or f"http://{use.settings.host.bind}:{use.settings.host.port}").rstrip("/")
    key = key_of(use, "rating")

    def address(kind: Kind) -> str:
        fields = {"id": rating_id(ticket_id, article_id, key), "kind": kind, "category": category, "until": expiry}
        return f"{base}{PATH}?{urlencode(fields | {'signature': _signature(fields, key)})}"

    return address("up"), address("down")


def rating_id(ticket_id: int, article_id: int, key: bytes) -> str:
    """Id of the one rating that a proposal can get (32 hex digits); the ticket cannot be told from it."""
    return hmac.new(key, f"{ticket_id}/{article_id}".encode(), sha256).hexdigest()[:32]


def _signature(fields: dict[str, str | int], key: bytes) -> str:
    return hmac.new(key, urlencode(sorted(fields.items())).encode(), sha256).hexdigest()
