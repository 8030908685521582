"""Object storage in memory, by the cases that S3 passes."""

import pytest

from shared.errors import BackendError
from shared.objects import MemoryObjects, Objects
from shared.settings import ObjectSettings
from tests.object_cases import ObjectCases


class TestMemoryObjects(ObjectCases):
    """The double."""

    @pytest.fixture
    def objects(self) -> MemoryObjects:
        return MemoryObjects()

    async def test_a_write_into_no_bucket_is_refused(self, objects: Objects) -> None:
        with pytest.raises(BackendError, match="NoSuchBucket"):
            await objects.put("cases-no-such-bucket", "k", b"x")


async def test_storage_that_is_away_is_a_backend_error() -> None:
    objects = Objects(ObjectSettings.model_validate({"endpoint": "http://127.0.0.1:9", "timeout_s": 1}))
    with pytest.raises(BackendError, match="objects: get failed") as raised:
        await objects.get("bucket", "key")
    assert raised.value.backend == "objects"
    await objects.close()
