"""A changed page, from the editor's save to the hit that shows it, on the whole local stack.

Webhook, event, one page read, index, search: a page of the demo city gets a word that stands nowhere else, the
stand-in sends its signed webhook, and the search is asked for that word until the page comes back with it. One
change after the other, each on another page; the last search of each is part of its time.
"""

import json
import os
import time
import urllib.request
from itertools import cycle, islice
from statistics import median
from typing import Any, Final
from urllib.parse import quote

from infra.bench._stack import stack
from infra.cms.city import Page, load_city
from shared.errors import StadtfunkError

_BARS: Final = {"bar_p50_s": 2.0, "bar_p99_s": 6.0}
_LONGEST_S: Final = 60.0  # a change that takes longer is lost
_LOOK_S: Final = 0.02


def run(quick: bool = False) -> dict[str, object]:
    """Figures: ``p50_s``, ``p99_s`` (of few changes: the slowest), ``max_s``, and each change in ``runs_s``."""
    count = 5 if quick else 25
    pages = [page for page in load_city().pages if page.public and page.kind == "service" and not page.live]
    # A client is let a search every few milliseconds here; in production its rate would be its own.
    with stack({"STADTFUNK_HOST__RATE_PER_MINUTE": "1000000"}) as running:
        addresses = running.addresses
        _change(addresses, pages[0], 0)  # the first search of a new process loads what later ones have
        taken = [_change(addresses, page, number) for number, page in enumerate(islice(cycle(pages), count), 1)]
    ordered = sorted(taken)
    return {
        "p50_s": median(ordered),
        "p99_s": ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))],
        "max_s": ordered[-1],
        **_BARS,
        "changes": count,
        "pages": len(pages),
        "runs_s": [round(value, 3) for value in taken],
        "cores": os.cpu_count() or 0,
        "load_1min": os.getloadavg()[0],
    }


def _change(addresses: dict[str, str], page: Page, number: int) -> float:
    """Seconds from the save of one page to the hit that shows it."""
    # No word of any language, so that no other page can be the hit; letters alone, as words are told apart.
    word = "quarz" + "".join(chr(ord("a") + int(digit)) for digit in f"{number:03d}{time.time_ns() % 10**9:09d}")
    text = f"{page.text}\n\nNeu auf dieser Seite ist das Wort {word}, und es soll schnell zu finden sein."
    begin = time.perf_counter()
    told = _json(f"{addresses['city']}_stand-in/pages/{page.id}", {"text": text}, "PUT")
    if told["webhook"] != "202":
        raise StadtfunkError(f"the webhook was answered with {told['webhook']}, not 202")
    search = f"{addresses['portal']}api/search?limit=3&q={quote(word)}"
    while time.perf_counter() - begin < _LONGEST_S:
        hits = _json(search)["hits"]
        if any(word in passage["text"] for hit in hits for passage in hit["passages"]):
            return time.perf_counter() - begin
        time.sleep(_LOOK_S)
    raise StadtfunkError(f"a changed page was not found within {_LONGEST_S:.0f} s")


def _json(url: str, body: Any = None, method: str = "GET") -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)
