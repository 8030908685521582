"""Signatures of systems, against the vector of the Standard Webhooks specification and altered ones."""

import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access import Delivery
from shared.errors import SettingsError
from shared.http import Problem
from shared.signatures import TOLERANCE_S, hub_delivery, verify_hub, verify_signature
from shared.state import Bucket, MemoryState

# The example that the specification's own libraries are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STAMP = 1614265330
BODY = b'{"test": 2432232314}'
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(STAMP),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [float(STAMP)]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_the_vector_of_the_specification() -> None:
    assert verify_signature(SECRET, HEADERS, BODY) == HEADERS["webhook-id"]
    assert verify_signature(SECRET.removeprefix("whsec_"), HEADERS, BODY) == HEADERS["webhook-id"]


@pytest.mark.parametrize("off", [-TOLERANCE_S - 1, TOLERANCE_S + 1])
def test_five_minutes_either_way(clock: list[float], off: int) -> None:
    clock[0] = STAMP + off + (1 if off < 0 else -1)
    verify_signature(SECRET, HEADERS, BODY)
    clock[0] = STAMP + off
    with pytest.raises(Problem, match="five minutes"):
        verify_signature(SECRET, HEADERS, BODY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", ""),
        ("webhook-id", "msg_other"),
        ("webhook-id", "x" * 10_000),
        ("webhook-timestamp", ""),
        ("webhook-timestamp", str(STAMP + 1)),
        ("webhook-timestamp", f"{STAMP}.0"),
        ("webhook-timestamp", f" {STAMP}"),
        ("webhook-timestamp", "٣" * 10),
        ("webhook-timestamp", "9" * 400),
        ("webhook-signature", ""),
        ("webhook-signature", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("webhook-signature", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE"),
        ("webhook-signature", "v1, v1,x ü"),
        ("webhook-signature", "v1,x " * 10_000),
    ],
)
def test_anything_else_is_refused(name: str, value: str) -> None:
    with pytest.raises(Problem) as caught:
        verify_signature(SECRET, {**HEADERS, name: value}, BODY)
    assert caught.value.status == 401


@given(st.binary(max_size=64), st.text(max_size=20), st.text(max_size=60))
def test_nothing_but_the_signed_bytes_passes(body: bytes, id: str, signature: str) -> None:
    headers = {"webhook-id": id, "webhook-timestamp": str(int(time.time())), "webhook-signature": signature}
    with pytest.raises(Problem):
        verify_signature(SECRET, headers, body)


@pytest.mark.parametrize(
    "secret", ["whsec_a", "whsec_", "!!!!", "whsec_" + "ü" * 40, "whsec_dG9vIHNob3J0", "change me"]
)
def test_a_secret_that_is_none_is_a_setting_to_mend(secret: str) -> None:
    with pytest.raises(SettingsError):
        verify_signature(secret, HEADERS, BODY)


def delivery(bucket: Bucket) -> Delivery:
    return Delivery(bucket, "webhook:msg_1", "msg_1")


async def test_what_failed_may_be_sent_again_until_it_is_answered() -> None:
    bucket = MemoryState().bucket("webhooks", ttl_s=600)
    for answered in (False, False, True):
        one = delivery(bucket)
        await one.take(60)
        await one.close(answered=answered)
    with pytest.raises(Problem, match="taken before"):
        await delivery(bucket).take(60)


async def test_a_late_failure_does_not_undo_the_answer_of_a_repeat() -> None:
    bucket = MemoryState().bucket("webhooks", ttl_s=600)
    slow, repeat = delivery(bucket), delivery(bucket)
    await slow.take(60)
    await repeat.take(-1)  # the first one's time is over
    await repeat.close(answered=True)
    await slow.close(answered=False)
    with pytest.raises(Problem, match="taken before"):
        await delivery(bucket).take(60)


TOKEN = "ein Wort für Zammad"
# printf '{"ticket":"\\u003cb\\u003e"}' | openssl dgst -sha1 -hmac 'ein Wort für Zammad'
HUB_BODY = b'{"ticket":"\\u003cb\\u003e"}'
HUB_SIGNATURE = "sha1=83d0e81c59fb1b09eb25a8396c0df0a5bbb836fb"


def test_a_hub_signature_is_held_against_the_raw_bytes() -> None:
    verify_hub(TOKEN, {"x-hub-signature": HUB_SIGNATURE}, HUB_BODY)
    for body in (b'{"ticket":"<b>"}', HUB_BODY + b"\n", b""):
        with pytest.raises(Problem, match="does not fit"):
            verify_hub(TOKEN, {"x-hub-signature": HUB_SIGNATURE}, body)


@pytest.mark.parametrize(
    "given", [None, "", "sha1=", HUB_SIGNATURE[5:], "sha256=" + HUB_SIGNATURE[5:], "ü\udcff", "x" * 9999]
)
def test_any_other_hub_signature_is_refused(given: str | None) -> None:
    with pytest.raises(Problem) as caught:
        verify_hub(TOKEN, {} if given is None else {"x-hub-signature": given}, HUB_BODY)
    assert caught.value.status == 401


@pytest.mark.parametrize("secret", ["", "kurz", "12345678901"])
def test_a_guessable_hub_token_is_a_setting_to_mend(secret: str) -> None:
    signature = "sha1=" + hmac.new(secret.encode() or b" ", HUB_BODY, "sha1").hexdigest()
    with pytest.raises(SettingsError):
        verify_hub(secret, {"x-hub-signature": signature}, HUB_BODY)


def test_a_hub_delivery_has_the_senders_id_or_the_bodys() -> None:
    assert hub_delivery({"x-zammad-delivery": "0b8f-1"}, b"a") == "0b8f-1"
    for odd in ("", "ü", "x" * 200):
        assert hub_delivery({"x-zammad-delivery": odd}, b"a") == hub_delivery({}, b"a") != hub_delivery({}, b"b")
