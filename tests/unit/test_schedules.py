"""When schedules are due, and the ids of firings: no server needed."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from infra.worker.schedules import firing_id, last_due, next_due
from shared.catalogue import ScheduleTrigger

NIGHTLY = ScheduleTrigger(cron="0 30 3 * * *", time_zone="Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "due"),
    [
        ("0 30 3 * * *", "Europe/Berlin", "2026-11-22 02:29:59", "2026-11-22 02:30:00"),
        ("0 30 3 * * *", "Europe/Berlin", "2026-11-22 02:30:00", "2026-11-23 02:30:00"),
        ("0 30 3 * * *", "Europe/Berlin", "2026-07-01 00:00:00", "2026-07-01 01:30:00"),  # summer time
        ("0 30 2 * * *", "Europe/Berlin", "2026-03-28 12:00:00", "2026-03-30 00:30:00"),  # 02:30 does not exist on 29
        ("*/15 * * * * *", None, "2026-11-22 02:00:01", "2026-11-22 02:00:15"),
        ("0 0 8 ? * mon-fri", None, "2026-11-20 09:00:00", "2026-11-23 08:00:00"),
        ("@daily", "Europe/Berlin", "2026-11-22 12:00:00", "2026-11-22 23:00:00"),
        ("@hourly", None, "2026-11-22 12:00:00", "2026-11-22 13:00:00"),
        ("@weekly", None, "2026-11-22 12:00:00", "2026-11-29 00:00:00"),
        ("@monthly", None, "2026-11-22 12:00:00", "2026-12-01 00:00:00"),
        ("@yearly", None, "2026-11-22 12:00:00", "2027-01-01 00:00:00"),
        ("@every 90s", None, "2026-11-22 12:00:00", "2026-11-22 12:01:30"),
        ("@every 2h", None, "2026-11-22 12:00:00", "2026-11-22 14:00:00"),
    ],
)
def test_next_due(cron: str, zone: str | None, after: str, due: str) -> None:
    assert next_due(ScheduleTrigger(cron=cron, time_zone=zone), at(after)) == at(due)


@pytest.mark.parametrize(
    ("since", "until", "due"),
    [
        ("2026-11-20 02:30:00", "2026-11-21 02:29:59", None),
        ("2026-11-20 02:30:00", "2026-11-21 02:30:00", "2026-11-21 02:30:00"),
        ("2026-11-20 02:30:00", "2026-11-21 09:00:00", "2026-11-21 02:30:00"),
        ("2026-11-20 02:30:00", "2026-11-24 09:00:00", "2026-11-24 02:30:00"),  # of several, the last one
    ],
)
def test_last_due(since: str, until: str, due: str | None) -> None:
    assert last_due(NIGHTLY, at(since), at(until)) == (at(due) if due else None)


def test_last_due_of_an_interval() -> None:
    every = ScheduleTrigger(cron="@every 10s")
    since = at("2026-11-22 12:00:00")
    assert last_due(every, since, since + timedelta(seconds=9)) is None
    assert last_due(every, since, since + timedelta(seconds=35)) == since + timedelta(seconds=30)
    assert last_due(every, since, since - timedelta(seconds=35)) is None


def test_firing_id_is_of_schedule_and_time_whatever_the_zone() -> None:
    berlin = {"Nats-Scheduler": "schedules.set.crawl.0", "Nats-Schedule-Next": "2026-11-23T03:30:00+01:00"}
    zulu = {"Nats-Scheduler": "schedules.set.crawl.0", "Nats-Schedule-Next": "2026-11-23T02:30:00Z"}
    assert firing_id(berlin) == firing_id(zulu) is not None
    assert firing_id({**zulu, "Nats-Schedule-Next": "2026-11-24T02:30:00Z"}) != firing_id(zulu)
    assert firing_id({**zulu, "Nats-Scheduler": "schedules.set.crawl.1"}) != firing_id(zulu)
    assert firing_id({"ce-id": "1"}) is None
    assert firing_id(None) is None


@pytest.mark.parametrize("cron", ["0 61 * * * *", "0 0 0 * * funday", "0 0 25 * * *"])
def test_a_wrong_pattern_is_found_when_the_catalogue_is_read(cron: str) -> None:
    with pytest.raises(ValidationError, match="is no schedule: bad"):
        ScheduleTrigger(cron=cron)
