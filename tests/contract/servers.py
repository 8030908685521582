"""The model servers that the contract suite runs against: what each is called, and what it is doing right now."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from infra.stack.ports import free_port
from infra.stack.servers import HOST, QUIET, NotReady, Server
from tests.conftest import Launched, in_thread

KEY = "contract-suite"
PATIENCE_S = 600.0  # from start to ready on two busy cores; alone it takes 45 s


@dataclass(frozen=True, kw_only=True)
class ModelServer:
    """One server of a task; the suite's clients reach it by these."""

    url: str  # ends in /v1
    model: str
    key: SecretStr | None = None


class LlamaCpp(ModelServer):
    """The embedded language model."""

    endless: ClassVar[int] = 1500  # tokens; more than it writes while a test looks

    async def running(self) -> int:
        """How many requests it is working on: its busy slots."""
        slots = json.loads(await _read(self, "/slots"))
        return sum(bool(slot["is_processing"]) for slot in slots)


@dataclass(frozen=True, kw_only=True)
class Vllm(ModelServer):
    """A real vLLM of the suite's own."""

    endless: ClassVar[int] = 30_000  # tokens; its model has two layers and writes a thousand a second

    process: Launched  # a test may end it

    async def running(self) -> int:
        """How many requests it is working on, as its gauge says."""
        return int(await self.metric("vllm:num_requests_running"))

    async def metric(self, name: str, **labels: str) -> float:
        """Sum of a metric's samples with these labels, read from /metrics as Prometheus reads it."""
        families = text_string_to_metric_families(await _read(self, "/metrics"))
        samples = [sample for family in families for sample in family.samples]
        found = [s.value for s in samples if s.name == name and labels.items() <= s.labels.items()]
        assert found, f"/metrics has no {name} {labels}"
        return sum(found)


ChatServer = LlamaCpp | Vllm


async def _read(server: ModelServer, path: str) -> str:
    url = server.url.removesuffix("/v1") + path
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        return await answer.text()


def environment() -> Path:
    """Where vLLM is installed."""
    folder = os.environ.get("STADTFUNK_VLLM_ENV")
    assert folder, "these tests need vLLM's environment; run them with: make vllm ARGS=…"
    return Path(folder)


def packaged(package: str) -> Path:
    """A package's folder in vLLM's environment."""
    return next(environment().glob(f"lib/python3.*/site-packages/{package}"))


@contextmanager
def vllm(folder: Path, model: Path, name: str, *options: str) -> Iterator[Vllm]:
    """vLLM on the CPU with one model, until the block ends."""
    port = free_port()
    base = f"http://{HOST}:{port}"

    async def ready() -> None:
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{base}/health") as answer:
            if answer.status != 200:
                raise NotReady(f"vLLM answers {answer.status}")

    server = Server(
        name=f"vllm-{name}",
        command=(
            *(str(environment() / "bin" / "python"), "-m", "vllm.entrypoints.openai.api_server"),
            *("--model", str(model), "--served-model-name", name, "--host", HOST, "--port", str(port)),
            *("--api-key", KEY, "--enforce-eager", *options),
        ),
        environment={
            **QUIET,
            "VLLM_TARGET_DEVICE": "cpu",
            "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_CACHE_ROOT": str(folder / "cache"),
            "VLLM_CONFIG_ROOT": str(folder / "config"),
        },
        folder=folder,
        ports=(port,),
        ready=ready,
        provides={},
        patience_s=PATIENCE_S,
    )

    process = Launched(server, folder.with_suffix(".log"))
    try:
        process.spawn()
        in_thread(process.ready)
        yield Vllm(url=f"{base}/v1", model=name, key=SecretStr(KEY), process=process)
    finally:
        process.stop(grace_s=20.0)  # it has shared memory to give back


embedded_and_vllm = [pytest.param("embedded"), pytest.param("vllm", marks=pytest.mark.vllm)]
only_vllm = pytest.mark.parametrize("server", [pytest.param("vllm", marks=pytest.mark.vllm)], indirect=True)
