"""`stadtfunk status`: functions, lag, failures, backends."""

import asyncio

import typer

from infra.cli.output import AsJson, out, show_json, show_table
from infra.status import Status, collect
from shared.catalogue import Catalogue
from shared.settings import Settings

app = typer.Typer()


@app.command("status")
def status(as_json: AsJson = False) -> None:
    """What runs, what waits, what failed. Ends with code 1 where something needs a person."""
    settings = Settings()
    found = asyncio.run(collect(Catalogue.load(settings.catalogue), settings))
    if as_json:
        show_json({**found.model_dump(mode="json"), "problems": found.problems})
    else:
        _tables(found)
    if found.problems:
        raise typer.Exit(1)


def _tables(found: Status) -> None:
    show_table(
        "Backends",
        ["Backend", "Answers", "Seconds", "Error"],
        [(one.backend, "yes" if one.ok else "NO", one.seconds, one.error) for one in found.backends],
    )
    show_table(
        "Functions",
        ["Function", "Waiting", "In flight", "Again", "Oldest", "Dead", "Last error", "Next firing"],
        [
            (
                one.name,
                one.lag,
                one.in_flight,
                one.redelivered,
                None if one.oldest_s is None else f"{one.oldest_s:.0f} s",
                one.dead or None,
                one.last_error,
                f"{one.next_firing:%Y-%m-%d %H:%M %Z}" if one.next_firing else None,
            )
            for one in found.functions
        ],
    )
    show_table(
        "Streams",
        ["Stream", "Messages", "Bytes", "Full", "Waits"],
        [(one.name, one.messages, one.bytes, _percent(one.fill), _percent(one.age)) for one in found.streams],
    )
    if found.tail is not None:
        out.print(f"The storage's filer is followed, {found.tail.behind_s:.0f} s behind.", markup=False)
    for problem in found.problems:
        out.print(problem, style="bold red", markup=False)


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"
