"""Drafts: from a citizen's mail in the help desk to draft and note, without a language model; how much is embeddings.

The demo city with its real servers, the help desk's stand-in, and our own letters, one after the other: trigger,
signed webhook, event, worker, knowledge base and pages, draft and note. The first letter is not counted.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

from infra.zammad.way import way
from shared.errors import StadtfunkError

_BAR_MS: Final = 600.0
# In a checkout, and where they lie in the package.
_LETTERS: Final = (Path(__file__).parents[2] / "tests" / "letters", Path(__file__).parents[1] / "letters")


def run(quick: bool = False) -> dict[str, object]:
    """Milliseconds from mail to note: median and 99th percentile; of them in the embedding server, as a share."""
    return asyncio.run(_run(_mails()[: 15 if quick else None]))


async def _run(mails: list[dict[str, Any]]) -> dict[str, object]:
    taken: list[float] = []
    embedding: list[float] = []
    with tempfile.TemporaryDirectory(prefix="stadtfunk-bench-") as folder:
        async with (
            way(Path(folder), None, list(dict.fromkeys(str(mail["group"]) for mail in mails))) as found,
            found.sending() as send,
        ):
            for number, mail in enumerate(mails[:1] + mails):
                found.embeddings.spans.clear()
                start = perf_counter()
                came = await send(mail if number else {**mail, "body": "Was kostet ein Personalausweis?"})
                if number and came.written.note:
                    end = start + came.written.seconds
                    taken.append(1000 * came.written.seconds)
                    embedding.append(1000 * _covered(found.embeddings.spans, end))
    if len(taken) < len(mails):
        raise StadtfunkError(f"{len(mails) - len(taken)} of {len(mails)} letters got no note")
    beside = sorted(all_ - part for all_, part in zip(taken, embedding, strict=True))
    taken.sort()
    return {
        "p50_ms": round(median(taken), 1),
        "p99_ms": round(taken[int(len(taken) * 0.99)], 1),
        "beside_embeddings_p50_ms": round(median(beside), 1),
        "embeddings_share": round(sum(embedding) / sum(taken), 3),
        "bar_p50_ms": _BAR_MS,
        "letters": len(taken),
        "cores": os.cpu_count() or 0,
        "load_1min": round(os.getloadavg()[0], 2),
    }


def _mails() -> list[dict[str, Any]]:
    """Our own letters that get a note, as they are sent to the help desk."""
    file = next(one for one in (folder / "tuned.jsonl" for folder in _LETTERS) if one.is_file())
    letters = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
    return [
        {
            "name": one["from"].get("name", ""),
            "email": one["from"]["email"],
            "subject": one.get("subject", ""),
            "body": one["body"],
            "html": one.get("html", False),
            "group": one["group"],
            "files": [(file["name"], file["text"]) for file in one.get("attachments", ())],
        }
        for one in letters
        if not one["expected"].get("skip")
    ]


def _covered(spans: Iterable[tuple[float, float]], end: float) -> float:
    """Seconds that lie in at least one span, up to an end."""
    covered, reached = 0.0, 0.0
    for first, last in sorted(spans):
        begin, stop = max(first, reached), min(last, end)
        if stop > begin:
            covered += stop - begin
            reached = stop
    return covered
