"""The stand-in as a starlette application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount

from infra.zammad.control import Control
from infra.zammad.desk import Desk
from infra.zammad.faults import Guard, Trouble
from infra.zammad.knowledge import Knowledge
from infra.zammad.mailbox import Mailbox
from infra.zammad.store import Store
from infra.zammad.tables import Clock, now
from infra.zammad.tickets import Tickets
from infra.zammad.webhook import Webhooks
from infra.zammad.world import BOT, World

_SAVED_EVERY_S = 1.0


def create_app(
    world: World,
    base: str,
    *,
    token: str,
    webhook: str | None = None,
    webhook_token: str | None = None,
    unit_s: float = 10.0,
    state: Path | None = None,
    portal: str | None = None,
    clock: Clock = now,
) -> Starlette:
    """The application.

    Args:
        base: the address by which it is reached, without a slash at its end
        token: the bot's
        webhook: address that triggers tell, None: nowhere
        webhook_token: signs what they tell, None: nothing does
        unit_s: seconds before the first repetition of a refused webhook; Zammad's are 10
        state: file that keeps tickets over a restart, None: none
        portal: address of the platform's first page, linked from every page
    """
    store = Store(clock)
    desk = Desk(world, store, state)
    store.tokens[token] = BOT
    trouble = Trouble()
    webhooks = None
    if webhook is not None:
        webhooks = Webhooks(store, world.triggers, url=webhook, token=webhook_token, base=base, unit_s=unit_s)
        store.listener = webhooks.changed

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        saving = asyncio.create_task(_saving(desk))
        yield
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
        if webhooks is not None:
            await webhooks.close()
        desk.save()

    return Starlette(
        routes=[
            Mount("/api/v1", routes=[*Tickets(store).routes(), *Knowledge(store).routes()]),
            *Control(desk, trouble, webhooks).routes(),
            *Mailbox(desk, portal).routes(),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"]),
            Middleware(Guard, trouble=trouble),
        ],
        lifespan=lifespan,
    )


async def _saving(desk: Desk) -> None:
    while True:
        await asyncio.sleep(_SAVED_EVERY_S)
        desk.save()
