"""`stadtfunk evaluate zammad`: letters are answered, and what reaches a model is read along."""

import asyncio
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from infra.cli.evaluate import commit, in_a_line, stack
from infra.cli.output import err, fail, show_json, show_table
from infra.liar import liar
from infra.recorder import Recorder, recorder
from shared.settings import Settings

# In a checkout, and where they lie in the package.
_OWN = (Path(__file__).parents[2] / "tests" / "letters", Path(__file__).parents[1] / "letters")
_HALVES = ("tuned", "unseen")
_LIES_IN = ("de",)  # languages that the lying model writes: it has the pages' sentences only


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


async def _judged(module: ModuleType, documents: Path | None, files: dict[str, Path]) -> dict[str, Any]:
    async with stack(module.LETTERS_STACK, documents) as (settings, pages):
        async with _recorder(settings.embeddings.url) as embeddings, _recorder(settings.chat.url) as chat:
            told = _with(settings, embeddings, chat, ())
            seen = _Seen(embeddings, chat)
            figures = await module.evaluate_letters(told, files, module.Witness(seen=seen.drain))
        async with (
            liar() as lies,
            _recorder(settings.embeddings.url) as embeddings,
            _recorder(lies.url) as chat,
        ):
            told = _with(settings, embeddings, chat, _LIES_IN)
            seen = _Seen(embeddings, chat)
            figures["lying_model"] = await module.evaluate_letters(
                told, files, module.Witness(seen=seen.drain, told=lies.drain)
            )
    return dict(figures) | {"run": {"documents": pages, "model": settings.embeddings.model}}


class _Seen:
    """What reached both models."""

    def __init__(self, *recorders: Recorder) -> None:
        self._recorders = recorders

    def drain(self) -> list[str]:
        return [text for one in self._recorders for text in one.drain()]


def _recorder(url: str) -> Any:
    parts = urlsplit(url)
    return recorder(f"{parts.scheme}://{parts.netloc}")


def _with(settings: Settings, embeddings: Recorder, chat: Recorder, languages: tuple[str, ...]) -> Settings:
    """The settings with a recorder before each model."""
    return settings.model_copy(
        update={
            "embeddings": settings.embeddings.model_copy(
                update={"url": f"{embeddings.url}{urlsplit(settings.embeddings.url).path}"}
            ),
            "chat": settings.chat.model_copy(update={"url": f"{chat.url}/v1", "languages": languages}),
        }
    )
