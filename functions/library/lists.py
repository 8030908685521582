"""The library's own choice: named lists of titles that librarians keep, shown where nothing else is known."""

import json

from shared.backends import Backends

_LISTS = "library-lists"  # state bucket: name of the list -> ids of its titles, the first ones first
_OLD_S = 30.0


async def curated(use: Backends) -> dict[str, list[str]]:
    """The lists by name; a change shows within half a minute."""

    async def read() -> dict[str, list[str]]:
        bucket = use.state.bucket(_LISTS)
        entries = {name: await bucket.get(name) for name in sorted(await bucket.keys())}
        return {name: json.loads(entry.value) for name, entry in entries.items() if entry is not None}

    return await use.snapshots.get("library.lists", _OLD_S, read)


async def curate(use: Backends, name: str, ids: list[str]) -> None:
    """Keep a list under this name; an empty one is taken away."""
    bucket = use.state.bucket(_LISTS)
    if ids:
        await bucket.put(name, json.dumps(ids).encode())
    else:
        await bucket.delete(name)
