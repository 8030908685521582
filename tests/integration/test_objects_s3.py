"""Object storage against SeaweedFS."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.errors import BackendError
from shared.objects import ObjectMissing, Objects
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

    async def test_every_version_of_an_object_can_be_asked_for(self, objects: Objects, bucket: str) -> None:
        client = objects._connected()
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        made = [client.put_object(Bucket=bucket, Key="k", Body=data)["VersionId"] for data in (b"1", b"22")]
        for version, size in zip(made, (1, 2), strict=True):
            stored = await objects.stat(bucket, "k", version_id=version)
            assert (stored.version, stored.size) == (version, size)
        assert (await objects.stat(bucket, "k")).version == made[-1]
        mark = client.delete_object(Bucket=bucket, Key="k")["VersionId"]
        with pytest.raises(ObjectMissing):
            await objects.stat(bucket, "k", version_id=mark)

    async def test_an_object_under_its_writers_own_key_is_none_for_us(self, objects: Objects, bucket: str) -> None:
        key: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
        objects._connected().put_object(Bucket=bucket, Key="k", Body=b"x", **key)
        with pytest.raises(ObjectMissing):
            await objects.stat(bucket, "k")

    async def test_a_bucket_expires_its_objects_and_keeps_other_rules(self, objects: Objects, bucket: str) -> None:
        await objects.expire_after(bucket, "reports/", 90)
        for days in (2, 3, 3):
            await objects.ensure_bucket(bucket, expire_days=days)
        rules = objects._connected().get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        found = {rule.get("Filter", {}).get("Prefix", ""): rule["Expiration"]["Days"] for rule in rules}
        assert found == {"reports/": 90, "": 3}
        assert len(rules) == 2


async def test_a_wrong_key_is_refused_not_missing(s3_settings: ObjectSettings) -> None:
    objects = Objects(s3_settings.model_copy(update={"secret_key": type(s3_settings.secret_key)("wrong")}))
    with pytest.raises(BackendError, match="refused"):
        await objects.put("any", "k", b"x")
    await objects.close()
