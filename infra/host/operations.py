"""What operators and machines ask a host: alive, ready, metrics, OpenAPI, status."""

from collections.abc import Mapping
from importlib.metadata import version

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from infra.host.openapi import openapi
from infra.probes import Probes
from shared.catalogue import Catalogue
from shared.function import HttpFunction

_NOW = {"cache-control": "no-store"}


def operations(catalogue: Catalogue, functions: Mapping[str, HttpFunction], probes: Probes) -> list[Route]:
    """The host's own routes."""
    document = openapi(catalogue, functions, version("stadtfunk"))

    async def healthz(_: Request) -> Response:
        """The process is alive."""
        return PlainTextResponse("ok\n", headers=_NOW)

    async def readyz(_: Request) -> Response:
        """Every backend that an enabled system needs answers."""
        answers = await probes.ask()
        ready = all(answer.ok for answer in answers)
        content = {"ready": ready, "backends": [answer.model_dump() for answer in answers]}
        return JSONResponse(content, 200 if ready else 503, _NOW)

    async def metrics(_: Request) -> Response:
        """Prometheus."""
        return Response(generate_latest(), headers=_NOW, media_type=CONTENT_TYPE_LATEST)

    async def described(_: Request) -> Response:
        """OpenAPI."""
        return JSONResponse(document, headers={"cache-control": "public, max-age=60"})

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", described),
    ]
