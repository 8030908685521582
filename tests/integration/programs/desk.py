"""``python -m tests.integration.programs.desk FOLDER``: a worker of ``draft_reply`` that kills itself where it is told.

``FOLDER/falls.json`` names a moment by ticket, as ``"add_note:before"``; each comes once. The proposal is scripted.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from functions.zammad import draft
from functions.zammad.client import Zammad
from functions.zammad.records import Record, Records
from infra.worker.worker import Worker
from shared import telemetry
from shared.catalogue import RetryPolicy
from shared.jetstream import JetStreamBus
from shared.settings import Settings
from tests.integration.helpdesk import functions_of, scripted

FOLDER = Path(sys.argv[1])
PATIENT = RetryPolicy.model_validate({"attempts": 60, "initial": "50ms", "max": "500ms"})
Step = Callable[..., Awaitable[Any]]
saves: Counter[int] = Counter()


def fall(ticket_id: int, moment: str) -> None:
    """kill -9 of this process, if this is the ticket's moment and it did not come yet."""
    falls = json.loads((FOLDER / "falls.json").read_text())
    fallen = FOLDER / f"fallen-{ticket_id}"
    if falls.get(str(ticket_id)) == moment and not fallen.exists():
        fallen.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def around(name: str, step: Step) -> Step:
    """A step of the client with a moment before and one after it."""

    async def stepped(zammad: Zammad, ticket_id: int, *values: Any, **named: Any) -> Any:
        fall(ticket_id, f"{name}:before")
        result = await step(zammad, ticket_id, *values, **named)
        fall(ticket_id, f"{name}:after")
        return result

    return stepped


def main() -> None:
    """Run until SIGTERM, or a moment of the file."""
    save, publish = Records.save, JetStreamBus.publish

    async def saved(records: Records, record: Record) -> Record:
        saves[record.ticket_id] += 1
        name = f"save-{saves[record.ticket_id]}"
        fall(record.ticket_id, f"{name}:before")
        result = await save(records, record)
        fall(record.ticket_id, f"{name}:after")
        return result

    async def published(bus: JetStreamBus, event: Any, *, key: str | None = None) -> None:
        ticket_id = int(key) if event.type == "zammad.draft.proposed" and key else 0
        fall(ticket_id, "told:before")
        await publish(bus, event, key=key)
        fall(ticket_id, "told:after")

    for name in ("put_draft", "add_tag", "add_note"):
        setattr(Zammad, name, around(name, getattr(Zammad, name)))
    setattr(Records, "save", saved)  # noqa: B010 - mypy refuses an assignment
    setattr(JetStreamBus, "publish", published)  # noqa: B010
    setattr(draft, "propose", scripted)  # noqa: B010
    settings = Settings()
    telemetry.setup(settings.telemetry, "worker")
    functions, catalogue = functions_of("draft_reply", retry=PATIENT)
    asyncio.run(Worker(functions, catalogue, settings).run())


if __name__ == "__main__":
    main()
