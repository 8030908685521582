"""Feedback from the citizen's click to the figures on the status page: real host, NATS and worker's rules."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import aiohttp
import pytest

from events.xnext import FeedbackGiven
from functions.xnext.feedback import FEEDBACK, NoQuery, count_feedback, feedback, feedback_figures
from infra.worker.worker import Worker
from shared.backends import Backends
from shared.jetstream import JetStreamBus
from shared.settings import NatsSettings, Settings
from tests.integration.hosting import catalogue_of, hosted, plain_settings, records
from tests.polling import eventually

CATALOGUE = catalogue_of(
    feedback={"events": [{"http": {"method": "POST", "path": "/api/feedback"}}], "access": "public"},
    feedback_figures={"events": [{"http": {"path": "/api/feedback/figures"}}], "access": "public"},
    count_feedback={"events": [{"nats": {"type": "xnext.feedback.given"}}], "start": "all"},
)


@pytest.fixture
def nearby(nats_settings: NatsSettings) -> Settings:
    return plain_settings(nats=nats_settings)


@pytest.fixture
async def use(nearby: Settings) -> AsyncIterator[Backends]:
    backends = Backends(nearby)
    yield backends
    await backends.close()


DAY = date.today()


def given(id: str = "0" * 32, **more: Any) -> FeedbackGiven:
    return FeedbackGiven.model_validate({"feedback_id": id, "day": DAY, "about": "answer", "kind": "up"} | more)


async def rows(use: Backends) -> list[list[str | int | float]]:
    return [row[1:] for row in (await feedback_figures(NoQuery(), use)).rows]


async def test_each_is_counted_once_however_often_and_at_once(use: Backends) -> None:
    events = [given(f"{number:032x}") for number in range(20)] + [given("f" * 32, kind="down", reason="outdated")]
    await asyncio.gather(*(count_feedback(event, use) for event in (*events, *events)))
    await count_feedback(events[3], use)
    assert await rows(use) == [["answer", "down", "outdated", 1], ["answer", "up", "", 20]]


async def test_what_is_older_than_a_month_is_not_shown(use: Backends) -> None:
    await count_feedback(given(day=date(2020, 1, 1)), use)
    assert await rows(use) == []


async def test_from_the_click_to_the_status_page(nearby: Settings, use: Backends) -> None:
    bus = JetStreamBus(nearby.nats, name="test")
    await bus.connect()
    functions: Any = records(count_feedback)
    try:
        async with (
            Worker(functions, CATALOGUE, nearby),
            hosted(CATALOGUE, feedback, feedback_figures, settings=nearby, bus=bus, state=use.state) as url,
            aiohttp.ClientSession() as session,
        ):
            good = {"about": "search", "kind": "down", "reason": "wrong_page", "page_id": "befi:Quittenhof"}
            async with session.post(f"{url}/api/feedback", json=good) as got:
                assert (got.status, await got.json()) == (202, {"accepted": True})
            for wrong in (
                {"kind": "sideways"},
                {"reason": "Mein Nachbar heißt Erika Mustermann"},
                {"comment": "free text"},
                {"page_id": "Erika Mustermann, Hauptstr. 1"},
            ):
                async with session.post(f"{url}/api/feedback", json=good | wrong) as got:
                    assert got.status == 422

            async def counted() -> bool:
                return await rows(use) == [["search", "down", "wrong_page", 1]]

            await eventually(counted, "the thumb is counted")
            async with session.get(f"{url}/status") as got:
                page = await got.text()
                assert got.status == 200
            assert "Rückmeldungen zur Suche" in page
            assert "<td>wrong_page</td><td" in page
            stored = [(await use.state.bucket(FEEDBACK).get(key)) for key in await use.state.bucket(FEEDBACK).keys()]
            assert all(entry is not None and b"Quittenhof" not in entry.value for entry in stored)
    finally:
        await bus.close()
