"""Real servers for the tests, started once a session on free ports, and fresh ones that a test may kill.

A server that does not start fails its tests; nothing here skips.
"""

import asyncio
import contextlib
import gc
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import hypothesis
import nats
import pytest

from infra.stack import servers
from infra.stack.ports import free_port
from infra.stack.process import Process
from infra.stack.vision import vision
from shared.settings import (
    ChatSettings,
    EmbeddingSettings,
    LibrarySettings,
    NatsSettings,
    ObjectSettings,
    Settings,
    VectorSettings,
    VisionSettings,
    XnextSettings,
)
from tests.polling import eventually

# The same examples in every run, however long a busy machine takes for one.
hypothesis.settings.register_profile(
    "stadtfunk", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("stadtfunk")

# What a developer has in .env, or runs beside the tests, is no part of them.
Settings.model_config["env_file"] = None

S3_KEYS = {"access_key": "test-access", "secret_key": "test-secret"}
Launch = Callable[..., "Launched"]


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed."""
    report = yield
    if report.failed:
        item.session.stash[_FAILED] = True
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Drop what a failed test left open: else the next one fails for it, and so does its own second run."""
    if not item.session.stash.get(_FAILED, False):
        return
    item.session.stash[_FAILED] = False
    for name in ("last_type", "last_value", "last_traceback"):  # they hold its frames
        vars(sys).pop(name, None)
    told, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = told


def in_thread(make: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine to its end from sync code, whether or not a loop runs in this thread."""
    done: list[Any] = []
    failed: list[BaseException] = []

    async def run() -> Any:
        return await make()

    def body() -> None:
        try:
            done.append(asyncio.run(run()))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


class Launched(Process):
    """A real server of a test: ``kill()`` and ``await start()`` bring it back on the same port and folder."""

    @property
    def provides(self) -> dict[str, str]:
        """The STADTFUNK_ variables that lead to it."""
        return dict(self.server.provides)

    @property
    def port(self) -> int:
        """Its first port."""
        return self.server.ports[0]


def _launch(server: servers.Server, folder: Path) -> Launched:
    launched = Launched(server, folder / f"{server.name}.log")
    launched.spawn()
    try:
        in_thread(launched.ready)
    except BaseException:
        launched.kill()
        raise
    return launched


def _keeping() -> Callable[[str], int]:
    """Free ports, the same one for the same name."""
    ports: dict[str, int] = {}
    return lambda name: ports.setdefault(name, free_port())


@pytest.fixture(scope="session")
def stack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's servers keep their state and logs."""
    return tmp_path_factory.mktemp("stack")


@contextlib.contextmanager
def _session(server: servers.Server, folder: Path) -> Iterator[Launched]:
    launched = _launch(server, folder)
    try:
        yield launched
    finally:
        launched.stop()


@pytest.fixture(scope="session")
def _nats(stack_folder: Path) -> Iterator[Launched]:
    name = f"test-{uuid4().hex[:8]}"
    with _session(servers.nats_server(stack_folder / "nats", _keeping(), name=name), stack_folder) as launched:
        yield launched


@pytest.fixture(scope="session")
def nats_url(_nats: Launched) -> str:
    """A NATS server with JetStream, shared by the session."""
    return _nats.provides["STADTFUNK_NATS__URL"]


@pytest.fixture(scope="session")
def milvus_uri(stack_folder: Path) -> Iterator[str]:
    """Milvus, shared by the session: use names of your own (``settings.xnext.collection`` is one).

    MILVUS_URI in the environment puts a Milvus server in its place.
    """
    given = os.environ.get("MILVUS_URI")
    if given:
        yield given
        return
    with _session(servers.milvus(stack_folder / "milvus", _keeping()), stack_folder) as launched:
        yield launched.provides["STADTFUNK_VECTORS__URI"]


@pytest.fixture(scope="session")
def s3_settings(stack_folder: Path) -> Iterator[ObjectSettings]:
    """SeaweedFS, shared by the session: use buckets of your own (``settings.xnext.bucket`` is one)."""
    with _session(servers.seaweedfs(stack_folder / "s3", _keeping(), **S3_KEYS), stack_folder) as launched:
        yield object_settings(launched)


def object_settings(server: Launched) -> ObjectSettings:
    """Settings that lead to a SeaweedFS and its filer."""
    names = {"endpoint": "STADTFUNK_OBJECTS__ENDPOINT", "filer": "STADTFUNK_OBJECTS__FILER"}
    return ObjectSettings.model_validate({name: server.provides[one] for name, one in names.items()} | S3_KEYS)


@pytest.fixture(scope="session")
def embedding_url(stack_folder: Path) -> Iterator[str]:
    """The embedding server's OpenAI address, ending in /v1."""
    with _session(servers.embeddings(stack_folder / "embeddings", _keeping()), stack_folder) as launched:
        yield launched.provides["STADTFUNK_EMBEDDINGS__URL"]


@pytest.fixture(scope="session")
def chat_url(stack_folder: Path) -> Iterator[str]:
    """The language model's OpenAI address, ending in /v1."""
    with _session(servers.chat(stack_folder / "chat", _keeping()), stack_folder) as launched:
        yield launched.provides["STADTFUNK_CHAT__URL"]


@pytest.fixture(scope="session")
def vision_settings(stack_folder: Path) -> Iterator[VisionSettings]:
    """Triton with every model that can be had here, shared by the session."""
    server, missing = vision(stack_folder / "vision", _keeping())
    assert not missing
    with _session(server, stack_folder) as launched:
        yield VisionSettings(
            url=launched.provides["STADTFUNK_VISION__URL"],
            sha256=json.loads(launched.provides["STADTFUNK_VISION__SHA256"]),
            timeout_s=110.0,
        )


@pytest.fixture
def nats_settings(_nats: Launched) -> NatsSettings:
    """The session's NATS, emptied of every stream before the test (KV buckets are streams too)."""
    url = _nats.provides["STADTFUNK_NATS__URL"]
    stored = _nats.server.folder / "jetstream" / "$G" / "streams"

    async def gone() -> bool:
        return not (stored.is_dir() and any(stored.iterdir()))

    async def empty() -> None:
        client = await nats.connect(url)
        try:
            jetstream = client.jetstream()
            for stream in await jetstream.streams_info():
                await jetstream.delete_stream(str(stream.config.name))
            # The server removes the files after it has answered; a stream made anew before that has the old messages.
            await eventually(gone, "the streams' files are removed")
        finally:
            await client.close()

    in_thread(empty)
    return NatsSettings(url=url, server_name=_nats.provides["STADTFUNK_NATS__SERVER_NAME"], max_bytes=256 * 2**20)


@pytest.fixture
def settings(
    nats_settings: NatsSettings, milvus_uri: str, s3_settings: ObjectSettings, embedding_url: str, chat_url: str
) -> Iterator[Settings]:
    """The whole tree, pointing at the session's servers: NATS empty, collection and buckets of this test alone."""
    unique = uuid4().hex[:8]
    found = Settings(
        nats=nats_settings,
        vectors=VectorSettings(uri=milvus_uri),
        objects=s3_settings,
        embeddings=EmbeddingSettings(url=embedding_url),
        chat=ChatSettings(url=chat_url),
        xnext=XnextSettings(collection=f"city_pages_{unique}", bucket=f"city-revisions-{unique}"),
        library=LibrarySettings(collection=f"library_titles_{unique}", bucket=f"library-{unique}"),
    )
    yield found
    # Each bucket takes volumes of its own, and a SeaweedFS has only so many.
    _remove_buckets(s3_settings, found.xnext.bucket, found.library.bucket)


def _remove_buckets(s3: ObjectSettings, *buckets: str) -> None:
    client: Any = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name=s3.region,
        aws_access_key_id=s3.access_key.get_secret_value(),
        aws_secret_access_key=s3.secret_key.get_secret_value(),
    )
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in there & set(buckets):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": stored["Key"]} for stored in page.get("Contents", [])]:
                client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        client.delete_bucket(Bucket=bucket)
    client.close()


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[[servers.Server], Launched]]:
    """Start a server for this test alone; it is stopped after it."""
    started: list[Launched] = []

    def start(server: servers.Server) -> Launched:
        started.append(_launch(server, tmp_path))
        return started[-1]

    yield start
    for launched in started:
        launched.stop(grace_s=1.0)


@pytest.fixture
def nats_server(launch: Launch, tmp_path: Path) -> Callable[[], Launched]:
    """``server = nats_server()``: a NATS of this test's own. ``server.kill()``, ``await server.start()``."""
    return lambda: launch(
        servers.nats_server(tmp_path / f"nats-{uuid4().hex[:6]}", _keeping(), name=f"test-{uuid4().hex[:8]}")
    )


@pytest.fixture
def milvus_server(launch: Launch, tmp_path: Path) -> Callable[[], Launched]:
    """``server = milvus_server()``: a Milvus of this test's own, to kill and start again."""
    return lambda: launch(servers.milvus(tmp_path / f"milvus-{uuid4().hex[:6]}", _keeping()))


@pytest.fixture
def s3_server(launch: Launch, tmp_path: Path) -> Callable[[], Launched]:
    """``server = s3_server()``: a SeaweedFS of this test's own, to kill and start again."""
    return lambda: launch(servers.seaweedfs(tmp_path / f"s3-{uuid4().hex[:6]}", _keeping(), **S3_KEYS))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failure: everything a test needs is there, so a skip hides something."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why a run without a failed test failed."""
    skipped = terminalreporter.stats.get("skipped", [])
    if os.environ.get("CI") and skipped:
        terminalreporter.section("skipped tests count as failures in CI", red=True)
        for report in skipped:
            terminalreporter.line(f"SKIPPED {report.nodeid}")
