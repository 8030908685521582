"""Models that look at photos, served by Triton: boxes of faces, plates and persons, and a map of lettering.

A photo is shown as tiles, [N, H, W, 3] uint8 RGB; everything a model needs beyond (normalising, decoding) is in the
graph that Triton serves, so a CPU and a GPU give the same. Nothing of a photo reaches a log or an error's text.
"""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from shared.errors import BackendError
from shared.settings import VisionSettings
from shared.telemetry import backend_call

TILE = 1280  # pixels of a tile's side, at most
STEP = 32  # a tile's sides are multiples of it; of 128 for persons, whom the model sees in quarter size, too
CELL = 4  # pixels a side of one cell of the map of lettering
BATCH = 4  # tiles a request; as `max_batch_size` in Triton's configuration
_MOST_BYTES = 32 * 2**20  # of one message: a request of four tiles has 20 MB
_FRESH_S = 60.0  # after which the models are asked for anew

Tiles = NDArray[np.uint8]


class Detections(NamedTuple):
    """What a model found in one tile, best first."""

    boxes: NDArray[np.float32]  # [M, 4] left, top, right, bottom in pixels of the tile
    scores: NDArray[np.float32]  # [M], 0 to 1
    labels: NDArray[np.int32]  # [M]


class Vision:
    """One Triton server."""

    def __init__(self, settings: VisionSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._models: dict[str, str] = {}
        self._asked_at = float("-inf")

    async def detect(self, model: str, tiles: Tiles) -> list[Detections]:
        """One answer a tile, of everything above the graph's own floor: the caller sets the threshold.

        Raises:
            BackendError: Triton is away or slow, does not have the model or another one than the settings say, or its
                answer is of another shape.
        """
        answers: list[Detections] = []
        for batch in _batches(tiles):
            boxes, scores, labels = await self._infer(model, batch, ("BOXES", "SCORES", "LABELS"))
            count = len(batch)
            if not (boxes.shape[:1] == labels.shape[:1] == (count,) and boxes.shape == (*scores.shape, 4)):
                raise BackendError("triton", f"{model} answers with another shape than {count} tiles have")
            if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
                raise BackendError("triton", f"{model} answers with numbers that are none")
            for one in range(count):
                kept = scores[one] > 0
                answers.append(Detections(boxes[one][kept], scores[one][kept], labels[one][kept]))
        return answers

    async def text(self, tiles: Tiles) -> NDArray[np.uint8]:
        """[N, H/4, W/4]: how probable lettering is (0 to 255), the highest of each 4 x 4 pixels.

        Raises:
            BackendError: as above.
        """
        maps, cells = [], (tiles.shape[1] // CELL, tiles.shape[2] // CELL)
        for batch in _batches(tiles):
            (found,) = await self._infer("text", batch, ("MAP",))
            if found.shape != (len(batch), *cells):
                raise BackendError("triton", f"text answers with another shape than {len(batch)} tiles have")
            maps.append(found)
        return np.concatenate(maps) if maps else np.empty((0, *cells), np.uint8)

    async def models(self) -> dict[str, str]:
        """The models that are served and the sha256 of each graph; asked once a minute.

        Raises:
            BackendError: Triton is away, or serves another graph than the settings say.
        """
        if time.monotonic() - self._asked_at > _FRESH_S:
            with backend_call("vision", "models"):
                try:
                    found = await self._served()
                except InferenceServerException as error:
                    raise _away(error) from None
            for name, sha256 in self._settings.sha256.items():
                if name in found and found[name] != sha256:
                    raise BackendError("triton", f"{name} is another graph than STADTFUNK_VISION__SHA256 says")
            self._models, self._asked_at = found, time.monotonic()
        return dict(self._models)

    async def ready(self) -> None:
        """Ask whether every model is loaded.

        Raises:
            BackendError: Triton is away, or one is not.
        """
        try:
            ready = await self._connected().is_server_ready(client_timeout=self._settings.timeout_s)
        except InferenceServerException as error:
            raise _away(error) from None
        if not ready:
            raise BackendError("triton", "a model is not loaded")

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _infer(self, model: str, tiles: Tiles, outputs: tuple[str, ...]) -> list[NDArray[Any]]:
        if model not in await self.models():
            raise BackendError("triton", f"the model {model} is not served")
        fed = InferInput("TILES", list(tiles.shape), "UINT8").set_data_from_numpy(tiles)
        wanted = [InferRequestedOutput(name) for name in outputs]
        limit_s = self._settings.timeout_s
        with backend_call("vision", model):
            try:
                # Told to the server, too: what nobody waits for any more need not be looked at.
                answer = await self._connected().infer(
                    model, [fed], outputs=wanted, client_timeout=limit_s, timeout=int(limit_s * 1e6)
                )
            except InferenceServerException as error:
                self._asked_at = float("-inf")  # whoever answers next may serve others
                raise _away(error) from None
        found = [answer.as_numpy(name) for name in outputs]
        if any(tensor is None for tensor in found):
            raise BackendError("triton", f"{model} answers without {', '.join(outputs)}")
        return found

    async def _served(self) -> dict[str, str]:
        client, limit_s = self._connected(), self._settings.timeout_s
        index = await client.get_model_repository_index(client_timeout=limit_s)
        found = {}
        for entry in index.models:
            if entry.state == "READY":
                answer = await client.get_model_config(entry.name, client_timeout=limit_s)
                found[entry.name] = answer.config.parameters["sha256"].string_value
        return found

    def _connected(self) -> Any:
        if self._client is None:
            url = self._settings.url
            options = [
                ("grpc.max_send_message_length", _MOST_BYTES),
                ("grpc.max_receive_message_length", _MOST_BYTES),
                # The library's own wait up to two minutes before they try a server that is back.
                ("grpc.initial_reconnect_backoff_ms", 200),
                ("grpc.max_reconnect_backoff_ms", 2000),
            ]
            address = url.removeprefix("grpcs://")
            self._client = InferenceServerClient(address, ssl=address != url, channel_args=options)
        return self._client


def _batches(tiles: Tiles) -> Iterator[Tiles]:
    if (
        tiles.dtype != np.uint8
        or (tiles.ndim, tiles.shape[-1]) != (4, 3)
        or any(side > TILE or side % STEP or not side for side in tiles.shape[1:3])
    ):
        raise ValueError(
            f"tiles are uint8 [N, H, W, 3] with sides of {STEP} to {TILE}, multiples of {STEP}, "
            f"not {tiles.dtype} {list(tiles.shape)}"
        )
    for start in range(0, len(tiles), BATCH):
        yield tiles[start : start + BATCH]


def _away(error: InferenceServerException) -> BackendError:
    # Not its text: what a model raises may show what it was shown.
    status = str(error.status() or "no status").removeprefix("StatusCode.")
    return BackendError("triton", f"no answer ({status})")
