"""Headers are read to the same result as nats-py reads them."""

from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from shared.wire import QuickClient

LINES = st.lists(
    st.binary(max_size=30) | st.sampled_from([b"a: b", b"A:\tb ", b"a b: c", b": x", b"\xc3\xa4: x", b"k: \xff\xc3"])
)


def test_usual_headers() -> None:
    raw = b"ce-id: 1\r\nce-type:a.b\r\ncontent-type: application/json\r\nempty:\r\n\r\n"
    expected = {"ce-id": "1", "ce-type": "a.b", "content-type": "application/json", "empty": ""}
    assert QuickClient._parse_header_lines(raw) == expected


@given(LINES)
def test_same_as_nats_py(lines: list[bytes]) -> None:
    raw = b"\r\n".join(lines)
    assert QuickClient._parse_header_lines(raw) == Client._parse_header_lines(raw)


def test_nats_py_still_calls_it() -> None:
    assert "_parse_header_lines" in vars(Client)  # else the quick one is dead code
