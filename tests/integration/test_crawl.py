"""The crawl over a real HTTP source that changes, vanishes, lies and breaks."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events import Event
from events.cms import CrawlAlarmed, CrawlRequested, PageChanged, PageNotified, PageRemoved
from functions.xnext.befi import Befi
from functions.xnext.crawl import crawl, crawl_page
from functions.xnext.ledger import PAGES, Ledger, PageRecord
from functions.xnext.run import SOURCES, accept
from infra.cms.city import City, Section, load_city
from shared.bus import derived_id
from shared.errors import BackendError, Reject, StadtfunkError
from shared.objects import Objects
from shared.settings import NatsSettings, ObjectSettings
from shared.state import State
from tests.crawling import Crawling, city_of, crawling, service, stream


@pytest.fixture
async def cms() -> AsyncIterator[Crawling]:
    """Ten pages; a page may leave at the second run without it, however soon."""
    async with crawling(city_of(*range(10)), removal_grace_s=0, removal_cap=3) as made:
        yield made


def ids(events: list[Event], kind: type[Event] = PageChanged) -> list[str]:
    return [str(getattr(event, "page_id", event)) for event in events if isinstance(event, kind)]


def alarms(events: list[Event]) -> list[tuple[str, int, int]]:
    return [(event.reason, event.expected, event.found) for event in events if isinstance(event, CrawlAlarmed)]


async def test_the_first_run_tells_every_page_and_keeps_its_document(cms: Crawling) -> None:
    events = await cms.crawl()
    assert ids(events) == [f"befi:{number}" for number in range(10)]
    first = events[0]
    assert isinstance(first, PageChanged)
    page = await cms.page(first)
    assert (page.title, page.content_hash(), first.revision) == ("Leistung 0", first.content_hash, 1)
    assert first.changed_at == datetime(2026, 11, 1, 9, tzinfo=UTC)


async def test_an_unchanged_source_costs_one_conditional_request_a_page(cms: Crawling) -> None:
    await cms.crawl()
    await cms.asked()
    records = await cms.records()
    assert await cms.crawl() == []
    assert await cms.asked() == {"all": 12, "200": 2, "304": 10, "conditional": 10}  # two lists
    assert await cms.records() == records


async def test_a_changed_page_is_told_once_with_the_next_revision(cms: Crawling) -> None:
    await cms.crawl()
    await cms.edit("3", text="Neuer Text.")
    (event,) = await cms.crawl()
    assert isinstance(event, PageChanged)
    assert (event.page_id, event.revision) == ("befi:3", 2)
    assert "Neuer Text." in (await cms.page(event)).sections[0].html
    assert await cms.crawl() == []


async def test_a_new_date_alone_is_no_change(cms: Crawling) -> None:
    await cms.crawl()
    await cms.edit("3", name="Leistung 3")
    await cms.asked()
    assert await cms.crawl() == []
    assert (await cms.asked())["304"] == 9
    assert await cms.crawl() == []
    assert (await cms.asked())["304"] == 10


async def test_an_unpublished_page_leaves_at_once_and_may_come_back(cms: Crawling) -> None:
    await cms.crawl()
    await cms.edit("3", public=False)
    (event,) = await cms.crawl()
    assert event == PageRemoved(page_id="befi:3", source="befi", revision=2, reason="not_public")
    await cms.asked()
    assert await cms.crawl() == []
    assert (await cms.asked())["304"] == 10, "an unpublished page is not read again either"
    await cms.edit("3", public=True)
    (event,) = await cms.crawl()
    assert isinstance(event, PageChanged)
    assert event.revision == 3


async def test_a_page_that_was_never_public_is_never_mentioned() -> None:
    hidden = service(1).model_copy(update={"public": False})
    async with crawling(city_of(0, hidden)) as cms:
        assert ids(await cms.crawl(), Event) == ["befi:0"]
        assert await cms.crawl() == []
        await cms.edit("1", public=True)
        (event,) = await cms.crawl()
        assert isinstance(event, PageChanged)
        assert (event.page_id, event.revision) == ("befi:1", 1)


async def test_a_page_that_is_gone_leaves_at_once(cms: Crawling) -> None:
    await cms.crawl()
    await cms.faults(gone=["3"])
    (event,) = await cms.crawl()
    assert event == PageRemoved(page_id="befi:3", source="befi", revision=2, reason="gone")
    assert await cms.crawl() == []


async def test_a_missing_page_leaves_with_the_second_complete_run(cms: Crawling) -> None:
    await cms.crawl("first")
    await cms.remove("3")
    assert await cms.crawl("second") == []
    assert await cms.crawl("second") == [], "a repeat of a run is no second run"
    (event,) = await cms.crawl("third")
    assert event == PageRemoved(page_id="befi:3", source="befi", revision=2, reason="missing")
    assert await cms.crawl("fourth") == []


async def test_the_two_runs_lie_apart() -> None:
    async with crawling(city_of(*range(10))) as cms:
        await cms.crawl()
        await cms.remove("3")
        assert await cms.crawl() == []
        assert await cms.crawl() == [], "12 hours are not over"
        bucket = cms.use.state.bucket(PAGES)
        entry = await bucket.get("befi:3")
        assert entry is not None
        record = PageRecord.model_validate_json(entry.value)
        earlier = record.model_copy(update={"missing_since": datetime.now(UTC) - timedelta(hours=12, seconds=1)})
        await bucket.put("befi:3", earlier.model_dump_json().encode())
        assert ids(await cms.crawl(), PageRemoved) == ["befi:3"]


async def test_a_page_seen_again_starts_its_grace_anew(cms: Crawling) -> None:
    await cms.crawl()
    await cms.faults(list_share=0.9)
    assert await cms.crawl() == []
    await cms.faults()
    assert await cms.crawl() == []
    await cms.faults(list_share=0.9)
    assert await cms.crawl() == []
    assert ids(await cms.crawl(), PageRemoved) == ["befi:9"]


async def test_an_incomplete_run_is_no_run_without_the_page(cms: Crawling) -> None:
    await cms.crawl()
    await cms.remove("3")
    await cms.faults(broken=["5"])
    for _ in range(3):
        assert alarms(await cms.crawl()) == [("incomplete", 9, 8)]
    await cms.faults()
    assert await cms.crawl() == []
    assert ids(await cms.crawl(), PageRemoved) == ["befi:3"]


async def test_a_truncated_list_removes_nothing_until_an_operator_accepts(cms: Crawling) -> None:
    await cms.crawl()
    await cms.faults(list_share=0.7)
    await cms.edit("0", text="Trotzdem neu.")
    events = await cms.crawl()
    assert (ids(events), alarms(events)) == (["befi:0"], [("source_shrunk", 10, 7)])
    for _ in range(3):
        assert alarms(await cms.crawl()) == [("source_shrunk", 10, 7)]
    said = await accept(cms.use.state.bucket(SOURCES), "befi")
    assert said == ["7 pages are the new size of befi; missing ones leave after two complete runs"]
    assert await cms.crawl() == []
    assert ids(await cms.crawl(), PageRemoved) == ["befi:7", "befi:8", "befi:9"]


async def test_pages_that_all_answer_404_count_as_a_short_list(cms: Crawling) -> None:
    await cms.crawl()
    await cms.faults(fail_next=0)
    for number in range(4):
        await cms.remove(str(number))
    assert alarms(await cms.crawl()) == [("source_shrunk", 10, 6)]


async def test_more_removals_than_the_cap_wait_for_an_operator(cms: Crawling) -> None:
    await cms.crawl()
    for number in range(4):
        await cms.edit(str(number), public=False)
    for _ in range(2):
        events = await cms.crawl()
        assert (ids(events, PageRemoved), alarms(events)) == ([], [("removal_cap", 3, 4)])
    assert await accept(cms.use.state.bucket(SOURCES), "befi") == ["the next run may remove up to 4 pages of befi"]
    assert ids(await cms.crawl(), PageRemoved) == [f"befi:{number}" for number in range(4)]
    assert (await cms.record()).lifted == 0, "the leave is for one run"


async def test_a_word_of_the_operator_amid_a_run_stands(cms: Crawling) -> None:
    await cms.crawl()
    await cms.faults(list_share=0.6)
    await cms.crawl()
    records = cms.use.state.bucket(SOURCES)
    async with aclosing(stream(crawl, CrawlRequested(source="befi"), cms.use)) as follow_ups:
        assert alarms([await anext(follow_ups)]) == [("source_shrunk", 10, 6)]
        await accept(records, "befi")
        assert [event async for event in follow_ups] == []
    assert ((await cms.record()).size, len((await cms.record()).alarms)) == (6, 1)
    assert await cms.crawl() == []


async def test_there_is_nothing_to_accept_without_an_alarm(cms: Crawling) -> None:
    await cms.crawl()
    with pytest.raises(StadtfunkError, match="nothing to accept: the last run over 'befi'"):
        await accept(cms.use.state.bucket(SOURCES), "befi")


@pytest.mark.parametrize("fault", ["loop", "huge", "broken"])
async def test_one_hostile_page_is_an_alarm_and_changes_nothing(cms: Crawling, fault: str) -> None:
    await cms.crawl()
    records = await cms.records()
    await cms.edit("5", text="Was jetzt nicht zu lesen ist.")
    await cms.faults(**{fault: ["5"]})
    events = await cms.crawl()
    assert events == [CrawlAlarmed(source="befi", run_id=events[0].run_id, reason="incomplete", expected=10, found=9)]  # type: ignore[attr-defined]
    assert (cms.retry, await cms.records()) == (None, records)
    await cms.faults()
    assert ids(await cms.crawl()) == ["befi:5"]


async def test_a_list_that_loops_is_an_alarm(cms: Crawling) -> None:
    await cms.crawl()
    await cms.faults(loop=["*"])
    events = await cms.crawl()
    assert alarms(events) == [("incomplete", 10, 0), ("incomplete", 0, 0)]  # both sources
    assert (await cms.record()).size == 10


async def test_a_source_in_trouble_is_tried_again_later_and_given_up_early(cms: Crawling) -> None:
    await cms.crawl()
    await cms.asked()
    await cms.faults(fail_next=1000)
    assert alarms(await cms.crawl()) == [("incomplete", 10, 0), ("incomplete", 0, 0)]
    assert str(cms.retry) == "not read in full: befi, magnolia"
    assert await cms.asked() == {"all": 6, "500": 6}
    await cms.faults()
    assert await cms.crawl() == []
    assert cms.retry is None


async def test_pages_in_trouble_are_given_up_after_ten_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.web.ATTEMPTS", 1)
    async with crawling(city_of(*range(60))) as cms:
        listed = await Befi(cms.use.settings.xnext.sources[0], cms.use.web, 1000).ids()
        await cms.faults(fail_next=1000)
        await cms.asked()

        async def known_list(_: Befi) -> list[str]:
            return listed

        monkeypatch.setattr(Befi, "ids", known_list)
        assert alarms(await cms.crawl(source="befi")) == [("incomplete", 60, 0)]
        assert (await cms.asked())["all"] < 20
        assert cms.retry is not None


async def test_a_short_trouble_is_outlived_within_the_run(cms: Crawling) -> None:
    await cms.faults(fail_next=2)
    assert len(ids(await cms.crawl())) == 10
    assert cms.retry is None


async def test_a_host_that_is_not_allowed_is_not_asked() -> None:
    async with crawling(city_of(1)) as cms:
        cms.use.web._allowed = frozenset()
        assert alarms(await cms.crawl()) == [("incomplete", 0, 0), ("incomplete", 0, 0)]
        assert (await cms.asked())["all"] == 0


async def test_a_crash_before_the_record_repeats_the_same_revision(cms: Crawling) -> None:
    request = CrawlRequested()
    async with aclosing(stream(crawl, request, cms.use)) as follow_ups:
        crashed = await anext(follow_ups)
    events = await cms.crawl()
    assert events[0] == crashed
    assert derived_id("crawl", "run", events[0], 0) == derived_id("crawl", "run", crashed, 7)
    assert len(events) == 10
    assert await cms.crawl() == []


async def test_after_a_crash_other_content_gets_the_next_revision(cms: Crawling) -> None:
    await cms.crawl()
    await cms.edit("0", text="B")
    async with aclosing(stream(crawl, CrawlRequested(), cms.use)) as follow_ups:
        assert ids([await anext(follow_ups)]) == ["befi:0"]
    await cms.edit("0", text="Der Text von 0.")
    (event,) = await cms.crawl()
    assert isinstance(event, PageChanged)
    assert event.revision == 3, "B may have been stored under revision 2, so A must come after it"
    assert await cms.crawl() == []


async def test_a_crash_amid_a_removal_repeats_it(cms: Crawling) -> None:
    await cms.crawl()
    await cms.remove("3")
    await cms.crawl()
    async with aclosing(stream(crawl, CrawlRequested(), cms.use)) as follow_ups:
        crashed = await anext(follow_ups)
    assert await cms.crawl() == [crashed]
    assert await cms.crawl() == []


async def test_a_slow_old_answer_never_beats_a_newer_one(cms: Crawling) -> None:
    await cms.crawl()
    settings = cms.use.settings.xnext
    source = Befi(settings.sources[0], cms.use.web, 1000)
    ledger = Ledger("befi", cms.use.state.bucket(PAGES), cms.use.objects, settings.bucket)
    await cms.edit("0", text="Alt")
    slow = await ledger.look(source, "0")
    await cms.edit("0", text="Neu")
    (event,) = await cms.notify("0")
    assert isinstance(event, PageChanged)
    assert "Neu" in (await cms.page(event)).sections[0].html
    assert [event async for event in ledger.follow(slow, source)] == []


async def test_a_webhook_between_look_and_removal_keeps_the_page(cms: Crawling) -> None:
    await cms.crawl()
    settings = cms.use.settings.xnext
    source = Befi(settings.sources[0], cms.use.web, 1000)
    ledger = Ledger("befi", cms.use.state.bucket(PAGES), cms.use.objects, settings.bucket)
    await cms.edit("0", public=False)
    slow = await ledger.look(source, "0")
    await cms.edit("0", public=True, text="Wieder da")
    assert ids(await cms.notify("0")) == ["befi:0"]
    assert [event async for event in ledger.follow(slow, source)] == []


async def test_a_notice_reads_one_page(cms: Crawling) -> None:
    await cms.crawl()
    await cms.asked()
    await cms.edit("3", text="Neu")
    assert ids(await cms.notify("3")) == ["befi:3"]
    assert await cms.notify("3") == []
    assert (await cms.asked())["all"] == 2
    assert await cms.crawl() == []
    await cms.edit("3", public=False)
    assert ids(await cms.notify("3"), PageRemoved) == ["befi:3"]


async def test_a_notice_about_nothing_changes_nothing(cms: Crawling) -> None:
    await cms.crawl()
    assert await cms.notify("unknown") == []
    await cms.remove("3")
    assert await cms.notify("3") == [], "a 404 is left to the daily run"
    for source, id in (("other", "3"), ("befi", "../../etc"), ("befi", "magnolia:3")):
        with pytest.raises(Reject):
            await crawl_page(PageNotified(source=source, page_id=id), cms.use)


async def test_a_notice_while_the_source_is_away_is_tried_again(cms: Crawling) -> None:
    await cms.faults(fail_next=3)
    with pytest.raises(BackendError, match="status 500"):
        await cms.notify("3")
    assert ids(await cms.notify("3")) == ["befi:3"]


async def test_easy_language_within_a_page_comes_and_goes_with_it() -> None:
    easy = Section(id="sf23", heading="Leichte Sprache", html="<p>Ganz leicht.</p>")
    async with crawling(city_of(service(1).model_copy(update={"sections": (easy,)}), 2)) as cms:
        assert ids(await cms.crawl()) == ["befi:1~easy", "befi:1", "befi:2"]
        await cms.asked()
        assert await cms.crawl() == []
        assert (await cms.asked())["conditional"] == 2
        await cms.edit("1", public=False)
        assert ids(await cms.crawl(), PageRemoved) == ["befi:1~easy", "befi:1"]
        await cms.edit("1", public=True)
        assert ids(await cms.crawl()) == ["befi:1~easy", "befi:1"]


async def test_a_crash_amid_an_easy_version_is_mended_though_the_page_went_back() -> None:
    def city(html: str) -> City:
        easy = Section(id="sf23", heading="Leichte Sprache", html=html)
        return city_of(service(1).model_copy(update={"sections": (easy,)}))

    async with crawling(city("<p>A</p>")) as first:
        await first.crawl()
        given = {"state": first.use.state, "objects": first.use.objects}
    async with (
        crawling(city("<p>B</p>"), given) as second,
        aclosing(stream(crawl, CrawlRequested(), second.use)) as follow_ups,
    ):
        assert ids([await anext(follow_ups)]) == ["befi:1~easy"]
    async with crawling(city("<p>A</p>"), given) as third:
        (event,) = await third.crawl()
        assert isinstance(event, PageChanged)
        assert (event.page_id, event.revision) == ("befi:1~easy", 3)
        assert await third.crawl() == []


async def test_new_rules_of_reading_read_everything_again(cms: Crawling, monkeypatch: pytest.MonkeyPatch) -> None:
    await cms.crawl()
    monkeypatch.setattr("functions.xnext.ledger.MAPPING", 99)
    await cms.asked()
    assert await cms.crawl() == []
    assert (await cms.asked())["conditional"] == 0
    assert await cms.crawl() == []
    assert (await cms.asked())["conditional"] == 10


async def test_a_fault_of_our_own_storage_is_no_fault_of_the_source(
    cms: Crawling, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise BackendError("objects", "put failed")

    monkeypatch.setattr(cms.use.objects, "put", away)
    assert await cms.crawl() == []
    assert str(cms.retry) == "objects: put failed"
    monkeypatch.undo()
    assert len(await cms.crawl()) == 10


async def test_sources_are_chosen_by_name(cms: Crawling) -> None:
    await cms.asked()
    await cms.crawl(source="magnolia")
    assert (await cms.asked())["all"] == 1
    with pytest.raises(Reject, match="unknown source 'nope'"):
        await crawl(CrawlRequested(source="nope"), cms.use)


async def test_without_a_source_there_is_nothing_to_do() -> None:
    async with crawling(city_of(1), sources=()) as cms:
        assert await cms.crawl() == []


async def test_the_demo_city_in_both_interfaces() -> None:
    city: City = load_city()
    async with crawling(city) as cms:
        events = await cms.crawl()
        assert alarms(events) == []
        assert len(ids(events)) == sum(page.public for page in city.pages)
        pages = [await cms.page(event) for event in events]
        assert {page.source for page in pages} == {"befi", "magnolia"}
        assert sum(page.easy for page in pages) == sum(page.easy for page in city.pages)
        assert all(page.sections for page in pages)


async def test_over_real_state_and_storage(nats_settings: NatsSettings, s3_settings: ObjectSettings) -> None:
    state, objects = State(nats_settings), Objects(s3_settings)
    given = {"state": state, "objects": objects}
    async with crawling(city_of(*range(10)), given, removal_grace_s=0, bucket="test-crawl") as cms:
        events = await cms.crawl()
        assert len(events) == 10
        assert (await cms.page(events[9])).title == "Leistung 9"
        assert await cms.crawl() == []
        await cms.edit("0", text="Neu")
        await cms.edit("1", public=False)
        await cms.remove("2")
        assert ids(await cms.crawl(), Event) == ["befi:0", "befi:1"]
        assert ids(await cms.crawl(), Event) == ["befi:2"]
        assert await cms.crawl() == []
    await state.close()
    await objects.close()
