"""Trace contexts as a table, and log lines that hold nothing of a person."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared import telemetry
from shared.metrics import BACKEND_FAILED, BACKEND_SECONDS
from shared.settings import TelemetrySettings
from shared.telemetry import EVENT_ID, TRACE, Trace, backend_call, describe, setup, span

IDS = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"


@pytest.fixture
def _logs() -> Iterator[None]:
    root, handlers, level = logging.getLogger(), list(logging.getLogger().handlers), logging.getLogger().level
    setup(TelemetrySettings(), "test")
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("header", "sampled"),
    [(f"00-{IDS}-01", True), (f"00-{IDS}-00", False), (f" 00-{IDS}-03 ", True), (f"01-{IDS}-01-future", True)],
)
def test_trace_contexts(header: str, sampled: bool) -> None:
    trace = Trace.parse(header)
    assert trace is not None
    assert trace.sampled is sampled
    assert trace.header == f"00-{IDS}-{'01' if sampled else '00'}"


@pytest.mark.parametrize(
    "header",
    [
        None, "", "00", f"00-{IDS}", f"ff-{IDS}-01", f"00-{IDS}-01-more", f"00-{IDS.upper()}-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        f"00-{IDS}-01" + "x" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_trace_context(header: str | None) -> None:
    assert Trace.parse(header) is None


def test_new_traces_differ() -> None:
    assert Trace.new() != Trace.new()
    assert Trace.parse(Trace.new().header) is not None


def _lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


@pytest.mark.usefixtures("_logs")
def test_a_line_is_json_with_ids_and_known_keys_only(capfd: pytest.CaptureFixture[str]) -> None:
    trace = Trace.parse(f"00-{IDS}-01")
    token = EVENT_ID.set("event-1")
    with span("work", parent=trace):
        structlog.get_logger().info("done", function="index_page", count=3, query="Erika", name="Erika", data={"a": 1})
    EVENT_ID.reset(token)
    (line,) = _lines(capfd)
    assert line.pop("time")
    assert line == {
        "event": "done",
        "level": "info",
        "function": "index_page",
        "count": 3,
        "trace_id": IDS.split("-", maxsplit=1)[0],
        "span_id": IDS.split("-")[1],
        "event_id": "event-1",
    }
    assert TRACE.get() is None


@pytest.mark.usefixtures("_logs")
def test_exceptions_are_types_and_places(capfd: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger()
    try:
        raise ValueError("Erika")
    except ValueError as error:
        log.exception("a")
        log.warning("b", exc_info=error)
        log.warning("c", error=error)
        logging.getLogger("library").exception("Erika %s", "Erika")
        log.warning("d", **describe(error))
    lines = _lines(capfd)
    assert [line["error"] for line in lines] == ["ValueError"] * 5
    assert str(lines[0]["place"]).startswith("tests/unit/test_telemetry.py:")
    assert "Erika" not in json.dumps(lines[:3])


@pytest.mark.usefixtures("_logs")
def test_lines_of_libraries_lose_their_values(capfd: pytest.CaptureFixture[str]) -> None:
    library = logging.getLogger("library")
    library.warning("connection to %s lost", "Erika")
    library.warning("connection to Erika lost")
    library.info("not wanted")
    logging.getLogger("uvicorn.access").info('%s - "%s"', "203.0.113.1", "GET /search?q=Erika")
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    lines = _lines(capfd)
    assert [line["event"] for line in lines] == [
        "connection to %s lost",
        "line of a library",
        "Started server process [%d]",
    ]
    assert "Erika" not in json.dumps(lines)


@pytest.mark.usefixtures("_logs")
def test_long_values_are_cut_and_strange_ones_named(capfd: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().info("x", reason="y" * 1000, state={"Erika": 1}, count=None)
    (line,) = _lines(capfd)
    assert len(str(line["reason"])) == 200
    assert line["state"] == "dict"
    assert line["count"] is None


def test_backend_calls_are_timed_and_failures_counted() -> None:
    def seen() -> float:
        return float(BACKEND_SECONDS.labels("test", "call")._sum.get())

    before = seen()
    with backend_call("test", "call"):
        pass
    with pytest.raises(KeyError), backend_call("test", "call"):
        raise KeyError("Erika")
    with pytest.raises(GeneratorExit), backend_call("test", "call"):
        raise GeneratorExit
    assert seen() > before
    assert BACKEND_FAILED.labels("test", "call", "KeyError")._value.get() == 1
    assert BACKEND_FAILED.labels("test", "call", "GeneratorExit")._value.get() == 0


def test_without_a_collector_no_exporter_is_imported() -> None:
    assert telemetry._Exporting.tracer is None
    with span("a") as outer, span("b") as inner:
        assert outer == inner  # nothing to tell apart: nobody keeps spans
