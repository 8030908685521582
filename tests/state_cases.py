"""What every State must do; run against NATS and against memory."""

import asyncio

import pytest

from shared.state import Bucket, Conflict, Entry, State
from tests.polling import eventually

KEYS = ["", ".", "a.b", "befi:1064292", "Straße 7/8 *>", "=41", "A", "=", "x" * 1000, "日本", "a\nb\x00", "$KV.cases.A"]


class StateCases:
    """Subclasses give a ``state`` fixture."""

    @pytest.fixture
    def bucket(self, state: State) -> Bucket:
        return state.bucket("cases")

    async def test_missing_key_is_none(self, bucket: Bucket) -> None:
        assert await bucket.get("nothing") is None

    async def test_put_and_get(self, bucket: Bucket) -> None:
        revision = await bucket.put("k", b"\x00one")
        assert await bucket.get("k") == Entry(b"\x00one", revision)
        later = await bucket.put("k", b"two")
        assert later > revision
        assert await bucket.get("k") == Entry(b"two", later)

    async def test_empty_value_is_a_value(self, bucket: Bucket) -> None:
        revision = await bucket.put("k", b"")
        assert await bucket.get("k") == Entry(b"", revision)
        with pytest.raises(Conflict):
            await bucket.create("k", b"x")

    async def test_create_only_where_nothing_is(self, bucket: Bucket) -> None:
        await bucket.create("k", b"first")
        with pytest.raises(Conflict):
            await bucket.create("k", b"second")
        entry = await bucket.get("k")
        assert entry is not None
        assert entry.value == b"first"

    async def test_update_only_over_the_revision_read(self, bucket: Bucket) -> None:
        first = await bucket.put("k", b"1")
        second = await bucket.update("k", b"2", first)
        for stale in (first, 0, second + 1):
            with pytest.raises(Conflict):
                await bucket.update("k", b"3", stale)
        with pytest.raises(Conflict):
            await bucket.update("missing", b"3", second)
        assert await bucket.get("k") == Entry(b"2", second)

    async def test_deleted_key_is_gone_and_can_be_created(self, bucket: Bucket) -> None:
        revision = await bucket.put("k", b"1")
        await bucket.delete("k")
        await bucket.delete("k")
        await bucket.delete("never there")
        assert await bucket.get("k") is None
        assert "k" not in await bucket.keys()
        with pytest.raises(Conflict):
            await bucket.update("k", b"2", revision)
        assert await bucket.create("k", b"3") > revision

    async def test_any_text_is_a_key(self, state: State) -> None:
        bucket = state.bucket("texts")
        assert await bucket.keys() == []
        for number, key in enumerate(KEYS):
            await bucket.put(key, str(number).encode())
        assert sorted(await bucket.keys()) == sorted(KEYS)
        for number, key in enumerate(KEYS):
            entry = await bucket.get(key)
            assert entry is not None
            assert entry.value == str(number).encode()

    async def test_too_long_a_key_is_refused(self, bucket: Bucket) -> None:
        with pytest.raises(ValueError, match="1001 bytes"):
            await bucket.put("x" * 1001, b"")

    async def test_many_keys(self, state: State) -> None:
        bucket = state.bucket("many")
        wanted = {f"page:{n}" for n in range(1000)}
        await asyncio.gather(*(bucket.put(key, b"x") for key in wanted))
        await bucket.delete("page:7")
        assert set(await bucket.keys()) == wanted - {"page:7"}

    async def test_buckets_are_apart(self, state: State) -> None:
        await state.bucket("left").put("k", b"left")
        assert await state.bucket("right").get("k") is None

    async def test_one_of_many_writers_wins(self, bucket: Bucket) -> None:
        async def create(number: int) -> int | None:
            try:
                return await bucket.create("race", str(number).encode())
            except Conflict:
                return None

        assert len([r for r in await asyncio.gather(*(create(n) for n in range(20))) if r is not None]) == 1

    async def test_counting_by_compare_and_set_loses_none(self, bucket: Bucket) -> None:
        await bucket.put("count", b"0")

        async def add() -> None:
            while True:
                entry = await bucket.get("count")
                assert entry is not None
                try:
                    await bucket.update("count", str(int(entry.value) + 1).encode(), entry.revision)
                except Conflict:
                    continue
                return

        await asyncio.gather(*(add() for _ in range(8)))
        entry = await bucket.get("count")
        assert entry is not None
        assert entry.value == b"8"

    async def test_expired_value_is_none(self, state: State) -> None:
        bucket = state.bucket("short", ttl_s=0.3)
        await bucket.put("k", b"v")
        assert await bucket.get("k") is not None

        async def gone() -> bool:
            return await bucket.get("k") is None

        await eventually(gone, "the value expires")
        assert await bucket.keys() == []
        await bucket.create("k", b"again")

    async def test_wrong_bucket_is_refused(self, state: State) -> None:
        with pytest.raises(ValueError, match=r"bucket name 'a\.b'"):
            state.bucket("a.b")
        state.bucket("one")
        with pytest.raises(ValueError, match="ttl_s"):
            state.bucket("one", ttl_s=5)
