"""`stadtfunk up`, `backup`, `restore`: the local stack."""

import asyncio
import os
import sys
import webbrowser
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.cli.output import AsJson, fail, out, show_json
from shared.settings import Settings

app = typer.Typer()

Data = Annotated[
    Path, typer.Option("--data", envvar="STADTFUNK_DATA", help="Folder that keeps state, logs, ports and secrets.")
]
Remote = Annotated[bool, typer.Option("--remote", help="The backends that the settings name, no data folder.")]


@app.command("up")
def up(
    *,
    data: Data = Path(".data"),
    only: Annotated[
        list[str] | None, typer.Option(help="A system to start, with what it needs; repeatable. None: all enabled.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the portal; none: 8080 or the next free one.")
    ] = None,
    city: Annotated[Path | None, typer.Option(help="Another city's services.jsonl instead of the demo city.")] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the portal in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """Start the real servers and every enabled function here, with a demo city. Ctrl-C stops everything."""
    from infra.stack.progress import JsonProgress, PeopleProgress
    from infra.stack.up import Wish, run

    if city is not None and not city.is_file():
        fail(f"{city}: no such file; name a services.jsonl")
    # Without a display webbrowser would take the terminal for a text browser.
    display = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    opened = webbrowser.open if display and not no_open and not as_json and sys.stdout.isatty() else None
    progress = JsonProgress() if as_json else PeopleProgress(out, opened)
    wish = Wish(catalogue=_catalogue(), data=data, only=only or (), port=port, city=city)
    asyncio.run(run(wish, progress))


@app.command("backup")
def backup_stack(
    target: Annotated[Path, typer.Argument(help="A new folder, or a new file ending in .tar.")],
    *,
    data: Data = Path(".data"),
    remote: Remote = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for events that functions are working on.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Save streams, state, vectors and objects, of a data folder (running or not) or of the settings' backends.

    Consumers pause meanwhile; events wait in their stream. Secrets are not part of it.
    """
    from infra.stack.backup import backup, writing

    if not remote and not data.is_dir():
        fail(f"{data}: no such folder; name the data folder with --data, or --remote for the settings' backends")
    with writing(target) as folder:

        def act(settings: Settings) -> Coroutine[Any, Any, dict[str, Any]]:
            return backup(settings, folder, wait_s=wait, say=_say(as_json))

        manifest = asyncio.run(_with_storage(None if remote else data, act))
    _told(manifest, f"saved to {target}", as_json)


@app.command("restore")
def restore_stack(
    source: Annotated[Path, typer.Argument(help="What `stadtfunk backup` made.")],
    *,
    data: Data = Path(".data"),
    remote: Remote = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back into an empty data folder, or into empty backends; every file is checked first."""
    from infra.stack.backup import reading, restore

    with reading(source) as (folder, manifest):

        def act(settings: Settings) -> Coroutine[Any, Any, dict[str, Any]]:
            return restore(settings, folder, manifest, say=_say(as_json))

        asyncio.run(_with_storage(None if remote else data, act))
    _told(manifest, f"restored from {source}, made {manifest['made_at']}", as_json)


async def _with_storage(
    data: Path | None, act: Callable[[Settings], Coroutine[Any, Any, dict[str, Any]]]
) -> dict[str, Any]:
    if data is None:
        return await act(Settings())
    from infra.stack.progress import Silence
    from infra.stack.storage import storage

    async with storage(data, _catalogue(), Silence()) as settings:
        return await act(settings)


def _say(as_json: bool) -> Callable[[str], None]:
    return (lambda _: None) if as_json else (lambda text: out.print(f"  {text}", markup=False, soft_wrap=True))


def _told(manifest: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        show_json({name: value for name, value in manifest.items() if name != "files"})
    else:
        out.print(text, markup=False, soft_wrap=True)


def _catalogue() -> Path:
    """The project's catalogue, whatever a stack that runs beside made of it."""
    return Settings(_env_file=".env").catalogue
