"""`stadtfunk list`, `run`, `serve`, `invoke`: the functions of the catalogue and how to start them."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.output import AsJson, fail, out, show_json, show_table
from infra.handlers import resolve
from shared.catalogue import Catalogue, Trigger
from shared.settings import Settings

app = typer.Typer()


@app.command("list")
def list_functions(as_json: AsJson = False) -> None:
    """The functions of the catalogue, with what starts them."""
    catalogue = Catalogue.load(Settings().catalogue)
    rows = [
        {
            "function": name,
            "system": entry.system,
            "enabled": catalogue.systems[entry.system].enabled,
            "triggers": [_said(trigger) for trigger in entry.events],
            "access": entry.access,
            "scale": entry.scale.model_dump(),
            "description": entry.description,
        }
        for name, entry in catalogue.functions.items()
    ]
    if as_json:
        show_json(rows)
        return
    show_table(
        "Functions",
        ["Function", "System", "Started by", "Access", "What it does"],
        [
            (r["function"], r["system"], "\n".join(_said(t) for t in e.events), r["access"], r["description"])
            for r, e in zip(rows, catalogue.functions.values(), strict=True)
        ],
    )


@app.command("run")
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Functions to run; none: every enabled one.")] = None,
) -> None:
    """Run event functions in this process, fed by NATS, until SIGTERM or Ctrl-C (both drain)."""
    from infra import worker

    settings = Settings()
    worker.run(names or None, settings, Catalogue.load(settings.catalogue))


@app.command("serve")
def serve() -> None:
    """Serve every enabled HTTP function on the host and port of the settings."""
    from infra.host.serve import serve as serve_host

    settings = Settings()
    serve_host(settings, Catalogue.load(settings.catalogue))


@app.command("invoke")
def invoke(
    name: Annotated[str, typer.Argument(help="The function, as the catalogue names it.")],
    event: Annotated[Path, typer.Option("--event", help="A JSON file: a CloudEvent, or the event's data alone.")],
    as_json: AsJson = False,
) -> None:
    """Call one event function here, without a broker: state lives in memory, follow-ups are printed."""
    from infra.invocation import call

    settings = Settings()
    catalogue = Catalogue.load(settings.catalogue)
    if name not in catalogue.functions:
        fail(f"unknown function '{name}'; known: {', '.join(catalogue.functions)}")
    only = catalogue.model_copy(update={"functions": {name: catalogue.functions[name]}})
    function = resolve(only, settings.catalogue)[name]
    follow_ups = asyncio.run(call(function, event, settings))
    if as_json:
        show_json([{"type": e.type, "data": e.model_dump(mode="json")} for e in follow_ups])
    elif not follow_ups:
        out.print(f"{name} returned no follow-up event.")
    else:
        show_table("Follow-up events", ["Type", "Data"], [(e.type, e.model_dump_json()) for e in follow_ups])


def _said(trigger: Trigger) -> str:
    if trigger.nats:
        return f"event {trigger.nats.type}" if trigger.nats.type else f"subject {trigger.nats.subject}"
    if trigger.schedule:
        zone = f" {trigger.schedule.time_zone}" if trigger.schedule.time_zone else ""
        return f"schedule {trigger.schedule.cron}{zone}"
    if trigger.http:
        return f"{trigger.http.method} {trigger.http.path}"
    assert trigger.s3  # noqa: S101 - a trigger is one of four, the catalogue checked it
    return f"objects in {trigger.s3.bucket}/{trigger.s3.prefix}*{trigger.s3.suffix}"
