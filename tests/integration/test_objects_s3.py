"""Object storage against SeaweedFS."""

from collections.abc import AsyncIterator

import pytest

from shared.errors import BackendError
from shared.objects import Objects
from shared.settings import ObjectSettings
from tests.object_cases import ObjectCases


class TestS3(ObjectCases):
    """The real one."""

    @pytest.fixture
    async def objects(self, s3_settings: ObjectSettings) -> AsyncIterator[Objects]:
        objects = Objects(s3_settings)
        yield objects
        await objects.close()

    async def test_a_listing_goes_on_over_its_pages(self, objects: Objects, bucket: str) -> None:
        for number in range(5):
            await objects.put(bucket, f"k{number}", b"x")
        objects._page = 2
        assert [row.key async for row in objects.list(bucket)] == [f"k{number}" for number in range(5)]

    async def test_an_erased_object_leaves_no_version(self, objects: Objects, bucket: str) -> None:
        client = objects._connected()
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for data in (b"first", b"second"):
            await objects.put(bucket, "k", data)
        await objects.put(bucket, "k2", b"another")
        await objects.delete(bucket, "k")
        assert len(client.list_object_versions(Bucket=bucket, Prefix="k")["Versions"]) == 3
        await objects.erase(bucket, "k")
        left = client.list_object_versions(Bucket=bucket)
        assert [row["Key"] for row in (*left["Versions"], *left.get("DeleteMarkers", []))] == ["k2"]
        await objects.erase(bucket, "k")  # a repeat is no error


async def test_a_wrong_key_is_refused_not_missing(s3_settings: ObjectSettings) -> None:
    objects = Objects(s3_settings.model_copy(update={"secret_key": type(s3_settings.secret_key)("wrong")}))
    with pytest.raises(BackendError, match="refused"):
        await objects.put("any", "k", b"x")
    await objects.close()
