"""What storages tell, in the words of each, made one."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from moto import mock_aws

from shared.aside import BUCKET, Aside
from shared.catalogue import S3Trigger
from shared.errors import Reject
from shared.notifications import MOST, Notice, look_all, of_entry, read, wanted
from shared.objects import MemoryObjects
from shared.state import MemoryState

KEYS = ("a.jpg", "deep/er/b.jpg", "ü b/x+y%41&.jpg", "straße (2)=1;2.jpg", "100%.jpg", "a%2Fb.jpg", " .jpg")


def record(name: str, key: str, **of_object: Any) -> dict[str, Any]:
    return {"eventName": name, "s3": {"bucket": {"name": "photos-in"}, "object": {"key": key, **of_object}}}


def aws(key: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    return {"Records": [record(name, quote_plus(key, safe="/"), size=1, eTag="a", sequencer="0055AED6DCD90281E5")]}


def minio(key: str, name: str = "s3:ObjectCreated:Put") -> dict[str, Any]:
    escaped = quote_plus(key)  # the slash as well
    return {"EventName": name, "Key": f"photos-in/{key}", "Records": [record(name, escaped, versionId="null")]}


def seaweedfs(key: str, name: str = "create") -> dict[str, Any]:
    path = f"/buckets/photos-in/{key}"
    entry = {"name": path.rpartition("/")[2], "attributes": {"file_size": 1}}
    return {
        "key": path,
        "event_type": name,
        "message": {"new_entry": entry, "new_parent_path": path.rpartition("/")[0]},
    }


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("shape", [aws, minio, seaweedfs])
def test_every_shape_names_the_object_as_it_is_called(shape: Any, key: str) -> None:
    assert read(shape(key)) == [Notice("photos-in", key)]


def test_what_was_not_written_is_no_notice() -> None:
    others: list[dict[str, Any]] = [
        aws("a.jpg", "ObjectRemoved:Delete"),
        aws("a.jpg", "ObjectRemoved:DeleteMarkerCreated"),
        aws("a.jpg", "ObjectTagging:Put"),
        minio("a.jpg", "s3:ObjectAccessed:Head"),
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos-in"},
        {"key": "/buckets/photos-in/a.jpg", "event_type": "delete", "message": {"old_entry": {"name": "a.jpg"}}},
        {"key": "/buckets/photos-in", "event_type": "create", "message": {"new_entry": {"is_directory": True}}},
        {"Records": []},
    ]
    for told in others:
        assert read(told) == []


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "none of the known shapes"),
        ({"Records": "secret.jpg"}, "Records"),
        ({"Records": [{"eventName": "ObjectCreated:Put"}]}, "Records.0.s3"),
        ({"Records": [record("ObjectCreated:Put", "secret.jpg")] * (MOST + 1)}, "Records"),
        ({"key": "/buckets/b/secret.jpg", "event_type": "create", "message": []}, "message"),
        (
            {
                "key": "/buckets/b/secret.jpg",
                "event_type": "create",
                "message": {"new_entry": {"name": "secret.jpg", "extended": {"x": "%"}}},
            },
            "extended",
        ),
    ],
)
def test_what_cannot_be_read_is_rejected_by_its_place_and_quoted_nowhere(told: Any, said: str) -> None:
    with pytest.raises(Reject, match=said) as raised:
        read(told)
    assert "secret" not in str(raised.value)


def test_a_versions_notice_names_it() -> None:
    versioned = record("ObjectCreated:Put", "a.jpg", versionId="v1")
    assert read({"Records": [versioned]}) == [Notice("photos-in", "a.jpg", "v1")]
    told = seaweedfs("d/a.jpg.versions/v_6715")
    told["message"]["new_entry"]["extended"] = {"Seaweed-X-Amz-Version-Id": base64.b64encode(b"6715").decode()}
    assert read(told) == [Notice("photos-in", "d/a.jpg", "6715")]


def test_an_entry_of_the_filer_is_an_object_or_none() -> None:
    version = {"Seaweed-X-Amz-Version-Id": b"6715"}
    assert of_entry("/buckets/photos-in/d/ü+%41.jpg", {}) == Notice("photos-in", "d/ü+%41.jpg")
    assert of_entry("/buckets/photos-in/d/a.jpg.versions/v_6715", version) == Notice("photos-in", "d/a.jpg", "6715")
    assert of_entry("/buckets/photos-in/a.versions/v_6715", {}) == Notice("photos-in", "a.versions/v_6715")
    for path, extended in (
        ("/buckets/photos-in/.uploads/196842_0a19/0001.part", {}),
        ("/buckets/photos-in/a.jpg.versions/v_6715", {**version, "Seaweed-X-Amz-Delete-Marker": b"true"}),
        ("/buckets/photos-in", {}),
        ("/topics/.system/log", {}),
    ):
        assert of_entry(path, extended) is None


async def test_one_event_an_object_that_a_trigger_names_however_often_it_is_told() -> None:
    objects = MemoryObjects()
    await objects.ensure_bucket("photos-in")
    await objects.put("photos-in", "a.jpg", b"one")
    watches = [S3Trigger(bucket="photos-in", suffix=".jpg")]
    told = [*read(aws("a.jpg")), *read(minio("a.jpg")), *read(seaweedfs("a.jpg")), *read(aws("a.png"))]
    told += [Notice("photos-in", "gone.jpg"), Notice("elsewhere", "a.jpg"), Notice("photos-in", "folder.jpg/")]
    told += [Notice("photos-in", key) for key in ("../photos-out/a.jpg", "b/../a.jpg", "./a.jpg")]
    found = await look_all(wanted(told, watches), objects, Aside(MemoryState().bucket(BUCKET), objects).put)
    assert [(one.object_key, one.size) for one in found] == [("a.jpg", 3)]
    assert found[0].version == (await objects.stat("photos-in", "a.jpg")).version


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any, str]]:
    """S3 and SQS of moto, and a queue that a bucket tells of everything."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        s3: Any = boto3.client("s3", region_name="eu-central-1")
        sqs: Any = boto3.client("sqs", region_name="eu-central-1")
        url = sqs.create_queue(QueueName="objects")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        s3.create_bucket(Bucket="photos-in", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_notification_configuration(
            Bucket="photos-in",
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
            },
        )
        yield s3, sqs, url
        s3.close()
        sqs.close()


def test_what_aws_puts_into_a_queue_is_read(queue: tuple[Any, Any, str]) -> None:
    s3, sqs, url = queue
    for key in KEYS:
        s3.put_object(Bucket="photos-in", Key=key, Body=b"x")
    s3.delete_object(Bucket="photos-in", Key=KEYS[0])
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert len(bodies) == len(KEYS) + 2  # the first is a test of the connection, the last the deletion
    assert [notice for body in bodies for notice in read(body)] == [Notice("photos-in", key) for key in KEYS]
