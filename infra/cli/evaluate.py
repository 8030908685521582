"""`stadtfunk evaluate SYSTEM`: judge a system against judged queries, through everything, on a stack of its own."""

import asyncio
import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from infra.cli.output import AsJson, err, fail, show_json, show_table
from shared.catalogue import Catalogue
from shared.errors import StadtfunkError
from shared.settings import Settings

app = typer.Typer()


class Split(StrEnum):
    """How a recommender's loans are held back."""

    time = "time"
    random = "random"


class Kind(StrEnum):
    """What is hidden in photos."""

    faces = "faces"
    plates = "plates"
    persons = "persons"


_SILENT_S = 300.0  # without another page; however many there are, one takes some seconds
_STOP_S = 10.0
_CORE = "retrieval"  # is no system: it is below all of them
_DEMO_QUERIES = Path(__file__).parent.parent / "cms" / "city" / "queries.jsonl"


@app.command("evaluate")
def evaluate(
    system: Annotated[
        str, typer.Argument(help="A system of the catalogue that can be judged, e.g. xnext, or 'retrieval'.")
    ],
    *,
    documents: Annotated[Path | None, typer.Option(help="A city's services.jsonl; none: the demo city.")] = None,
    queries: Annotated[Path | None, typer.Option(help="Judged queries, JSONL; none: the demo city's.")] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Questions a language (retrieval), or photos (photos): always the same ones."),
    ] = None,
    dataset: Annotated[
        list[Path] | None, typer.Option(help="A public set as Parquet, in place of both; again for another file.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Which column of the set is for what, e.g. question=Frage.")
    ] = None,
    loans: Annotated[
        Path | None, typer.Option(help="Loans of a recommender, Parquet: user, item[, timestamp].")
    ] = None,
    items: Annotated[Path | None, typer.Option(help="Its titles, Parquet: item and columns of text.")] = None,
    letters: Annotated[
        list[Path] | None,
        typer.Option(help="Letters with what is expected of their drafts, JSONL (docs/zammad.md); again for another."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Photos with what is to be found in them, JSONL (docs/photos.md).")
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="What that is (photos only).")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for the photos that come out (photos only).")] = None,
    split: Annotated[Split, typer.Option(help="How its loans are held back.")] = Split.random,
    seed: Annotated[int, typer.Option(help="Of a random split.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Start a stack with nothing in it, index the documents, ask every query, print how well it found.

    A system is judged through everything it has, from the crawl to its HTTP function. ``retrieval`` judges
    the core below all text systems, by the language of the question; it needs --documents and --queries.
    Drafts are judged on --letters, each proposed twice: with the settings' models, and with one that lies; a
    recorder before the models sees what reaches them.
    Photos are judged on --truth and --kind, in both modes, beside the free tool deface on the same photos.
    A recommender is judged on --loans and --items: some loans are held back, and every method has to find them.
    """
    if loans is not None or items is not None:
        _compare(system, loans, items, (split, seed), as_json=as_json)
        return
    for file in (documents, queries, truth, *(dataset or ()), *(letters or ())):
        if file is not None and not file.is_file():
            fail(f"{file}: no such file")
    columns = dict(_pair(one) for one in column or ())
    if columns and not dataset:
        fail("--column says which column of a --dataset is for what")
    if dataset and (documents is not None or queries is not None or system == _CORE):
        fail("--dataset stands in place of --documents and --queries, for a system")
    if system == _CORE:
        if documents is None or queries is None:
            fail("name what to search with --documents, and the judged questions with --queries")
        _core(documents, queries, sample, as_json)
        return
    module = _commands(system)
    if hasattr(module, "passing"):
        from infra.cli.photos import judged_photos

        if truth is None:
            fail(f"'{system}' is judged on photos: name their list with --truth, and what is in them with --kind")
        judged_photos(
            system, module, truth, None if kind is None else kind.value, out=out, sample=sample, as_json=as_json
        )
        return
    if truth is not None or kind is not None or out is not None:
        fail(f"--truth, --kind and --out are of a system that hides what is in photos; '{system}' does not")
    if sample is not None:
        fail("--sample is of 'retrieval' and 'photos'; a system is asked every query")
    if hasattr(module, "evaluate_letters"):
        from infra.cli.letters import judged_letters

        if queries is not None or dataset:
            fail(f"'{system}' is judged by --letters, on the pages of --documents")
        judged_letters(system, module, documents, letters, as_json=as_json)
        return
    if documents is not None and queries is None:
        fail("name the judged queries of these documents with --queries")
    if letters is not None:
        fail(f"--letters is of a system that answers letters; '{system}' answers none")
    judge = getattr(module, "evaluate", None)
    if judge is None:
        fail(f"system '{system}' brings no evaluation ({module.__name__})")

    with tempfile.TemporaryDirectory(prefix="stadtfunk-dataset-") as folder:
        told: dict[str, object] = {}
        if dataset:
            prepare = getattr(module, "prepare", None)
            if prepare is None:
                fail(f"system '{system}' takes no public sets ({module.__name__})")
            documents, queries, told = prepare(dataset, columns, Path(folder))
            err.print(in_a_line(told), markup=False, soft_wrap=True)
        figures = asyncio.run(_judged(judge, system, documents, queries or _DEMO_QUERIES))
    figures["run"] |= told | {"commit": commit()}
    if as_json:
        show_json(figures)
        return
    what = ", ".join(map(str, dataset)) if dataset else queries or "demo city"
    _show(f"{system}: {what}", {name: row for name, row in figures.items() if "n" in row})
    for beside in ("latency_ms", "run"):
        err.print(in_a_line(figures.get(beside, {})), markup=False, soft_wrap=True)


async def _judged(
    judge: Callable[[Settings, Path], Awaitable[dict[str, Any]]], system: str, documents: Path | None, queries: Path
) -> dict[str, Any]:
    async with stack((system,), documents) as (settings, pages):
        figures = await judge(settings, queries)
        return figures | {"run": {"documents": pages, "model": settings.embeddings.model}}


def _core(documents: Path, queries: Path, sample: int | None, as_json: bool) -> None:
    from infra.retrieval import judge

    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=err) as progress:
        tasks: dict[str, TaskID] = {}

        def said(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done)

        measured, run = asyncio.run(judge(documents, queries, sample, said))
    if as_json:
        show_json(measured)
    else:
        _show(f"retrieval: {queries}", measured)
    # Beside the figures, whose keys are the languages and nothing else.
    err.print(in_a_line(run | {"commit": commit()}), markup=False, soft_wrap=True)


def _commands(system: str) -> ModuleType:
    catalogue = Catalogue.load(Settings(_env_file=".env").catalogue)
    known = {name: entry.commands for name, entry in catalogue.systems.items() if entry.commands}
    if system not in known:
        fail(f"no system '{system}' that can be judged; there is {', '.join([*known, _CORE])}")
    return importlib.import_module(f"functions.{known[system]}")


def _show(title: str, figures: Mapping[str, Mapping[str, object]]) -> None:
    names = list(dict.fromkeys(name for row in figures.values() for name in row))
    show_table(
        title, ["Queries", *names], [(name, *(row.get(figure) for figure in names)) for name, row in figures.items()]
    )


def in_a_line(facts: Mapping[str, object]) -> str:
    return "  ".join(f"{name} {value}" for name, value in facts.items())


def _pair(text: str) -> tuple[str, str]:
    use, equals, name = text.partition("=")
    if not (use and equals and name):
        fail(f"--column {text}: write what it is for, '=', and its name, e.g. question=Frage")
    return use, name


def commit() -> str:
    """What git calls the code that was measured; "unknown" where it is no checkout."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip()


def _compare(
    system: str, loans: Path | None, items: Path | None, held_back: tuple[Split, int], *, as_json: bool
) -> None:
    if loans is None or items is None:
        fail("a recommender is judged on --loans and --items together")
    for file in (loans, items):
        if not file.is_file():
            fail(f"{file}: no such file")
    split, seed = held_back
    module = _commands(system)
    compare = getattr(module, "compare", None)
    if compare is None:
        fail(f"system '{system}' brings no evaluation by loans ({module.__name__})")
    figures = compare(loans, items, split.value, seed=seed, said=lambda step: err.print(f"{step} …", markup=False))
    if as_json:
        show_json(figures)
        return
    methods = [name for name in figures if "recall@10" in figures[name]]
    names = list(figures[methods[0]])
    show_table(
        f"{system}: {loans}, split {split.value}",
        ["Method", *names],
        [(name, *(figures[name][figure] for figure in names)) for name in methods],
    )
    cold = figures["cold"]
    hits = "  ".join(f"{name} {one['hit@10']}" for name, one in cold.items() if isinstance(one, dict))
    err.print(f"hit@10 among {cold['titles']} cold titles, {cold['readers']} readers: {hits}", markup=False)


@contextlib.asynccontextmanager
async def stack(
    systems: Sequence[str],
    documents: Path | None,
    *,
    data: Path | None = None,
    port: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Settings, int]]:
    """A running stack, filled; its settings, and the number of its pages.

    ``data`` is a folder that is kept, a temporary one where none is named; ``variables`` are further settings.
    """
    with tempfile.TemporaryDirectory(prefix="stadtfunk-evaluate-") as folder:
        place = data or Path(folder)
        command = [sys.executable, "-c", "from infra.cli import main; main()", "up"]
        command += ["--data", str(place), "--no-open", "--json"]
        for system in systems:
            command += ["--only", system]
        if documents is not None:
            command += ["--city", str(documents)]
        if port is not None:
            command += ["--port", str(port)]
        # Nothing of a stack that runs beside: the folder's own servers, and no limit on who asks fast.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
        environment |= {"STADTFUNK_HOST__RATE_PER_MINUTE": "1000000", **(variables or {})}
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
        try:
            pages = await _filled(process)
            yield Settings(_env_file=place / "stack.env"), pages
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), _STOP_S)
                except TimeoutError:
                    process.kill()
                    await process.wait()


async def _filled(process: asyncio.subprocess.Process) -> int:
    """Wait until all is up and every page findable; the number of pages."""
    if process.stdout is None:
        raise AssertionError("stdout is piped")
    pages = 0
    while True:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _SILENT_S)
        except TimeoutError:
            raise StadtfunkError(f"the stack made nothing findable for {_SILENT_S:.0f} s ({pages} pages)") from None
        if not line:
            raise StadtfunkError(f"the stack ended with status {await process.wait()} before it was filled")
        fact = json.loads(line)
        if fact["event"] == "up":
            return pages
        if fact["event"] == "indexed":
            pages = fact["pages"]
            if pages % 25 == 0:
                err.print(f"pages findable: {pages} of {fact['of']}", markup=False)
