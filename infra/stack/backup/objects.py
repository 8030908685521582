"""Buckets and objects by plain S3 requests; blocking, for a thread."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.stack.backup.archive import BackupError
from shared.settings import ObjectSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@contextmanager
def connected(settings: ObjectSettings) -> Iterator["S3Client"]:
    """boto3's client for these settings."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id=settings.access_key.get_secret_value(),
        aws_secret_access_key=settings.secret_key.get_secret_value(),
        config=Config(signature_version="s3v4", connect_timeout=5, read_timeout=60),
    )
    try:
        yield client
    finally:
        client.close()


def names(client: "S3Client") -> list[str]:
    """All buckets these keys may list."""
    return sorted(bucket["Name"] for bucket in client.list_buckets()["Buckets"])


def save(client: "S3Client", bucket: str, folder: Path) -> int:
    """Write one bucket; gives its objects. The present version of each is kept."""
    (folder / bucket).mkdir()
    count = 0
    with (folder / f"{bucket}.jsonl").open("w", encoding="utf-8") as index:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for listed in page.get("Contents", []):
                answer = client.get_object(Bucket=bucket, Key=listed["Key"])
                count += 1
                file = folder / bucket / f"{count:08}"
                with file.open("wb") as handle:
                    for chunk in answer["Body"].iter_chunks(1 << 20):
                        handle.write(chunk)
                row = {
                    "key": listed["Key"],
                    "file": file.name,
                    "content_type": answer.get("ContentType"),
                    "metadata": answer.get("Metadata") or {},
                }
                index.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def bring_back(client: "S3Client", bucket: str, folder: Path) -> int:
    """Make one bucket again; gives its objects."""
    client.create_bucket(Bucket=bucket)
    count = 0
    with (folder / f"{bucket}.jsonl").open(encoding="utf-8") as index:
        for line in index:
            row = json.loads(line)
            file = folder / bucket / row["file"]
            with file.open("rb") as body:
                client.put_object(
                    Bucket=bucket,
                    Key=row["key"],
                    Body=body,
                    ContentType=row["content_type"] or "application/octet-stream",
                    Metadata=row["metadata"],
                )
            count += 1
    present = sum(p.get("KeyCount", 0) for p in client.get_paginator("list_objects_v2").paginate(Bucket=bucket))
    if present != count:
        raise BackupError(f"bucket {bucket} holds {present} objects after the restore, {count} were saved")
    return count
