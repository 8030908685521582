"""Who may call an HTTP function: everyone, staff with a token, or a system with a signature.

Both transports ask here, before the function runs. Whatever is missing or unclear is refused.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final

import aiohttp
import jwt
import structlog

from shared.catalogue import FunctionEntry
from shared.errors import BackendError, SettingsError
from shared.http import Problem, busy
from shared.secrets import Secrets
from shared.settings import HostSettings
from shared.signatures import TOLERANCE_S, hub_delivery, verify_bearer, verify_hub, verify_signature
from shared.state import Bucket, Conflict, State
from shared.telemetry import backend_call

log = structlog.get_logger()
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512")
_CLOCK_SKEW_S = 30
_KEYS_FRESH_S = 3600.0  # then the key set is read again
_KEYS_LAST_S = 24 * 3600.0  # keys older than that are trusted no more: the issuer may have withdrawn one
_KEYS_ASK_S = 15.0  # an unknown key id asks the issuer no more often than this
_LONGEST_TOKEN = 16 * 1024
_KEY_SET_BYTES = 512 * 1024
_DONE, _PENDING = b"done", b"pending"


class Access:
    """Checks the access rule of functions; keeps the issuer's keys."""

    def __init__(self, settings: HostSettings, secrets: Secrets, state: Callable[[], State]) -> None:
        self._settings = settings
        self._secrets = secrets
        self._state = state
        self._keys = KeySet(settings)

    async def check(self, entry: FunctionEntry, headers: Mapping[str, str]) -> None:
        """Hold the caller's headers against the rule; a system's signature needs the body: ``signed``.

        Raises:
            Problem: 401, 403, or 503 where the rule cannot be checked.
        """
        if entry.access == "staff":
            await self._staff(headers)
        elif entry.access not in ("public", "system"):
            raise Problem(403, "This function has no access rule.")

    async def signed(
        self, name: str, entry: FunctionEntry, headers: Mapping[str, str], body: bytes
    ) -> "Delivery | Repeatable":
        """Check a webhook's signature over its raw body and remember its id.

        Raises:
            Problem: 401 wrong or old, 409 seen before, 503 the secret or the memory is missing.
        """
        try:
            secret = self._secrets.get(entry.secrets[0])
        except SettingsError:
            log.exception("secret is not set", function=name)
            secret = ""
        if not secret:
            raise busy("This function's secret is not set up; nobody may call it.")
        try:
            if entry.signature == "hub-sha1":
                verify_hub(secret, headers, body)
                return Repeatable(hub_delivery(headers, body))
            if entry.signature == "bearer":
                verify_bearer(secret, headers)
                return Repeatable(sha256(body).hexdigest())
            id = verify_signature(secret, headers, body)
        except SettingsError:
            log.exception("secret cannot be used", function=name)
            raise busy("This function's secret is not set up rightly; nobody may call it.") from None
        delivery = Delivery(self._state().bucket("webhooks", ttl_s=2.0 * TOLERANCE_S), f"{name}:{id}", id)
        try:
            await delivery.take(entry.timeout)
        except BackendError as error:
            log.warning("memory of webhooks is away", function=name, exc_info=error)
            raise busy("Deliveries cannot be told apart just now; send it again later.") from None
        return delivery

    async def _staff(self, headers: Mapping[str, str]) -> None:
        settings = self._settings
        if not settings.oidc_issuer or not settings.oidc_audience:
            raise busy("Sign-in for staff is not set up here (oidc_issuer, oidc_audience); nobody may call this.")
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise _unauthorised("Sign in: a bearer token is needed.", error=None)
        claims = await self._claims(token.strip())
        if settings.staff_role is not None and settings.staff_role not in _roles(claims):
            raise Problem(403, "The signed-in person lacks the role for this.")

    async def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST_TOKEN:
            raise _unauthorised("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise _unauthorised("The token cannot be read.") from None
        if header.get("alg") not in ALGORITHMS:
            raise _unauthorised("The token is signed by a method that is not accepted.")
        key = await self._keys.get(str(header.get("kid", "")))
        if key is None:
            raise _unauthorised("The token is signed with an unknown key.")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._settings.oidc_audience,
                issuer=self._settings.oidc_issuer,
                leeway=_CLOCK_SKEW_S,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise _unauthorised("The token has expired.") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _unauthorised("The token is not valid here.") from None
        return claims


class KeySet:
    """The issuer's public keys by id, read on first need, each hour, and for an unknown id."""

    def __init__(self, settings: HostSettings) -> None:
        self._settings = settings
        self._keys: dict[str, Any] = {}
        self._read_at = self._asked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> Any | None:
        """The key of this id; without an id the only key there is. None: unknown.

        Raises:
            Problem: 503 where no key set could be read, for a day or ever.
        """
        if self._find(kid) is None or time.monotonic() - self._read_at > _KEYS_FRESH_S:
            async with self._lock:
                found, now = self._find(kid), time.monotonic()
                stale = found is None or now - self._read_at > _KEYS_FRESH_S
                if stale and now - self._asked_at > _KEYS_ASK_S:
                    self._asked_at = now
                    await self._refresh()
        if not self._keys or time.monotonic() - self._read_at > _KEYS_LAST_S:
            raise busy("The sign-in service does not answer; try again later.", _KEYS_ASK_S)
        return self._find(kid)

    def _find(self, kid: str) -> Any | None:
        if not kid:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        try:
            with backend_call("oidc", "keys"):
                timeout = aiohttp.ClientTimeout(total=5)
                async with aiohttp.ClientSession(timeout=timeout) as session:
                    url = self._settings.oidc_jwks_url
                    if not url:
                        issuer = str(self._settings.oidc_issuer).rstrip("/")
                        url = str((await _json(session, f"{issuer}/.well-known/openid-configuration"))["jwks_uri"])
                    document = await _json(session, url)
            keys = _usable(document)
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("keys of the sign-in service were not read", exc_info=error)
            return
        self._keys, self._read_at = keys, time.monotonic()


class Repeatable:
    """A delivery of a sender that signs no time and asks again whatever is no success: it is answered each time.

    Its follow-ups have ids derived from its own, so that a repeat, even at the same moment, stores nothing new.
    """

    def __init__(self, id: str) -> None:
        self.id = id

    async def close(self, *, answered: bool) -> None:
        """Nothing is remembered."""


class Delivery:
    """One webhook delivery, remembered for as long as its timestamp would be accepted.

    It is first marked as pending, so that a crash in the middle leaves the sender its repeat; only a
    delivery that was answered is refused for good.
    """

    def __init__(self, bucket: Bucket, key: str, id: str) -> None:
        self._bucket = bucket
        self._key = sha256(key.encode()).hexdigest()
        self._revision = 0
        self.id = id

    async def take(self, limit_s: float) -> None:
        """Mark it as ours. Raises Problem 409 when it was answered before, or is being worked on."""
        value = _PENDING + b" %d" % int(time.time())
        try:
            known = await self._bucket.get(self._key)
            if known is None:
                self._revision = await self._bucket.create(self._key, value)
                return
            if known.value == _DONE:
                raise Problem(409, "This delivery was taken before.")
            if time.time() - int(known.value.split()[1]) > limit_s:
                self._revision = await self._bucket.update(self._key, value, known.revision)
                return
        except Conflict:
            pass
        raise Problem(409, "This delivery is being worked on.", headers={"retry-after": "5"})

    async def close(self, *, answered: bool) -> None:
        """Remember it as answered, or let the sender repeat it at once."""
        try:
            # Open to anyone from now on, unless a repeat has taken it over meanwhile: its word counts then.
            await self._bucket.update(self._key, _DONE if answered else _PENDING + b" 0", self._revision)
        except (BackendError, Conflict) as error:
            # It stays pending, which runs out by itself; follow-ups have the same ids in a repeat.
            log.warning("a delivery could not be marked", exc_info=error)


def _unauthorised(detail: str, error: str | None = "invalid_token") -> Problem:
    challenge = 'Bearer realm="stadtfunk"' + (f', error="{error}"' if error else "")
    return Problem(401, detail, headers={"www-authenticate": challenge})


def _roles(claims: dict[str, Any]) -> set[str]:
    realm = claims.get("realm_access")
    lists = [claims.get("roles"), realm.get("roles") if isinstance(realm, dict) else None]
    return {role for given in lists if isinstance(given, list) for role in given if isinstance(role, str)}


def _usable(document: Any) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for one in document["keys"]:
        # Only public signature keys: a symmetric one would make everybody a signer.
        if not isinstance(one, dict) or one.get("kty") not in ("RSA", "EC") or one.get("use", "sig") != "sig":
            continue
        try:
            keys[str(one.get("kid", ""))] = jwt.PyJWK.from_dict(one).key
        except jwt.PyJWTError:
            continue
    return keys


async def _json(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url, allow_redirects=False) as response:
        response.raise_for_status()
        if response.status != 200:
            raise ValueError(f"status {response.status}")
        body = await response.content.read(_KEY_SET_BYTES + 1)
        while len(body) <= _KEY_SET_BYTES and (more := await response.content.read(_KEY_SET_BYTES)):
            body += more
        if len(body) > _KEY_SET_BYTES:
            raise ValueError("the document is too large")
        return json.loads(body)
