"""A real city's service pages, all of them, through the whole stack: crawled, indexed, found, crawled again.

Takes minutes: 221 texts are embedded on this machine's own processor.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.errors import TimeoutError as NoMore

from events.cms import PageChanged, PageIndexed
from events.subjects import filter_of
from functions.xnext.sources import plain
from tests.acceptance.conftest import ROOT, Up
from tests.polling import until

SERVICES = ROOT.parent / "shared" / "data" / "munich_services" / "services.jsonl"
WITH_TEXT = 221

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not SERVICES.exists() and os.environ.get("CI") != "true", reason=f"{SERVICES} is not here"),
]


class RealCity:
    """The stack that serves the file."""

    def __init__(self, up: Up, addresses: dict[str, str]) -> None:
        self.up, self.portal, self.cms = up, addresses["portal"], addresses["city"]
        self.rows = [json.loads(line) for line in SERVICES.read_text(encoding="utf-8").splitlines()]

    @property
    def with_text(self) -> dict[str, str]:
        """Titles by page id."""
        return {f"befi:{row['id']}": row["name"] for row in self.rows if plain(row["html"])}

    def found(self, query: str, limit: int = 10) -> list[str]:
        """Page ids, best first."""
        return [
            hit["id"]
            for hit in self.json(f"{self.portal}api/search?limit={limit}&q={urllib.parse.quote(query)}")["hits"]
        ]

    def json(self, url: str) -> Any:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def requests(self) -> dict[str, int]:
        """What was asked of the CMS so far."""
        return {"conditional": 0, "304": 0, **self.json(f"{self.cms}_stand-in/state")["requests"]}

    def counted(self, name: str, label: str) -> float:
        """A counter of the worker's metrics, over all its series with this label."""
        port = json.loads((self.up.data / "ports.json").read_text())["worker-metrics"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        series = re.compile(rf"{name}\{{[^}}]*{re.escape(label)}[^}}]*\}} (\S+)")
        return sum(float(match[1]) for line in lines if (match := series.match(line)))

    def events(self, kind: type[PageChanged] | type[PageIndexed]) -> list[Any]:
        """All events of a type, from the stream itself."""

        async def read() -> list[Any]:
            client = await nats.connect(
                f"nats://127.0.0.1:{json.loads((self.up.data / 'ports.json').read_text())['nats']}"
            )
            try:
                pulled = await client.jetstream().subscribe(
                    filter_of(kind.type), stream="EVENTS", ordered_consumer=True
                )
                found: list[Any] = []
                while True:
                    try:
                        found.append(kind.model_validate_json((await pulled.next_msg(timeout=2)).data))
                    except NoMore:
                        return found
            finally:
                await client.close()

        return asyncio.run(read())


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCity]:
    up = Up(tmp_path_factory.mktemp("munich") / "data", "--only", "xnext", "--city", str(SERVICES))
    try:
        yield RealCity(up, up.addresses(seconds=1200))
    finally:
        up.close()


def test_every_page_with_text_is_indexed_and_found_by_its_title(city: RealCity) -> None:
    assert len(city.rows) == len(city.events(PageChanged)) == 287
    indexed = {event.page_id for event in city.events(PageIndexed) if event.passages}
    wanted = city.with_text
    assert len(wanted) >= WITH_TEXT
    assert set(wanted) <= indexed
    lost = [title for id, title in wanted.items() if id not in city.found(title)]
    # Several pages bear nearly the same title ("Reisepass", "vorläufiger Reisepass", …), and each is a page.
    assert len(lost) <= len(wanted) * 0.02, lost


def test_a_question_without_the_page_s_words_finds_it(city: RealCity) -> None:
    assert "befi:1063423" in city.found("Ich will einen kleinen Laden aufmachen, wo muss ich das melden?")


def test_the_second_crawl_asks_once_a_page_and_changes_nothing(city: RealCity) -> None:
    before = city.requests()
    handled = city.counted("stadtfunk_function_handled_total", 'function="crawl"')
    embedded = city.counted("stadtfunk_backend_seconds_count", 'backend="embeddings"')
    told = len(city.events(PageChanged))
    subprocess.run(
        [str(Path(sys.executable).parent / "stadtfunk"), "publish", "cms.crawl.requested"],
        cwd=ROOT,
        env={**os.environ, "STADTFUNK_DATA": str(city.up.data)},
        check=True,
        timeout=60,
    )
    until(
        lambda: city.counted("stadtfunk_function_handled_total", 'function="crawl"') > handled,
        "the second crawl is done",
        deadline_s=180,
    )
    after = city.requests()
    assert {key: after[key] - before[key] for key in ("all", "conditional", "304")} == {
        "all": 288,  # the list, and each page once
        "conditional": 287,
        "304": 287,
    }
    assert len(city.events(PageChanged)) == told
    assert city.counted("stadtfunk_backend_seconds_count", 'backend="embeddings"') == embedded
