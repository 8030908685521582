"""Photos looked at by real Triton: what is found, in which order, and how what waits is run together."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tritonclient.grpc.aio import InferenceServerClient

from infra.probes import Probes
from infra.stack.ports import free_port
from infra.vision.models import MODELS
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.errors import BackendError
from shared.settings import Settings, VisionSettings
from shared.vision import CELL, TILE, Vision

PHOTOS = Path("../shared/data/photos")


def tile_of(kind: str, row: int) -> tuple[NDArray[np.uint8], list[list[float]]]:
    """A photo of the dev data scaled into one tile, and its true boxes there."""
    told = json.loads((PHOTOS / f"{kind}.jsonl").read_text().splitlines()[row])
    photo = Image.open(PHOTOS / told["file"]).convert("RGB")
    scale = min(TILE / photo.width, TILE / photo.height)
    scaled = photo.resize((round(photo.width * scale), round(photo.height * scale)))
    tile = np.zeros((TILE, TILE, 3), np.uint8)
    tile[: scaled.height, : scaled.width] = np.asarray(scaled)
    return tile, [[value * scale for value in box] for box in told[kind]]


def overlap(boxes: NDArray[np.float32], true: list[float]) -> float:
    """The best intersection over union of one true box."""
    left, top = np.maximum(boxes[:, 0], true[0]), np.maximum(boxes[:, 1], true[1])
    right, bottom = np.minimum(boxes[:, 2], true[2]), np.minimum(boxes[:, 3], true[3])
    common = np.clip(right - left, 0, None) * np.clip(bottom - top, 0, None)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    whole = areas + (true[2] - true[0]) * (true[3] - true[1]) - common
    return float((common / whole).max(initial=0))


@pytest.fixture
async def client(vision_settings: VisionSettings) -> Any:
    """The functions' client."""
    made = Vision(vision_settings)
    yield made
    await made.close()


async def test_faces_persons_plates_and_lettering_are_found_where_they_are(client: Vision) -> None:
    tile, persons = tile_of("persons", 0)
    (found,) = await client.detect("persons", tile[None])
    sure = found.boxes[found.scores > 0.5]
    assert all(overlap(sure, true) > 0.8 for true in persons)
    assert (np.diff(found.scores) <= 0).all()

    tile, faces = tile_of("faces", 0)
    for model in ("centerface", "yunet"):
        (found,) = await client.detect(model, tile[None])
        sure = found.boxes[found.scores > 0.5]
        middles = [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in faces]
        hit = [any(box[0] < x < box[2] and box[1] < y < box[3] for box in sure) for x, y in middles]
        assert sum(hit) >= len(faces) / 2, model

    tile, plates = tile_of("plates", 0)
    (found,) = await client.detect("plates", np.ascontiguousarray(tile[None, :768]))  # a frame of 1280 x 720
    assert overlap(found.boxes[found.scores > 0.2], plates[0]) > 0.5
    (seen,) = await client.text(tile[None])
    left, top, right, bottom = (int(value / CELL) for value in plates[0])
    assert seen[top : bottom + 1, left : right + 1].max() > 200
    assert np.median(seen) < 20


async def test_more_tiles_than_fit_a_request_keep_their_order(client: Vision) -> None:
    tiles = np.zeros((6, TILE, TILE, 3), np.uint8)
    tiles[5], _ = tile_of("faces", 0)
    found = await client.detect("yunet", tiles)
    (alone,) = await client.detect("yunet", tiles[5:])
    assert [len(one.scores[one.scores > 0.5]) > 0 for one in found] == [False] * 5 + [True]
    np.testing.assert_allclose(found[5].boxes, alone.boxes, atol=0.01)
    assert await client.detect("yunet", tiles[:0]) == []


async def test_a_smaller_tile_is_answered_in_its_own_pixels(client: Vision) -> None:
    whole, _ = tile_of("faces", 0)
    part = np.ascontiguousarray(whole[None, :640, :768])
    for model in ("centerface", "yunet", "persons"):
        (found,) = await client.detect(model, part)
        assert (found.boxes.max(axis=0) <= [768, 640, 768, 640]).all()
        assert found.boxes.min() >= 0
    (big,) = await client.detect("yunet", whole[None])
    (small,) = await client.detect("yunet", part)
    # What lies well inside the part is seen as in the whole.
    sure = [box for box in big.boxes[big.scores > 0.8] if box[2] < 500 and box[3] < 400]
    assert sure
    assert all(overlap(small.boxes, list(box)) > 0.9 for box in sure)


async def test_what_waits_is_run_together(client: Vision, vision_settings: VisionSettings) -> None:
    async def counted() -> tuple[int, int]:
        server: Any = InferenceServerClient(vision_settings.url)
        told = (await server.get_inference_statistics("yunet")).model_stats[0]
        await server.close()
        return told.inference_count, told.execution_count

    before = await counted()
    tile = np.zeros((1, TILE, TILE, 3), np.uint8)
    await asyncio.gather(*(client.detect("yunet", tile) for _ in range(8)))
    after = await counted()
    assert after[0] - before[0] == 8
    assert after[1] - before[1] < 8


async def test_the_models_are_those_of_the_list_and_no_other_graph_is_used(
    client: Vision, vision_settings: VisionSettings
) -> None:
    assert await client.models() == {model.name: model.served for model in MODELS}
    other = Vision(vision_settings.model_copy(update={"sha256": {"yunet": "0" * 64}}))
    with pytest.raises(BackendError, match="yunet is another graph than STADTFUNK_VISION__SHA256 says"):
        await other.detect("yunet", np.zeros((1, TILE, TILE, 3), np.uint8))
    await other.close()
    with pytest.raises(BackendError, match="the model cats is not served"):
        await client.detect("cats", np.zeros((1, TILE, TILE, 3), np.uint8))


async def test_a_server_that_is_away_is_a_retry_and_told_by_the_status(vision_settings: VisionSettings) -> None:
    catalogue = Catalogue.load(Path("serverless.yaml"))
    xnext = catalogue.systems["xnext"].model_copy(update={"needs": ["vision"]})
    looking = catalogue.model_copy(update={"systems": {"xnext": xnext}, "functions": {}})
    away = VisionSettings(url=f"127.0.0.1:{free_port()}", timeout_s=1.0)
    for settings, there in ((vision_settings, True), (away, False)):
        use = Backends(Settings(vision=settings))
        probes = Probes(looking, use, limit_s=20.0)
        (answer,) = await probes.ask()
        assert (answer.backend, answer.ok, answer.error) == ("vision", there, None if there else "BackendError")
        if not there:
            with pytest.raises(BackendError, match=r"triton: no answer \((UNAVAILABLE|DEADLINE_EXCEEDED)\)"):
                await use.vision.detect("yunet", np.zeros((1, TILE, TILE, 3), np.uint8))
        await probes.close()
        await use.close()
