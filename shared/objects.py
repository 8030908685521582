"""S3-compatible object storage: boto3 in threads, with time limits and errors of this house.

``Objects`` speaks to a server, ``MemoryObjects`` holds everything in the process; both pass one suite.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import md5
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import BackendError
from shared.lifecycle import code_of, set_expiry
from shared.settings import ObjectSettings
from shared.stored import Data, ObjectMissing, ObjectRefused, ObjectTooLarge, Stored, rewound
from shared.telemetry import backend_call

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["MemoryObjects", "ObjectMissing", "ObjectRefused", "ObjectTooLarge", "Objects", "Stored"]
T = TypeVar("T")
_THREADS = 8  # calls at once; boto3's own pool is larger
_MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound"})
_LATER = frozenset({408, 425, 429})  # "no" for now
_CLOSED = frozenset({"405", "400"})  # the mark of a deletion; encrypted with its writer's own key


class Objects:
    """One S3 endpoint. Every call raises BackendError when the storage is away or refuses."""

    def __init__(self, settings: ObjectSettings) -> None:
        self._settings = settings
        self._seen: set[tuple[str, int | None]] = set()  # buckets that are there, and when their objects expire
        self._page = 1000  # keys a listing request, the most that S3 gives
        self._client: S3Client | None = None
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")

    async def ensure_bucket(self, bucket: str, *, expire_days: int | None = None) -> None:
        """Make the bucket if there is none; a yes is remembered until a call misses the bucket.

        ``expire_days``: the storage itself removes each object so many days after it was written.
        """
        if (bucket, expire_days) in self._seen:
            return

        def ensure(client: "S3Client") -> None:
            from botocore.exceptions import ClientError

            try:
                client.head_bucket(Bucket=bucket)
            except ClientError as error:
                if code_of(error) not in _MISSING:
                    raise
                try:
                    client.create_bucket(Bucket=bucket, **self._location())
                except ClientError as made:
                    if code_of(made) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                        raise

        await self._call("ensure_bucket", ensure)
        if expire_days is not None:
            await self.expire_after(bucket, "", expire_days)
        self._seen.add((bucket, expire_days))

    async def put(self, bucket: str, key: str, data: Data, content_type: str = "application/octet-stream") -> None:
        """Store bytes, or a file's from its beginning, under a key; what lay there is replaced."""
        await self._call(
            "put",
            lambda client: client.put_object(Bucket=bucket, Key=key, Body=rewound(data), ContentType=content_type),
        )

    async def get(self, bucket: str, key: str, *, max_bytes: int | None = None) -> bytes:
        """The bytes of an object.

        Raises:
            ObjectMissing: there is none.
            ObjectTooLarge: it has more than ``max_bytes``; nothing of it was read.
        """

        def read(client: "S3Client") -> bytes | None:
            answer = client.get_object(Bucket=bucket, Key=key)
            if max_bytes is not None and answer["ContentLength"] > max_bytes:
                answer["Body"].close()
                return None
            return answer["Body"].read()

        data = await self._call("get", read, bucket, key)
        if data is None:
            raise ObjectTooLarge(f"an object in bucket '{bucket}' is larger than {max_bytes} bytes")
        return data

    async def stat(self, bucket: str, key: str, *, version_id: str | None = None) -> Stored:
        """Size, ETag, time and version of an object, or of one version of it.

        Raises:
            ObjectMissing: there is none that can be read.
        """
        which: Any = {"VersionId": version_id} if version_id else {}

        def head(client: "S3Client") -> Stored | None:
            from botocore.exceptions import ClientError

            try:
                answer = client.head_object(Bucket=bucket, Key=key, **which)
            except ClientError as error:
                if code_of(error) in _CLOSED:
                    return None
                raise
            found = answer.get("VersionId")
            return Stored(
                key,
                answer["ContentLength"],
                answer["ETag"].strip('"'),
                answer["LastModified"].astimezone(UTC).replace(microsecond=0),
                None if found == "null" else found,
            )

        if (stored := await self._call("stat", head, bucket, key)) is None:
            raise ObjectMissing(bucket, key)
        return stored

    async def exists(self, bucket: str, key: str) -> bool:
        """Whether there is an object of this key."""
        try:
            await self._call("exists", lambda client: client.head_object(Bucket=bucket, Key=key), bucket, key)
        except ObjectMissing:
            return False
        return True

    async def list(self, bucket: str, prefix: str = "") -> AsyncIterator[Stored]:
        """Every object whose key starts with ``prefix``, by key; a bucket that is not there lists nothing."""
        after = ""
        while True:
            start = after

            def page(client: "S3Client", start: str = start) -> list[Stored]:
                answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=start, MaxKeys=self._page)
                return [
                    Stored(
                        row["Key"],
                        row["Size"],
                        row.get("ETag", "").strip('"'),
                        row["LastModified"].astimezone(UTC).replace(microsecond=0),
                    )
                    for row in answer.get("Contents", [])
                ]

            try:
                rows = await self._call("list", page, bucket, prefix or "*")
            except ObjectMissing:
                return
            for row in rows:
                yield row
            if len(rows) < self._page:
                return
            after = rows[-1].key

    async def delete(self, bucket: str, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        try:
            await self._call("delete", lambda client: client.delete_object(Bucket=bucket, Key=key), bucket, key)
        except ObjectMissing:
            return

    async def erase(self, bucket: str, key: str) -> None:
        """Remove an object with every earlier version that the storage keeps; one that is not there is no error."""

        def versions(client: "S3Client") -> list[str]:
            pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
            rows = (row for page in pages for row in (*page.get("Versions", []), *page.get("DeleteMarkers", [])))
            return [row["VersionId"] for row in rows if row["Key"] == key]

        try:
            await self._call("delete", lambda client: client.delete_object(Bucket=bucket, Key=key), bucket, key)
            for version in await self._call("versions", versions, bucket, key):
                await self._call("delete", self._without(bucket, key, version), bucket, key)
        except ObjectMissing:
            return

    @staticmethod
    def _without(bucket: str, key: str, version: str) -> Callable[["S3Client"], Any]:
        return lambda client: client.delete_object(Bucket=bucket, Key=key, VersionId=version)

    async def expire_after(self, bucket: str, prefix: str, days: int) -> None:
        """Let the storage itself remove what lies under a prefix so many days after it was written.

        The bucket's rules for other prefixes stay.
        """
        await self._call("expire_after", lambda client: set_expiry(client, bucket, prefix, days))

    async def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _location(self) -> Any:
        # AWS wants the region said, and refuses us-east-1 said.
        if self._settings.endpoint is not None or self._settings.region == "us-east-1":
            return {}
        return {"CreateBucketConfiguration": {"LocationConstraint": self._settings.region}}

    def _connected(self) -> "S3Client":
        with self._lock:
            if self._client is None:
                import boto3  # takes 0.3 s: only a process that uses storage pays
                from botocore.config import Config

                self._client = boto3.session.Session().client(
                    "s3",
                    endpoint_url=self._settings.endpoint,
                    region_name=self._settings.region,
                    aws_access_key_id=self._settings.access_key.get_secret_value() or None,
                    aws_secret_access_key=self._settings.secret_key.get_secret_value() or None,
                    config=Config(
                        signature_version="s3v4",
                        connect_timeout=self._settings.timeout_s,
                        read_timeout=self._settings.timeout_s,
                        # One more try covers a connection that went stale; the rest is the function's backoff.
                        retries={"total_max_attempts": 2, "mode": "standard"},
                        max_pool_connections=_THREADS,
                        s3={"addressing_style": "path" if self._settings.endpoint else "auto"},
                    ),
                )
            return self._client

    async def _call(self, name: str, work: Callable[["S3Client"], T], bucket: str = "", key: str = "") -> T:
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        loop = asyncio.get_running_loop()
        missing = False
        with backend_call("objects", name):
            try:
                return await loop.run_in_executor(self._threads, lambda: work(self._connected()))
            except ClientError as error:
                code = code_of(error)
                if code == "NoSuchBucket":
                    self._seen.clear()
                missing = code in _MISSING and bool(key)
                if not missing:
                    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
                    good = bool(key) and 400 <= status < 500 and status not in _LATER
                    raise (ObjectRefused if good else BackendError)(
                        "objects", f"{name} was refused ({code})"
                    ) from error
            except (BotoCoreError, HTTPClientError, OSError) as error:
                raise BackendError("objects", f"{name} failed ({type(error).__name__})") from error
        raise ObjectMissing(bucket, key)  # an answer, no failure of the backend


class MemoryObjects(Objects):
    """The same storage in the process's memory, for tests."""

    def __init__(self) -> None:
        self._buckets: dict[str, dict[str, tuple[bytes, datetime]]] = {}

    async def ensure_bucket(self, bucket: str, *, expire_days: int | None = None) -> None:
        self._buckets.setdefault(bucket, {})

    async def put(self, bucket: str, key: str, data: Data, content_type: str = "application/octet-stream") -> None:
        data = data if isinstance(data, bytes) else rewound(data).read()
        if bucket not in self._buckets:
            raise BackendError("objects", "put was refused (NoSuchBucket)")
        self._buckets[bucket][key] = data, datetime.now(UTC).replace(microsecond=0)

    async def get(self, bucket: str, key: str, *, max_bytes: int | None = None) -> bytes:
        data, _ = self._found(bucket, key)
        if max_bytes is not None and len(data) > max_bytes:
            raise ObjectTooLarge(f"an object in bucket '{bucket}' is larger than {max_bytes} bytes")
        return data

    async def stat(self, bucket: str, key: str, *, version_id: str | None = None) -> Stored:
        return self._row(key, *self._found(bucket, key))

    async def exists(self, bucket: str, key: str) -> bool:
        return key in self._buckets.get(bucket, {})

    async def list(self, bucket: str, prefix: str = "") -> AsyncIterator[Stored]:
        for key, found in sorted(self._buckets.get(bucket, {}).items()):
            if key.startswith(prefix):
                yield self._row(key, *found)

    async def delete(self, bucket: str, key: str) -> None:
        self._buckets.get(bucket, {}).pop(key, None)

    async def erase(self, bucket: str, key: str) -> None:
        await self.delete(bucket, key)

    async def expire_after(self, bucket: str, prefix: str, days: int) -> None:
        return  # nothing here grows old

    async def close(self) -> None:
        return

    def _found(self, bucket: str, key: str) -> tuple[bytes, datetime]:
        try:
            return self._buckets[bucket][key]
        except KeyError:
            raise ObjectMissing(bucket, key) from None

    @staticmethod
    def _row(key: str, data: bytes, modified: datetime) -> Stored:
        return Stored(key, len(data), md5(data, usedforsecurity=False).hexdigest(), modified)
