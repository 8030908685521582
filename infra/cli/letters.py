"""`stadtfunk evaluate zammad`: letters go the whole way to a draft; what reaches a model is read along."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from infra.cli.evaluate import commit, in_a_line
from infra.cli.output import err, fail, show_json, show_table
from infra.zammad.way import Came, Sending, way

# In a checkout, and where they lie in the package.
_OWN = (Path(__file__).parents[2] / "tests" / "letters", Path(__file__).parents[1] / "letters")
_HALVES = ("tuned", "unseen")


def judged_letters(
    system: str, module: ModuleType, documents: Path | None, letters: list[Path] | None, *, as_json: bool
) -> None:
    """Judge a system's drafts and print the figures."""
    files = {file.stem: file for file in letters} if letters else _own()
    if letters and len(files) < len(letters):
        fail("two --letters have the same name; their figures could not be told apart")
    figures = asyncio.run(_judged(module, documents, files))
    figures["run"] |= {"commit": commit()}
    if as_json:
        show_json(figures)
        return
    rows = {"all": figures, **figures["files"], **figures["kinds"]}
    names = [name for name in figures if name not in ("files", "kinds", "lying_model", "latency_ms", "run")]
    show_table(f"{system}: letters", ["Letters", *names], [(row, *(rows[row][name] for name in names)) for row in rows])
    for beside in ("latency_ms", "lying_model", "run"):
        err.print(f"{beside}: {in_a_line(figures[beside])}", markup=False, soft_wrap=True)


def _own() -> dict[str, Path]:
    folder = next((one for one in _OWN if one.is_dir()), None)
    if folder is None:
        fail("the project's own letters are not installed; name some with --letters")
    return {half: folder / f"{half}.jsonl" for half in _HALVES}


async def _judged(module: ModuleType, documents: Path | None, files: Mapping[str, Path]) -> dict[str, Any]:
    letters = {name: module.load_letters(file) for name, file in files.items()}
    groups = list(dict.fromkeys(letter.group for some in letters.values() for letter in some))
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stadtfunk-letters-") as folder:
        async with way(Path(folder), documents, groups) as found:
            async with found.sending() as send:
                figures = await module.evaluate_letters(letters, _counted(send), found.box.pages)
                run = {"documents": send.pages, "answers": len(found.box.pages), "model": send.model}
            async with found.sending(lying=True) as send:
                figures["lying_model"] = await module.evaluate_lies(letters, _counted(send), found.box.pages)
    return dict(figures) | {"run": run | {"seconds": round(time.monotonic() - begin)}}


def _counted(send: Sending) -> Callable[[Mapping[str, Any]], Awaitable[Came]]:
    """The same, and says now and then how many letters were answered."""
    count = 0

    async def counted(mail: Mapping[str, Any]) -> Came:
        nonlocal count
        came = await send(mail)
        count += 1
        if count % 25 == 0:
            err.print(f"letters worked on: {count}", markup=False)
        return came

    return counted
