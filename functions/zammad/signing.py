"""Addresses of ours that only we can make: signed, for a time, for one purpose."""

import hmac
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from functions.zammad.fingerprint import key_of
from shared.backends import Backends

VALID_S: Final = 90 * 86_400
_DAY_S: Final = 86_400

Fields = Mapping[str, str | int]


def address(path: str, fields: Fields, purpose: str, use: Backends, **unsigned: str) -> str:
    """An address of this site with its fields signed; it holds for ninety days.

    The same all day: a note that is written again says the same.
    """
    signed = {**fields, "until": int(time.time()) // _DAY_S * _DAY_S + VALID_S}
    return f"{base(use)}{path}?{urlencode({**signed, 'signature': signature(signed, purpose, use), **unsigned})}"


def base(use: Backends) -> str:
    """The host's address as agents reach it, without a slash at its end."""
    host = use.settings.host
    return str(host.public_url or f"http://{host.bind}:{host.port}").rstrip("/")


def ours(fields: Fields, given: str, purpose: str, use: Backends) -> bool:
    """Whether we signed these fields for this purpose, ``until`` among them."""
    return hmac.compare_digest(given, signature(fields, purpose, use))


def signature(fields: Fields, purpose: str, use: Backends) -> str:
    """64 hexadecimal digits over the fields, in whatever order they are given."""
    return hmac.digest(key_of(use, purpose), urlencode(sorted(fields.items())).encode(), "sha256").hex()
