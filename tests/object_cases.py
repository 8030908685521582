"""What every Objects must do; run against S3 and against memory."""

from uuid import uuid4

import pytest

from shared.objects import ObjectMissing, Objects, ObjectTooLarge


class ObjectCases:
    """Subclasses give an ``objects`` fixture."""

    @pytest.fixture
    async def bucket(self, objects: Objects) -> str:
        name = f"cases-{uuid4().hex[:8]}"
        await objects.ensure_bucket(name)
        return name

    async def test_bytes_come_back_as_they_were(self, objects: Objects, bucket: str) -> None:
        data = bytes(range(256)) * 50
        await objects.put(bucket, "a/ü b+%.bin", data, content_type="application/json")
        assert await objects.get(bucket, "a/ü b+%.bin") == data
        await objects.put(bucket, "a/ü b+%.bin", b"")
        assert await objects.get(bucket, "a/ü b+%.bin") == b""

    async def test_what_is_missing_is_named(self, objects: Objects, bucket: str) -> None:
        with pytest.raises(ObjectMissing, match="'nothing' in bucket"):
            await objects.get(bucket, "nothing")
        with pytest.raises(ObjectMissing):
            await objects.get("cases-no-such-bucket", "nothing")
        assert not await objects.exists(bucket, "nothing")
        await objects.delete(bucket, "nothing")

    async def test_listing_knows_prefix_size_and_order(self, objects: Objects, bucket: str) -> None:
        for key in ("b/2", "a/1", "b/1"):
            await objects.put(bucket, key, key.encode())
        assert [row.key async for row in objects.list(bucket)] == ["a/1", "b/1", "b/2"]
        found = [row async for row in objects.list(bucket, "b/")]
        assert [(row.key, row.size) for row in found] == [("b/1", 3), ("b/2", 3)]
        assert len({row.etag for row in found}) == 2
        assert [row async for row in objects.list("cases-no-such-bucket")] == []

    async def test_deleted_is_gone_and_a_bucket_is_made_once(self, objects: Objects, bucket: str) -> None:
        await objects.put(bucket, "k", b"x")
        await objects.ensure_bucket(bucket)
        assert await objects.exists(bucket, "k")
        await objects.delete(bucket, "k")
        assert not await objects.exists(bucket, "k")

    async def test_what_the_storage_says_of_an_object_is_what_its_listing_says(
        self, objects: Objects, bucket: str
    ) -> None:
        await objects.put(bucket, "a b+%41/ü.jpg", b"one")
        first = await objects.stat(bucket, "a b+%41/ü.jpg")
        assert [row async for row in objects.list(bucket)] == [first]
        assert (first.key, first.size, first.modified.microsecond) == ("a b+%41/ü.jpg", 3, 0)
        await objects.put(bucket, "a b+%41/ü.jpg", b"two")
        assert (await objects.stat(bucket, "a b+%41/ü.jpg")).version != first.version
        with pytest.raises(ObjectMissing):
            await objects.stat(bucket, "nothing")

    async def test_an_object_that_is_too_large_is_not_read(self, objects: Objects, bucket: str) -> None:
        await objects.put(bucket, "k", b"12345")
        assert await objects.get(bucket, "k", max_bytes=5) == b"12345"
        with pytest.raises(ObjectTooLarge, match="larger than 4 bytes"):
            await objects.get(bucket, "k", max_bytes=4)
