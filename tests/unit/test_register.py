"""The AI register: every card in both languages, as a page and as JSON, nothing but the catalogue's words."""

import json
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from functions.register.pages import Register, register_page
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
CATALOGUE = Catalogue.load(ROOT / "serverless.yaml")


async def answered(path: str, query: str = "", catalogue: Catalogue = CATALOGUE) -> Response:
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    answer = await register_page(Request(scope), Backends(Settings(), catalogue=catalogue))
    assert isinstance(answer, Response)
    return answer


async def html(query: str = "", catalogue: Catalogue = CATALOGUE) -> str:
    return bytes((await answered("/register", query, catalogue)).body).decode()


async def test_page_shows_every_field_of_every_card() -> None:
    for query, language in (("", "de"), ("lang=en", "en")):
        page = (await html(query)).replace("&#39;", "'")
        for system in CATALOGUE.enabled().systems.values():
            card = system.card
            texts = [system.title, card.purpose, card.data, card.evaluation, card.risks]
            for text in (*texts, card.legal_basis, card.human_oversight):
                assert getattr(text, language) in page
            assert all(said in page for said in (card.owner, *card.models))


async def test_json_says_what_the_page_says() -> None:
    answer = await answered("/register.json")
    assert answer.headers["content-type"] == "application/json"
    register = Register.model_validate_json(bytes(answer.body))
    assert {system.name for system in register.systems} == set(CATALOGUE.enabled().systems)
    search = next(system for system in register.systems if system.name == "xnext")
    assert search.card == CATALOGUE.systems["xnext"].card
    assert {function.name: function.access for function in search.functions}["search"] == "public"


async def test_systems_with_a_model_come_first() -> None:
    register = json.loads(bytes((await answered("/register.json")).body))
    models = [bool(system["card"]["models"]) for system in register["systems"]]
    assert models == sorted(models, reverse=True)


async def test_disabled_systems_are_not_listed() -> None:
    off = CATALOGUE.systems["xnext"].model_copy(update={"enabled": False})
    catalogue = CATALOGUE.model_copy(update={"systems": {**CATALOGUE.systems, "xnext": off}})
    assert off.title.de not in await html(catalogue=catalogue)


async def test_cards_are_escaped() -> None:
    system = CATALOGUE.systems["xnext"]
    card = system.card.model_copy(update={"owner": "<script>alert(1)</script>", "models": ["a<b>"]})
    hostile = system.model_copy(update={"card": card})
    page = await html(catalogue=CATALOGUE.model_copy(update={"systems": {"xnext": hostile}}))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "a&lt;b&gt;" in page
