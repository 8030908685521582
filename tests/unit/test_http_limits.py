"""Rates, bodies and whose address counts, as tables."""

import tracemalloc

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive

from infra.host.limits import Bodies, Clients, Gone, Rate, Volume
from shared.http import Problem


def asked_by(peer: str, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ([], "203.0.113.1", [], "203.0.113.1"),
        ([], "203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        (["10.0.0.0/8"], "203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        (["10.0.0.0/8"], "10.1.1.1", ["198.51.100.1"], "198.51.100.1"),
        (["10.0.0.0/8"], "10.1.1.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        (["10.0.0.0/8"], "10.1.1.1", ["6.6.6.6, 198.51.100.1, 10.2.2.2"], "198.51.100.1"),
        (["10.0.0.0/8"], "10.1.1.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        (["10.0.0.0/8"], "10.1.1.1", ["<script>"], "10.1.1.1"),
        (["10.0.0.0/8"], "10.1.1.1", [], "10.1.1.1"),
        (["10.0.0.0/8"], "::ffff:10.1.1.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        (["::1"], "::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::"),
        ([], "", ["198.51.100.1"], ""),
    ],
)
def test_who_asks(trusted: list[str], peer: str, forwarded: list[str], client: str) -> None:
    assert Clients(trusted).of(asked_by(peer, *forwarded)) == client


def test_a_bucket_fills_with_time() -> None:
    rate = Rate(60)
    for _ in range(60):
        rate.take("a", "f", now=0.0)
    with pytest.raises(Problem) as caught:
        rate.take("a", "f", now=0.5)
    assert caught.value.status == 429
    assert caught.value.headers["retry-after"] == "1"
    rate.take("a", "f", now=1.1)
    rate.take("b", "f", now=1.1)
    rate.take("a", "g", now=1.1)


def test_one_sender_has_so_many_bytes_an_hour_and_no_other_pays_for_it() -> None:
    volume = Volume()
    for _ in range(3):
        volume.take("a", "f", 60, 200, now=0.0)
    with pytest.raises(Problem) as caught:
        volume.take("a", "f", 60, 200, now=0.0)
    assert (caught.value.status, caught.value.headers["retry-after"]) == (429, "721")  # 40 bytes of 200 an hour
    volume.take("b", "f", 60, 200, now=0.0)
    volume.take("a", "f", 60, 200, now=721.0)


def test_ten_thousand_addresses_take_bounded_memory() -> None:
    rate = Rate(10, kept=1000)
    for n in range(1000):
        rate.take(str(n), "f", now=0.0)
    tracemalloc.start()
    for n in range(10_000):
        rate.take(f"x{n}", "f", now=1.0)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rate) == 1000
    assert grown < 2_000_000
    # One that keeps asking is not forgotten for the sake of the many.
    for n in range(2000):
        if n % 100 == 0:
            with pytest.raises(Problem) if n >= 1000 else _fine():
                rate.take("busy", "f", now=2.0)
        rate.take(f"y{n}", "f", now=2.0)


class _fine:  # read as a statement
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def told(*messages: Message) -> Receive:
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0)

    return receive


def part(body: bytes, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize("way", ["read", "spool"])
async def test_bodies_share_one_store(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(Bodies, "together", 100)
    monkeypatch.setattr(Bodies, "stored_together", 100)
    bodies = Bodies()
    take = getattr(bodies, way)
    async with take(told(part(b"x" * 40, True), part(b"y" * 40, False)), None, 90) as body:
        assert (body if isinstance(body, bytes) else body.read()) == b"x" * 40 + b"y" * 40
        with pytest.raises(Problem) as caught:
            async with take(told(part(b"x" * 40, False)), None, 90):
                pass
        assert caught.value.status == 503
    async with take(told(part(b"x" * 90, False)), None, 90) as body:
        assert len(body if isinstance(body, bytes) else body.read()) == 90
    for announced, messages, status in (
        ("91", [], 413),
        ("9" * 30, [], 413),
        ("1", [part(b"x" * 91, False)], 413),
        (None, [part(b"x" * 90, True), part(b"x", False)], 413),
    ):
        with pytest.raises(Problem) as caught:
            async with take(told(*messages), announced, 90):
                pass
        assert caught.value.status == status
    with pytest.raises(Gone):
        async with take(told(part(b"x", True), {"type": "http.disconnect"}), None, 90):
            pass
    assert bodies._held == bodies._stored == 0


def test_what_is_given_back_is_not_counted() -> None:
    rate = Rate(60)
    for _ in range(600):
        rate.take("a", "f", now=0.0)
        rate.give("a", "f")
    rate.give("b", "f")  # never seen
    for _ in range(60):
        rate.take("a", "f", now=0.0)
    with pytest.raises(Problem):
        rate.take("a", "f", now=0.0)
