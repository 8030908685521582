"""What a city's sign-in service and the proxy before its pages do, for one machine: never for a network.

Whoever sits at the machine signs in by a button. From then on each request goes on to the house with a token in it,
as from a proxy that has asked for a password. The key is made at the start and never leaves the process.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from secrets import compare_digest, token_urlsafe
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

AUDIENCE: Final = "stadtfunk"
KEYS: Final = "/desk/keys"
FIRST: Final = "/photos/review"
_ENTER: Final = "/desk/enter"
_COOKIE: Final = "stadtfunk-desk"
_TOKEN_S: Final = 60
_LARGEST: Final = 4 * 2**20  # bytes of a request
_PASSED_ON: Final = ("accept", "accept-language", "content-type", "range", "if-none-match")
_PASSED_BACK: Final = (
    *("content-type", "content-disposition", "content-security-policy", "cache-control", "etag", "location"),
    *("photo-frames", "referrer-policy", "retry-after", "x-content-type-options", "x-frame-options"),
)
_PAGE: Final = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>body {{ max-width: 36rem; margin: 12vh auto; padding: 0 1rem; font: 1.1rem/1.6 system-ui; }}
button {{ padding: .6em 1.3em; font: inherit; }}</style>
<main><h1>{title}</h1><p>{text}</p>
<form method="post" action="{enter}"><input type="hidden" name="next" value="{next}"><button>{button}</button></form>
</main></html>"""
_WORDS: Final = {
    "de": (
        "Anmelden",
        "Hier meldet sich im Betrieb an, wer für die Stadt arbeitet. Diese Vorführung läuft nur auf diesem Rechner "
        "und fragt nach keinem Kennwort.",
        "Als Mitarbeiterin oder Mitarbeiter weiter",
    ),
    "en": (
        "Sign in",
        "In service, people who work for the city sign in here. This demonstration runs on this machine alone and asks "
        "for no password.",
        "Go on as a member of staff",
    ),
}


def create_app(own: str, portal: str) -> Starlette:
    """The application; ``own`` and ``portal`` are addresses without a slash at their end."""
    key, kid, cookie = ec.generate_private_key(ec.SECP256R1()), token_urlsafe(8), token_urlsafe(24)
    public: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    host = urlsplit(own).netloc

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(auto_decompress=False) as app.state.session:
            yield

    def token() -> str:
        now = int(time.time())
        claims = {"iss": own, "aud": AUDIENCE, "sub": "demo", "iat": now, "exp": now + _TOKEN_S}
        return jwt.encode(claims, key, "ES256", {"kid": kid})

    async def keys(_: Request) -> Response:
        return JSONResponse({"keys": [public | {"kid": kid, "use": "sig", "alg": "ES256"}]})

    async def enter(request: Request) -> Response:
        if not _own_page(request, host):
            return Response("another page asked for this", 403)
        after = str((await request.form(max_files=0, max_fields=4, max_part_size=2048)).get("next", ""))
        # A path of this house and nothing else: "//elsewhere" is another host.
        inside = after.startswith("/") and not after.startswith(("//", "/\\"))
        answer = RedirectResponse(after if inside else FIRST, 303)
        answer.set_cookie(_COOKIE, cookie, httponly=True, samesite="strict", path="/")
        return answer

    async def passed(request: Request) -> Response:
        if request.url.path == "/":
            return RedirectResponse(FIRST, 307)
        if not _own_page(request, host):
            return Response("another page asked for this", 403)
        if not compare_digest(request.cookies.get(_COOKIE, "").encode(), cookie.encode()):
            return _door(request)
        body = await _body(request)
        if body is None:
            return Response("the request is too large for the desk", 413)
        address = portal + request.url.path + (f"?{request.url.query}" if request.url.query else "")
        headers = {name: value for name in _PASSED_ON if (value := request.headers.get(name)) is not None}
        headers["authorization"] = f"Bearer {token()}"
        session: aiohttp.ClientSession = request.app.state.session
        asked = session.request(request.method, address, headers=headers, data=body or None, allow_redirects=False)
        try:
            async with asked as answer:
                kept = {name: value for name in _PASSED_BACK if (value := answer.headers.get(name)) is not None}
                return Response(await answer.read(), answer.status, kept)
        except aiohttp.ClientError:
            return Response("the house does not answer", 502)

    methods = ["GET", "POST", "PUT", "DELETE"]
    routes = [
        Route(KEYS, keys),
        Route(_ENTER, enter, methods=["POST"]),
        Route("/{path:path}", passed, methods=methods),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _own_page(request: Request, host: str) -> bool:
    """Whether this machine's browser asks by our own name, and for no other site's page."""
    site = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin", f"http://{host}")
    here = request.headers.get("host") == host and urlsplit(origin).netloc == host
    return here and (request.method == "GET" or site in ("same-origin", "none"))


def _door(request: Request) -> Response:
    """The page with the button, in place of a page; another request is refused."""
    if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        return Response("sign in first", 401)
    lang = "en" if request.query_params.get("lang") == "en" else "de"
    title, text, button = _WORDS[lang]
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    page = _PAGE.format(lang=lang, title=title, text=text, button=button, enter=_ENTER, next=escape(path))
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"content-security-policy": policy, "cache-control": "no-store"})


async def _body(request: Request) -> bytes | None:
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)
