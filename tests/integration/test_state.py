"""The state in NATS, the same cases as in memory, and what only a server can do: go away."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from shared.errors import BackendError, SettingsError
from shared.settings import NatsSettings
from shared.state import Conflict, State
from tests.conftest import Launched
from tests.integration.addresses import nats_of
from tests.polling import eventually
from tests.state_cases import StateCases


@pytest.fixture
async def state(nats_settings: NatsSettings) -> AsyncIterator[State]:
    state = State(nats_settings)
    yield state
    await state.close()


@pytest.fixture
def server(nats_server: Callable[[], Launched]) -> Launched:
    return nats_server()


@pytest.fixture
async def fragile(server: Launched) -> AsyncIterator[State]:
    """State on a server that the test may kill."""
    state = State(nats_of(server))
    yield state
    await state.close()


class TestNatsState(StateCases):
    """Every case, on an empty server."""


async def test_values_and_revisions_survive_kill_9(
    server: Launched, fragile: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.state._PATIENCE_S", 30.0)  # a busy machine's connection is slower to come back
    bucket = fragile.bucket("pages")
    revision = await bucket.put("k", b"v")
    server.kill()
    await server.start()
    # The same State goes on: the connection comes back by itself, and the call waits for it.
    assert await bucket.get("k") == (b"v", revision)
    await bucket.update("k", b"w", revision)
    with pytest.raises(Conflict):
        await bucket.update("k", b"x", revision)


async def test_server_away_is_a_retry_and_nothing_is_written_later(server: Launched, fragile: State) -> None:
    bucket = fragile.bucket("pages")
    await bucket.put("k", b"before")
    server.kill()
    calls = (bucket.put("k", b"while away"), bucket.create("new", b"x"), bucket.delete("k"), bucket.get("k"))
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(outcome, BackendError)
        assert outcome.backend == "nats"
    await server.start()
    other = State(nats_of(server))
    try:
        entry = await other.bucket("pages").get("k")
        assert entry is not None
        assert entry.value == b"before"
        assert await other.bucket("pages").get("new") is None
    finally:
        await other.close()


async def test_nobody_there_at_first_is_a_retry_too(server: Launched) -> None:
    server.kill()
    state = State(nats_of(server))
    with pytest.raises(BackendError, match=f"127.0.0.1:{server.port}"):
        await state.bucket("pages").get("k")
    await server.start()
    assert await state.bucket("pages").get("k") is None
    await state.close()


async def test_another_server_is_refused(nats_settings: NatsSettings) -> None:
    state = State(nats_settings.model_copy(update={"server_name": "someone else"}))
    with pytest.raises(SettingsError, match="STADTFUNK_NATS__SERVER_NAME"):
        await state.bucket("pages").get("k")
    await state.close()


async def test_two_processes_share_a_bucket_and_a_changed_ttl_is_applied(
    nats_settings: NatsSettings, state: State
) -> None:
    await state.bucket("pages").put("k", b"v")
    other = State(nats_settings)
    try:
        bucket = other.bucket("pages", ttl_s=0.5)

        async def gone() -> bool:
            return await bucket.get("k") is None

        await eventually(gone, "the value written without a limit expires")
    finally:
        await other.close()


async def test_a_bucket_removed_by_an_operator_comes_back(nats_settings: NatsSettings, state: State) -> None:
    bucket = state.bucket("pages")
    await bucket.put("k", b"v")
    client = (await state._open("pages", None))._js
    assert await client.delete_stream("KV_pages")
    with pytest.raises(BackendError):
        await bucket.put("k", b"w")

    async def back() -> int | None:
        try:
            return await bucket.put("k", b"w")
        except BackendError:  # the server may still be removing the old one's files
            return None

    await eventually(back, "the bucket takes values again")
