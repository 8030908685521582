"""`stadtfunk publish`: put an event on the bus by hand."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

import infra.schemas
from events import EVENT_TYPES
from infra.cli.output import AsJson, fail, out, show_json
from infra.invocation import read_event
from shared.bus import enveloped
from shared.settings import Settings

app = typer.Typer()


@app.command("publish")
def publish(
    event_type: Annotated[str, typer.Argument(metavar="TYPE", help="The event's type, e.g. cms.crawl.requested.")],
    event: Annotated[
        Path | None, typer.Option("--event", help="A JSON file: a CloudEvent, or the data alone; none: defaults.")
    ] = None,
    event_id: Annotated[
        str | None, typer.Option("--id", help="The event's id; the same id twice within a day is stored once.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish one event and wait until it is stored."""
    infra.schemas.load_events()
    accepts = EVENT_TYPES.get(event_type)
    if accepts is None:
        fail(f"unknown event type '{event_type}'; known: {', '.join(sorted(EVENT_TYPES))}")
    needed = [name for name, field in accepts.model_fields.items() if field.is_required()]
    if event is None and needed:
        fail(f"{event_type} needs data ({', '.join(needed)}); give it with --event FILE")
    data = accepts() if event is None else read_event(event, accepts)
    envelope = enveloped(data, id=event_id or str(uuid4()), source="stadtfunk/publish")
    asyncio.run(_store(envelope, data.key_value))
    if as_json:
        show_json({"id": envelope.id, "type": envelope.type})
    else:
        out.print(f"stored {envelope.type} as {envelope.id}")


async def _store(envelope: "infra.schemas.CloudEvent", key: str | None) -> None:
    from shared.jetstream import JetStreamBus

    bus = JetStreamBus(Settings().nats)
    try:
        await bus.publish(envelope, key=key)
    finally:
        await bus.close()
