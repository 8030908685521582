"""`stadtfunk dead list | show | replay | drop`: events that functions gave up on."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from infra.cli.output import AsJson, out, show_json, show_table
from infra.worker.dead import DeadLetters
from shared.jetstream import JetStreamBus
from shared.settings import Settings

app = typer.Typer(no_args_is_help=True)
T = TypeVar("T")

Number = Annotated[int, typer.Argument(help="The number that 'dead list' shows.")]
Numbers = Annotated[list[int] | None, typer.Argument(help="The numbers that 'dead list' shows.")]
OfFunction = Annotated[str | None, typer.Option("--function", help="Only those of this function.")]
Every = Annotated[bool, typer.Option("--all", help="All of them, or all of --function.")]


@app.command("list")
def list_letters(function: OfFunction = None, as_json: AsJson = False) -> None:
    """Dead letters, oldest first, without the events' content."""
    rows = [stored.summary() for stored in _with(lambda letters: letters.list(function))]
    if as_json:
        show_json(rows)
    elif not rows:
        out.print("No dead letters.")
    else:
        columns = ["No.", "Function", "Event", "Type", "Attempts", "Error", "First failed", "Given up"]
        show_table("Dead letters", columns, [list(row.values()) for row in rows])


@app.command("show")
def show(number: Number, as_json: AsJson = False) -> None:
    """One dead letter with cause, headers and the event's content (which may be personal data)."""
    whole = _with(lambda letters: letters.get(number)).whole()
    if as_json:
        show_json(whole)
        return
    cells = {
        k: v if isinstance(v, (str, int)) else json.dumps(v, ensure_ascii=False, indent=2) for k, v in whole.items()
    }
    show_table(f"Dead letter {number}", ["What", "Value"], list(cells.items()))


@app.command("replay")
def replay(numbers: Numbers = None, function: OfFunction = None, every: Every = False, as_json: AsJson = False) -> None:
    """Give events back to the function that failed, once its fault is mended; others do not see them again."""
    _each("replayed", DeadLetters.replay, numbers=numbers, function=function, every=every, as_json=as_json)


@app.command("drop")
def drop(numbers: Numbers = None, function: OfFunction = None, every: Every = False, as_json: AsJson = False) -> None:
    """Delete dead letters for good."""
    _each("dropped", DeadLetters.drop, numbers=numbers, function=function, every=every, as_json=as_json)


def _each(
    done: str,
    act: Callable[[DeadLetters, int], Awaitable[None]],
    *,
    numbers: list[int] | None,
    function: str | None,
    every: bool,
    as_json: bool,
) -> None:
    if bool(numbers) == every:
        raise typer.BadParameter("name their numbers, or --all")

    async def work(letters: DeadLetters) -> list[int]:
        chosen = [stored.number for stored in await letters.list(function)] if every else list(numbers or ())
        for number in chosen:
            await act(letters, number)
        return chosen

    chosen = _with(work)
    if as_json:
        show_json({done: chosen})
    else:
        out.print(f"{len(chosen)} {done}.")


def _with(work: Callable[[DeadLetters], Awaitable[T]]) -> T:
    async def connected() -> T:
        bus = JetStreamBus(Settings().nats, name="stadtfunk-dead")
        try:
            return await work(DeadLetters(bus))
        finally:
            await bus.close()

    return asyncio.run(connected())
