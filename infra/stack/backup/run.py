"""The whole of a backup or a restore, over the backends the settings name."""

import asyncio
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from infra.stack.backup import objects, streams, vectors
from infra.stack.backup.archive import BackupError, seal
from shared.connection import connect
from shared.settings import Settings

Say = Callable[[str], None]


async def backup(settings: Settings, folder: Path, *, wait_s: float, say: Say) -> dict[str, Any]:
    """Save everything into a folder of ``writing``; gives the manifest.

    Raises:
        BackupError: a backend holds what cannot be saved.
        BackendError: a backend does not answer.
    """
    client = await connect(settings.nats, name="stadtfunk-backup")
    try:
        async with streams.paused(client, wait_s) as at_work:
            for consumer, events in at_work.items():
                say(f"{consumer}: {events} events in work or waiting for a retry; they come again after a restore")
            facts: dict[str, Any] = {"streams": {}, "version": version("stadtfunk"), "in_work": at_work}
            for name in await streams.names(client):
                facts["streams"][name] = await streams.save(client, name, folder / "streams")
                say(f"stream {name}: {facts['streams'][name]} messages")
            facts["vectors"] = await asyncio.to_thread(_save_vectors, settings, folder / "vectors", say)
            facts["objects"] = await asyncio.to_thread(_save_objects, settings, folder / "objects", say)
    finally:
        await client.close()
    return seal(folder, facts)


async def restore(settings: Settings, folder: Path, manifest: dict[str, Any], *, say: Say) -> dict[str, Any]:
    """Bring what ``reading`` opened back into empty backends; gives its manifest.

    Raises:
        BackupError: a backend holds something already (named); nothing is changed then.
        BackendError: a backend does not answer.
    """
    client = await connect(settings.nats, name="stadtfunk-restore")
    try:
        found = [f"stream {name}" for name in await streams.names(client)]
        found += await asyncio.to_thread(_present, settings)
        if found:
            raise BackupError(f"the target is not empty ({', '.join(found[:5])}); restore into an empty one")
        await asyncio.to_thread(_bring_back_objects, settings, folder / "objects", manifest, say)
        await asyncio.to_thread(_bring_back_vectors, settings, folder / "vectors", manifest, say)
        await _bring_back_streams(client, settings, folder / "streams", manifest, say)
    finally:
        await client.close()
    return manifest


def _save_vectors(settings: Settings, folder: Path, say: Say) -> dict[str, int]:
    with vectors.connected(settings.vectors) as client:
        saved = {}
        for name in vectors.names(client):
            saved[name] = vectors.save(client, name, folder)
            say(f"collection {name}: {saved[name]} rows")
        return saved


def _save_objects(settings: Settings, folder: Path, say: Say) -> dict[str, int]:
    with objects.connected(settings.objects) as client:
        saved = {}
        for name in objects.names(client):
            saved[name] = objects.save(client, name, folder)
            say(f"bucket {name}: {saved[name]} objects")
        return saved


def _present(settings: Settings) -> list[str]:
    with vectors.connected(settings.vectors) as milvus, objects.connected(settings.objects) as s3:
        return [
            *(f"collection {name}" for name in vectors.names(milvus)),
            *(f"bucket {name}" for name in objects.names(s3)),
        ]


def _bring_back_vectors(settings: Settings, folder: Path, manifest: dict[str, Any], say: Say) -> None:
    with vectors.connected(settings.vectors) as client:
        for name, rows in manifest["vectors"].items():
            _compare(f"collection {name}", vectors.bring_back(client, name, folder), rows, say)


def _bring_back_objects(settings: Settings, folder: Path, manifest: dict[str, Any], say: Say) -> None:
    with objects.connected(settings.objects) as client:
        for name, count in manifest["objects"].items():
            _compare(f"bucket {name}", objects.bring_back(client, name, folder), count, say)


async def _bring_back_streams(
    client: Any, settings: Settings, folder: Path, manifest: dict[str, Any], say: Say
) -> None:
    last_of = {
        name: int(json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["state"]["last_seq"])
        for name in manifest["streams"]
    }
    # Derived streams after the one they read from.
    for name in sorted(manifest["streams"], key=lambda name: (name.startswith("ORDERED_"), name)):
        count = await streams.bring_back(client, name, folder, replicas=settings.nats.replicas, last_of=last_of)
        say(f"stream {name}: {count} messages")


def _compare(what: str, now: int, saved: int, say: Say) -> None:
    if now != saved:
        raise BackupError(f"{what} holds {now} after the restore, {saved} were saved")
    say(f"{what}: {now}")
