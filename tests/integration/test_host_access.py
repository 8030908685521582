"""Staff and systems at the door of a real host: tokens of a real issuer, signatures, replays."""

import base64
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from standardwebhooks.webhooks import Webhook
from starlette.requests import Request
from starlette.responses import Response

from events import Event
from shared import access
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.errors import BackendError
from shared.function import Reply, http
from shared.settings import NatsSettings
from shared.signatures import TOLERANCE_S
from shared.state import MemoryState, State
from tests.integration.hosting import catalogue_of, hosted, plain_settings

RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
SECRET = "whsec_" + base64.b64encode(b"a secret of a test, 32 bytes long").decode()


class Noted(Event):
    type: ClassVar[str] = "test.access.noted"
    text: str


@http
async def staff_page(request: Request, use: Backends) -> Response:
    return Response("for staff")


@http
async def notice(request: Request, use: Backends) -> Reply:
    return Reply(response=Response(status_code=202), events=[Noted(text=(await request.body()).decode())])


def jwk(key: Any, kid: str) -> dict[str, Any]:
    algorithm: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


@dataclass
class Issuer:
    """An OIDC issuer's two documents, over real HTTP."""

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    away: bool = False

    def token(self, key: Any = RSA, alg: str = "RS256", kid: str = "rsa", **claims: Any) -> str:
        now = int(time.time())
        whole = {"iss": self.url, "aud": "stadtfunk", "exp": now + 300, "sub": "erika", "roles": ["editor"], **claims}
        return jwt.encode({k: v for k, v in whole.items() if v is not None}, key, alg, headers={"kid": kid})


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer(keys=[jwk(RSA, "rsa"), jwk(EC, "ec")])

    async def discovery(_: web.Request) -> web.Response:
        return web.json_response({"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"})

    async def keys(_: web.Request) -> web.Response:
        issuer.asked += 1
        if issuer.away:
            raise web.HTTPServiceUnavailable
        return web.json_response({"keys": issuer.keys})

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", discovery)
    app.router.add_get("/keys", keys)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    issuer.url = f"http://{host}:{port}"
    yield issuer
    await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


STAFF = catalogue_of(staff_page={"events": [{"http": {"path": "/staff"}}], "access": "staff"})


def host_of(issuer: Issuer, **more: Any) -> Any:
    return plain_settings(host={"oidc_issuer": issuer.url, "oidc_audience": "stadtfunk", **more})


async def ask(client: aiohttp.ClientSession, url: str, token: str | None) -> int:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with client.get(f"{url}/staff", headers=headers) as answer:
        if answer.status != 200:
            assert answer.content_type == "application/problem+json"
            assert answer.status != 401 or answer.headers["www-authenticate"].startswith("Bearer")
        return answer.status


async def test_staff_without_an_issuer_is_closed(client: aiohttp.ClientSession, issuer: Issuer) -> None:
    for host in ({}, {"oidc_issuer": issuer.url}, {"oidc_audience": "stadtfunk"}):
        async with hosted(STAFF, staff_page, settings=plain_settings(host=host)) as url:
            assert await ask(client, url, issuer.token()) == 503


async def test_an_issuer_that_is_away_is_closed(client: aiohttp.ClientSession) -> None:
    away = Issuer(url="http://127.0.0.1:1")
    async with hosted(STAFF, staff_page, settings=host_of(away)) as url:
        assert await ask(client, url, away.token()) == 503


async def test_good_tokens_are_let_in_and_bad_ones_are_not(client: aiohttp.ClientSession, issuer: Issuer) -> None:
    public = RSA.public_key()
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    now = int(time.time())
    none = jwt.encode({"iss": issuer.url, "aud": "stadtfunk", "exp": now + 300}, "", "none", headers={"kid": "rsa"})
    body = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa"}').rstrip(b"=") + b"." + none.encode().split(b".")[1]
    import hashlib
    import hmac

    confused = body + b"." + base64.urlsafe_b64encode(hmac.new(pem, body, hashlib.sha256).digest()).rstrip(b"=")
    good = {
        "RS256": issuer.token(),
        "PS256": issuer.token(alg="PS256"),
        "ES256": issuer.token(EC, "ES256", "ec"),
        "one of several audiences": issuer.token(aud=["x", "stadtfunk"]),
    }
    bad = {
        "nothing": None,
        "rubbish": "x.y.z",
        "huge": "x" * 20_000,
        "none": none,
        "HS256 with the public key": confused.decode(),
        "expired": issuer.token(exp=now - 60),
        "never expires": issuer.token(exp=None),
        "not yet": issuer.token(nbf=now + 600),
        "other issuer": issuer.token(iss="https://evil.example"),
        "no issuer": issuer.token(iss=None),
        "other audience": issuer.token(aud="other"),
        "no audience": issuer.token(aud=None),
        "other key, same id": issuer.token(OTHER),
        "unknown key": issuer.token(OTHER, kid="unknown"),
        "key of another kind": issuer.token(EC, "ES256", "rsa"),
        "tampered": issuer.token()[:-8] + "AAAAAAAA",
    }
    async with hosted(STAFF, staff_page, settings=host_of(issuer)) as url:
        assert {name: await ask(client, url, token) for name, token in good.items()} == dict.fromkeys(good, 200)
        assert {name: await ask(client, url, token) for name, token in bad.items()} == dict.fromkeys(bad, 401)
        assert issuer.asked == 1  # unknown ids do not make us ask again and again


async def test_the_role_must_be_there(client: aiohttp.ClientSession, issuer: Issuer) -> None:
    async with hosted(STAFF, staff_page, settings=host_of(issuer, staff_role="editor")) as url:
        assert await ask(client, url, issuer.token()) == 200
        assert await ask(client, url, issuer.token(roles=None, realm_access={"roles": ["editor"]})) == 200
        bad: list[dict[str, Any]] = [
            {"roles": []},
            {"roles": "editor"},
            {"roles": None},
            {"roles": None, "realm_access": "editor"},
        ]
        for claims in bad:
            assert await ask(client, url, issuer.token(**claims)) == 403


async def test_a_new_key_is_fetched_when_it_is_used(
    client: aiohttp.ClientSession, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_KEYS_ASK_S", 0.0)
    async with hosted(STAFF, staff_page, settings=host_of(issuer)) as url:
        assert await ask(client, url, issuer.token(OTHER, kid="new")) == 401
        issuer.keys.append(jwk(OTHER, "new"))
        assert await ask(client, url, issuer.token(OTHER, kid="new")) == 200
        # A withdrawn key counts no longer once the set is stale; a symmetric one never does.
        monkeypatch.setattr(access, "_KEYS_FRESH_S", 0.0)
        issuer.keys[:] = [jwk(RSA, "rsa"), {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"}]
        assert await ask(client, url, issuer.token(OTHER, kid="new")) == 401
        assert await ask(client, url, issuer.token()) == 200


async def test_keys_are_not_trusted_for_ever_while_the_issuer_is_away(
    client: aiohttp.ClientSession, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_KEYS_ASK_S", 0.0)
    monkeypatch.setattr(access, "_KEYS_FRESH_S", 0.0)
    async with hosted(STAFF, staff_page, settings=host_of(issuer)) as url:
        assert await ask(client, url, issuer.token()) == 200
        issuer.away = True
        assert await ask(client, url, issuer.token()) == 200  # a short outage locks nobody out
        monkeypatch.setattr(access, "_KEYS_LAST_S", 0.0)
        assert await ask(client, url, issuer.token()) == 503
        monkeypatch.undo()
        monkeypatch.setattr(access, "_KEYS_ASK_S", 0.0)
        monkeypatch.setattr(access, "_KEYS_FRESH_S", 0.0)
        issuer.away = False
        assert await ask(client, url, issuer.token()) == 200


NOTICE = catalogue_of(
    notice={
        "events": [{"http": {"method": "POST", "path": "/notice"}}],
        "access": "system",
        "secrets": ["notices"],
        "timeout": "50s",
    }
)


def signed(body: str, id: str = "msg_1", *, secret: str = SECRET, age_s: float = 0) -> dict[str, str]:
    stamp = int(time.time() - age_s)
    signature = Webhook(secret).sign(id, datetime.fromtimestamp(stamp, UTC), body)
    return {"webhook-id": id, "webhook-timestamp": str(stamp), "webhook-signature": signature}


async def send(client: aiohttp.ClientSession, url: str, body: str, headers: dict[str, str]) -> int:
    async with client.post(f"{url}/notice", data=body, headers=headers) as answer:
        assert answer.status == 202 or answer.content_type == "application/problem+json"
        return answer.status


@pytest.fixture
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STADTFUNK_SECRET_NOTICES", SECRET)


@pytest.mark.usefixtures("_secret")
async def test_signatures(client: aiohttp.ClientSession) -> None:
    bus = MemoryBus()
    async with hosted(NOTICE, notice, bus=bus) as url:
        assert await send(client, url, "größer", signed("größer", "a")) == 202
        rotated = signed("x", "b")
        rotated["webhook-signature"] = "v1,AAAA v2,xyz " + rotated["webhook-signature"]
        assert await send(client, url, "x", rotated) == 202
        assert [event.data for event in bus.events] == ['{"text":"größer"}'.encode(), b'{"text":"x"}']
        other = "whsec_" + base64.b64encode(b"another secret").decode()
        bad = [
            {},
            signed("other body", "c"),
            signed("x", "c", secret=other),
            signed("x", "c", age_s=400),
            signed("x", "c", age_s=-400),
            {**signed("x", "c"), "webhook-id": "d"},
            {**signed("x", "c"), "webhook-timestamp": str(int(time.time()) + 1)},
            {**signed("x", "c"), "webhook-timestamp": "nan"},
            {**signed("x", "c"), "webhook-signature": "v1"},
            {**signed("x", "c"), "webhook-signature": "v1,"},
            {**signed("x", "c"), "webhook-signature": "v1a" + signed("x", "c")["webhook-signature"][2:]},
            {**signed("x", "c"), "webhook-signature": "v1,ä"},
        ]
        assert [await send(client, url, "x", headers) for headers in bad] == [401] * len(bad)
        assert len(bus.events) == 2


async def test_without_its_secret_a_function_is_closed(client: aiohttp.ClientSession) -> None:
    async with hosted(NOTICE, notice) as url:
        assert await send(client, url, "x", signed("x")) == 503


@pytest.mark.usefixtures("_secret")
async def test_a_replay_is_refused_by_every_host(client: aiohttp.ClientSession, nats_settings: NatsSettings) -> None:
    bus, first, second = MemoryBus(), State(nats_settings), State(nats_settings)
    headers = signed("x")
    async with (
        hosted(NOTICE, notice, bus=bus, state=first) as one,
        hosted(NOTICE, notice, bus=bus, state=second) as two,
    ):
        assert await send(client, one, "x", headers) == 202
        assert await send(client, one, "x", headers) == 409
        assert await send(client, two, "x", headers) == 409
        assert await send(client, two, "x", signed("x", "msg_2")) == 202
    await first.close()
    await second.close()
    assert len(bus.events) == 2


@pytest.mark.usefixtures("_secret")
async def test_what_failed_here_may_be_sent_again(client: aiohttp.ClientSession) -> None:
    class Away(MemoryBus):
        away = True

        async def publish(self, event: Any, *, key: str | None = None) -> None:
            if self.away:
                raise BackendError("nats", "away")
            await super().publish(event, key=key)

    bus, headers = Away(), signed("x")
    async with hosted(NOTICE, notice, bus=bus) as url:
        assert await send(client, url, "x", headers) == 503
        bus.away = False
        assert await send(client, url, "x", headers) == 202
        assert await send(client, url, "x", headers) == 409


@pytest.mark.usefixtures("_secret")
async def test_a_delivery_that_a_crash_left_open_can_be_taken_up(client: aiohttp.ClientSession) -> None:
    state = MemoryState()
    bucket = state.bucket("webhooks", ttl_s=2.0 * TOLERANCE_S)
    for id, age, status in (("young", 1, 409), ("old", 600, 202)):
        await access.Delivery(bucket, f"notice:{id}", id).take(50)
        (key,) = [k for k in await bucket.keys() if (await bucket.get(k) or (b"", 0))[0].startswith(b"pending")][-1:]
        await bucket.put(key, b"pending %d" % (time.time() - age))
        async with hosted(NOTICE, notice, state=state) as url:
            assert await send(client, url, "x", signed("x", id)) == status


@pytest.mark.usefixtures("_secret")
async def test_without_its_memory_no_delivery_is_taken(client: aiohttp.ClientSession) -> None:
    bus, state = MemoryBus(), State(NatsSettings(url="nats://127.0.0.1:1"))
    async with hosted(NOTICE, notice, bus=bus, state=state) as url:
        assert await send(client, url, "x", signed("x")) == 503
    assert bus.events == []
    await state.close()
