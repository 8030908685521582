"""The Zammad stand-in within a test: a citizen, an agent and faults in a line each.

async with helpdesk(webhook=f"{host}/zammad/webhook") as desk:
    settings = desk.settings(groups=("Führerscheinstelle",))   # STADTFUNK_SECRET_ZAMMAD_TOKEN is set meanwhile
    ticket, article = await desk.mail("Was kostet der Umtausch?", group="Führerscheinstelle")
"""

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from infra.zammad.app import create_app
from infra.zammad.world import World, load_world
from shared.settings import ZammadGroup, ZammadSettings
from tests.serving import serving

TOKEN: Final = "token-of-the-bot"
WEBHOOK_TOKEN: Final = "token-of-the-webhook"


class HelpDesk:
    """A running stand-in and its control interface."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    def settings(self, *groups: str, **more: Any) -> ZammadSettings:
        """Settings with which drafts are made for these groups (none: all of the demo world)."""
        names = groups or tuple(team.name for team in load_world().groups)
        return ZammadSettings(url=self.url, groups=tuple(ZammadGroup(name=name) for name in names), **more)

    async def control(self, method: str, path: str, body: object = None) -> Any:
        """One call of ``/_stand-in/…`` (infra/zammad/control.py); fails the test where it is refused."""
        async with self._session.request(method, f"{self.url}/_stand-in/{path}", json=body) as answer:
            told = await answer.json()
            assert answer.status < 300, f"{method} {path}: {answer.status} {told}"
            return told

    async def mail(self, body: str, *, email: str = "erika@citizen.example", **more: Any) -> tuple[int, int]:
        """A citizen writes; ids of ticket and article."""
        told = await self.control("POST", "mails", {"email": email, "body": body, **more})
        return told["ticket_id"], told["article_id"]

    async def mails(self, count: int, body: str, **more: Any) -> list[int]:
        """As many tickets of one mail; their ids."""
        told = await self.control("POST", "mails", {"email": "m@citizen.example", "body": body, "count": count, **more})
        tickets: list[int] = told["ticket_ids"]
        return tickets

    async def reply(self, ticket_id: int, body: str, **more: Any) -> int:
        """An agent sends an answer; the article's id."""
        told = await self.control("POST", f"tickets/{ticket_id}/reply", {"body": body, **more})
        article: int = told["article_id"]
        return article

    async def faults(self, *faults: dict[str, Any]) -> None:
        """Switch these on and all others off."""
        await self.control("PUT", "faults", list(faults))

    async def state(self) -> dict[str, Any]:
        """What happened so far."""
        told: dict[str, Any] = await self.control("GET", "state")
        return told

    async def articles(self, ticket_id: int) -> list[dict[str, Any]]:
        """All articles of a ticket, as the interface tells them."""
        told: list[dict[str, Any]] = await self.api("GET", f"ticket_articles/by_ticket/{ticket_id}")
        return told

    async def draft(self, ticket_id: int) -> dict[str, Any] | None:
        """The shared draft's record."""
        told = await self.api("GET", f"tickets/{ticket_id}/shared_draft")
        return None if told["assets"] is None else next(iter(told["assets"]["TicketSharedDraftZoom"].values()))

    async def api(self, method: str, path: str, body: object = None) -> Any:
        """One call of the interface with the bot's token, whatever its status."""
        headers = {"Authorization": f"Token token={TOKEN}"}
        async with self._session.request(method, f"{self.url}/api/v1/{path}", json=body, headers=headers) as answer:
            return await answer.json()


@contextlib.asynccontextmanager
async def helpdesk(
    *,
    webhook: str | None = None,
    unit_s: float = 0.05,
    world: World | None = None,
    state: Path | None = None,
    port: int = 0,
) -> AsyncIterator[HelpDesk]:
    """A stand-in on a free port, with the demo world; the bot's and the webhook's secret stand in the environment."""
    app = create_app(
        world or load_world(),
        "http://127.0.0.1",
        token=TOKEN,
        webhook=webhook,
        webhook_token=WEBHOOK_TOKEN,
        unit_s=unit_s,
        state=state,
    )
    variables = {"STADTFUNK_SECRET_ZAMMAD_TOKEN": TOKEN, "STADTFUNK_SECRET_ZAMMAD_WEBHOOK": WEBHOOK_TOKEN}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        async with serving(app, port) as url, aiohttp.ClientSession() as session:
            yield HelpDesk(url, session)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def names(articles: Sequence[dict[str, Any]]) -> list[str]:
    """Sender and type of each, for short assertions."""
    return [f"{one['sender']} {one['type']}{' internal' if one['internal'] else ''}" for one in articles]
