"""The CloudEvents envelope: both modes, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import CloudEvent, EnvelopeError

TEXT = st.text(min_size=1, max_size=40).filter(lambda t: t.strip() == t and "\x00" not in t)
HEADERS = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "cms", "ce-type": "cms.page.changed"}


def test_binary_mode_reads_attributes_and_trace() -> None:
    event = CloudEvent.from_message(
        {**HEADERS, "ce-subject": "Stra%C3%9Fe", "ce-partner": "x", "traceparent": "00-a-b-01", "Nats-Msg-Id": "1"},
        b'{"a":1}',
    )

    assert (event.id, event.source, event.type, event.subject) == ("1", "cms", "cms.page.changed", "Straße")
    assert event.traceparent == "00-a-b-01"
    assert event.extensions == {"partner": "x", "traceparent": "00-a-b-01"}
    assert event.data == b'{"a":1}'


def test_structured_mode_is_accepted() -> None:
    body = json.dumps({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": {"ä": 1}}).encode()

    event = CloudEvent.from_message({"content-type": "application/cloudevents+json; charset=utf-8"}, body)

    assert json.loads(event.data) == {"ä": 1}


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        (None, "ce-id"),
        ({}, "ce-id"),
        ({**HEADERS, "ce-id": ""}, "'id'"),
        ({**HEADERS, "ce-source": ""}, "'source'"),
        ({k: v for k, v in HEADERS.items() if k != "ce-type"}, "'type'"),
        ({**HEADERS, "ce-specversion": "0.3"}, "'specversion'"),
    ],
)
def test_what_is_missing_is_named(headers: dict[str, str] | None, named: str) -> None:
    with pytest.raises(EnvelopeError, match=named):
        CloudEvent.from_message(headers, b"{}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"id":"1"}',
        b'{"specversion":"1.0","id":1,"source":"s","type":"t"}',
        b'{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"?"}',
        b'{"specversion":"1.0","id":"1","source":"s","type":"t","time":5}',
        b"[" * 60_000,
    ],
)
def test_broken_structured_events_are_refused(body: bytes) -> None:
    with pytest.raises(EnvelopeError):
        CloudEvent.from_structured(body)


@given(id=TEXT, source=TEXT, type=TEXT, subject=TEXT, extra=TEXT)
def test_any_text_survives_both_modes(id: str, source: str, type: str, subject: str, extra: str) -> None:
    event = CloudEvent(id=id, source=source, type=type, subject=subject, data=b'{"x":"y"}', extensions={"extra": extra})

    headers = event.headers()
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert CloudEvent.from_message(headers, event.data) == event
    structured = CloudEvent.from_structured(event.structured())
    assert json.loads(structured.data) == json.loads(event.data)
    assert (structured.id, structured.subject, structured.extensions) == (id, subject, {"extra": extra})


def test_the_repr_shows_no_data() -> None:
    assert "geheim" not in repr(CloudEvent(id="1", source="s", type="t", data=b"geheim", subject="geheim"))
