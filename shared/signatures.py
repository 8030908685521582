"""How a system signs its requests: Standard Webhooks, an HMAC-SHA1 of the body as Zammad sends it, or a bearer token.

The first two are held against the raw bytes: the same JSON written anew has another signature.
"""

import base64
import hmac
import time
from collections.abc import Mapping
from hashlib import sha1, sha256
from typing import Final

from shared.errors import SettingsError
from shared.http import Problem

TOLERANCE_S: Final = 300  # of a webhook's timestamp, as the Standard Webhooks specification says
_SHORTEST_KEY: Final = 24  # bytes of a webhook's secret, as the Standard Webhooks specification says
_SHORTEST_TOKEN: Final = 12  # characters of a token that somebody typed into Zammad


def verify_signature(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    """Check a Standard Webhooks signature over the raw bytes; returns the webhook's id.

    Raises:
        Problem: 401 with what is wrong.
        SettingsError: the secret is no base64, or so short that it could be guessed.
    """
    id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not id or not stamp or not given or len(id) > 256 or len(given) > 4096:
        raise Problem(401, "The headers webhook-id, webhook-timestamp and webhook-signature are needed.")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16) or abs(time.time() - int(stamp)) > TOLERANCE_S:
        raise Problem(401, "The webhook's timestamp is not within five minutes of now.")
    text = secret.strip().removeprefix("whsec_")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = b""
    if len(key) < _SHORTEST_KEY:  # an empty key would let everybody sign
        raise SettingsError("secret", f"a webhook's secret is 'whsec_' and base64 of at least {_SHORTEST_KEY} bytes")
    expected = hmac.new(key, f"{id}.{stamp}.".encode() + body, sha256).digest()
    signature = b"v1," + base64.b64encode(expected)
    # Several may be given while a secret is changed.
    if not any(hmac.compare_digest(signature, one.encode()) for one in given.split(" ")):
        raise Problem(401, "The webhook's signature does not fit.")
    return id


def verify_hub(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Check ``X-Hub-Signature: sha1=<hex>``: HMAC-SHA1 of the raw body, with the secret's own bytes as key.

    Nothing in it tells when it was sent, so that a copy of a request passes for ever: whoever is reached by it
    must do no more the second time. (Forging a new one needs the secret: HMAC does not rest on SHA-1's collisions.)

    Raises:
        Problem: 401 with what is wrong.
        SettingsError: the secret is so short that it could be guessed.
    """
    if len(secret) < _SHORTEST_TOKEN:
        raise SettingsError("secret", f"a webhook's token has at least {_SHORTEST_TOKEN} characters")
    given = headers.get("x-hub-signature", "")
    if not given:  # the sender has no token set, or is another
        raise Problem(401, "The header x-hub-signature is needed; set the webhook's token at the sender.")
    expected = "sha1=" + hmac.new(secret.encode(), body, sha1).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.strip().lower().encode("utf-8", "surrogateescape")):
        raise Problem(401, "The webhook's signature does not fit.")


def verify_bearer(secret: str, headers: Mapping[str, str]) -> None:
    """Check ``Authorization: Bearer <secret>``: it says who asks, and nothing of what or when.

    Raises:
        Problem: 401 with what is wrong.
        SettingsError: the secret is so short that it could be guessed.
    """
    if len(secret) < _SHORTEST_KEY:
        raise SettingsError("secret", f"a bearer token has at least {_SHORTEST_KEY} characters")
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(
        secret.encode(), given.strip().encode("utf-8", "surrogateescape")
    ):
        raise Problem(401, "The bearer token does not fit.", headers={"www-authenticate": 'Bearer realm="stadtfunk"'})


def hub_delivery(headers: Mapping[str, str], body: bytes) -> str:
    """The id of a delivery: ``X-Zammad-Delivery``, equal in every repeat, else the body's hash."""
    id = headers.get("x-zammad-delivery", "")
    return id if 0 < len(id) <= 128 and id.isascii() else sha256(body).hexdigest()
