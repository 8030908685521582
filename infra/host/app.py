"""The HTTP host: every HTTP function of the catalogue under its path, and what operators need beside it."""

import mimetypes
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from infra.handlers import static_folder
from infra.host.edge import Edge, handle, security_headers
from infra.host.endpoint import Endpoint, House
from infra.host.limits import Bodies, Clients, Rate, Volume
from infra.host.operations import operations
from infra.probes import Probes
from shared.access import Access
from shared.backends import Backends
from shared.bus import Bus
from shared.catalogue import Catalogue, FunctionEntry
from shared.errors import CatalogueError
from shared.function import Function, HttpFunction
from shared.http import Problem
from shared.settings import Settings

OPERATIONS = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/status", "/status.json")
_MCP = ("mcp-protocol-version", "mcp-method", "mcp-name")  # what assistants in a browser say
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
# What the machine's own tables say must not decide what a browser is told.
for _suffix, _type in _TYPES.items():
    mimetypes.add_type(_type, _suffix)


def create_app(
    catalogue: Catalogue, functions: dict[str, Function], settings: Settings, backends: Backends, bus: Bus
) -> Starlette:
    """The host as an ASGI application. The caller closes ``backends`` and ``bus`` after it.

    Raises:
        CatalogueError: two functions want the same method and path, or one wants a path of the host.
    """
    house = House(
        use=backends,
        bus=bus,
        access=Access(settings.host, backends.secrets, lambda: backends.state),
        clients=Clients(settings.host.trusted_proxies),
        rate=Rate(settings.host.rate_per_minute),
        volume=Volume(),
        bodies=Bodies(),
    )
    served = {n: f for n, f in functions.items() if n in catalogue.functions and isinstance(f, HttpFunction)}
    probes = Probes(catalogue, backends)
    routes = [*operations(catalogue, served, backends, probes), *_routes(catalogue, served, house)]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await probes.warm()
        yield
        await probes.close()

    middleware = [Middleware(Edge, headers=security_headers(settings.host.frame_ancestors))]
    if settings.host.allowed_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.host.allowed_origins),
                allow_methods=["GET", "POST", "PUT", "DELETE"],
                allow_headers=["authorization", "content-type", "traceparent", *_MCP],
                max_age=600,
            )
        )
    return Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={HTTPException: handle, Problem: handle},
        lifespan=lifespan,
    )


class Files(StaticFiles):
    """The files of one folder: no hidden ones, no listing, no way out of it; revalidated by ETag."""

    def __init__(self, folder: Path, function: str, house: House) -> None:
        super().__init__(directory=folder)
        self._function = function
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for a file."""
        scope["stadtfunk.function"] = self._function
        self._house.rate.take(self._house.clients.of(HTTPConnection(scope)), f"{self._function} files")
        await super().__call__(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, 304, or 404 for whatever is not plainly in the folder."""
        if "\x00" in path or any(part.startswith(".") for part in path.replace("\\", "/").split("/")):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        # Names stay when contents change: a browser asks again, and gets 304 nearly always.
        response.headers["cache-control"] = "public, max-age=60, must-revalidate"
        return response


class _Methods:
    """The functions of one path by method."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" and "HEAD" not in self.endpoints else scope["method"]
        await self.endpoints[method](scope, receive, send)


def _routes(catalogue: Catalogue, functions: dict[str, HttpFunction], house: House) -> Sequence[BaseRoute]:
    paths: dict[str, _Methods] = {}
    folders: list[BaseRoute] = []
    for name, function in functions.items():
        entry = catalogue.functions[name]
        endpoint = Endpoint(function, entry, house)
        for trigger in entry.events:
            if trigger.http is None:
                continue
            path = trigger.http.path
            if path in OPERATIONS:
                raise CatalogueError(f"function '{name}': the path {path} belongs to the host itself")
            if trigger.http.files is not None:
                folders.append(_folder(name, entry, path, trigger.http.files, house))
                continue
            methods = paths.setdefault(path, _Methods()).endpoints
            if trigger.http.method in methods:
                raise CatalogueError(f"function '{name}': another one answers {trigger.http.method} {path} already")
            methods[trigger.http.method] = endpoint
    # A path without a parameter goes before one with, whatever the catalogue's order.
    plain = sorted(paths.items(), key=lambda item: "{" in item[0])
    return [*(Route(path, methods, methods=list(methods.endpoints)) for path, methods in plain), *folders]


def _folder(name: str, entry: FunctionEntry, path: str, files: str, house: House) -> Mount:
    if entry.access != "public":
        raise CatalogueError(f"function '{name}': files are public; take them out of a function for {entry.access}")
    return Mount(path, Files(static_folder(entry, files), name, house))
