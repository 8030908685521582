"""The AI register: what each system is for, with what, and who answers for it; from the catalogue."""

from pathlib import Path

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.backends import Backends
from shared.catalogue import Card, Catalogue, Text
from shared.function import http
from shared.layout import Layout

_LAYOUT = Layout(Path(__file__).parent / "templates")


class RegisteredFunction(BaseModel):
    """One function of a system."""

    name: str
    description: str
    access: str | None  # public, staff, system; None: answers no requests


class RegisteredSystem(BaseModel):
    """One system's entry."""

    name: str
    title: Text
    card: Card
    functions: list[RegisteredFunction]


class Register(BaseModel):
    """The whole register, as ``/register.json`` gives it."""

    version: int = 1
    city: str
    systems: list[RegisteredSystem]


@http
async def register_page(request: Request, use: Backends) -> Response:
    """The register as a page, or as JSON under ``/register.json``."""
    register = _register(use.catalogue.enabled(), use.settings.portal.city)
    if request.url.path.endswith(".json"):
        return JSONResponse(register.model_dump(mode="json"), headers={"cache-control": "no-cache"})
    return _LAYOUT.page(request, use, "register.html", systems=register.systems)


def _register(catalogue: Catalogue, city: str) -> Register:
    """Every enabled system; those that use a model come first, for they are what a reader looks for."""
    systems = [
        RegisteredSystem(
            name=name,
            title=system.title,
            card=system.card,
            functions=[
                RegisteredFunction(name=function, description=entry.description, access=entry.access)
                for function, entry in catalogue.of_system(name)
            ],
        )
        for name, system in catalogue.systems.items()
    ]
    return Register(city=city, systems=sorted(systems, key=lambda system: not system.card.models))
