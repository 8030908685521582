"""Worker processes that a test kills, and a supervisor that starts them again as a cluster would."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_core import to_json

from infra.stack.process import Process
from infra.stack.servers import QUIET, Server
from shared.settings import NatsSettings
from tests.integration.programs.ledger import VARIABLE

ROOT = Path(__file__).resolve().parents[2]
TEXT = {"de": "-", "en": "-"}
CARD = dict.fromkeys(("purpose", "data", "evaluation", "risks", "legal_basis", "human_oversight"), TEXT)
EVENTS = {"settle": "tests.thing.settled", "tick": "tests.clock.ticked"}  # the others take Numbered


def catalogue_of(functions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A catalogue of functions of ``programs.reactions``, with these limits."""
    entries = {
        name: {
            "handler": f"tests.reactions.{name}",
            "description": "-",
            "events": [{"nats": {"type": EVENTS.get(name, "tests.thing.numbered")}}],
            "start": "all",
            "retry": {"attempts": 8, "initial": "20ms", "max": "200ms"},
            **limits,
        }
        for name, limits in functions.items()
    }
    card = {**CARD, "owner": "-", "models": []}
    return {"version": 1, "systems": {"tests": {"title": TEXT, "card": card}}, "functions": entries}


class Replicas:
    """Worker processes of one catalogue; whichever ends is started again until ``stop``."""

    def __init__(self, folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.restarts = 0
        self._folder = folder
        self._command = tuple(command)
        self._environment = {**QUIET, **environment}
        self._processes: list[Process] = []

    def start(self, count: int) -> None:
        """Start so many."""
        for _ in range(count):
            name = f"worker-{len(self._processes)}"
            server = Server(
                name=name,
                command=self._command,
                environment={**self._environment, "PYTHONPATH": str(ROOT)},
                folder=self._folder,
                ports=(),
                ready=_at_once,
                provides={},
            )
            self._processes.append(Process(server, self._folder / f"{name}.log"))
            self._processes[-1].spawn()

    def kill(self, number: int = 0) -> None:
        """kill -9 one of them; the supervisor brings it back."""
        self._processes[number].kill()

    async def supervise(self) -> None:
        """Start again what has ended, for ever."""
        while True:
            for process in self._processes:
                if not process.running:
                    self.restarts += 1
                    process.spawn()
            await asyncio.sleep(0.1)

    def stop(self) -> None:
        """End all of them in order."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.stop(grace_s=5.0)

    def logs(self) -> str:
        """Everything they wrote."""
        return "\n".join(path.read_text() for path in sorted(self._folder.glob("worker-*.log*")))


@asynccontextmanager
async def replicas(
    folder: Path, nats: NatsSettings, functions: Mapping[str, Mapping[str, Any]], *, count: int = 1
) -> AsyncIterator[Replicas]:
    """Workers of these functions under supervision, their ledger at ``folder/ledger.db``."""
    catalogue = _written(folder / "catalogue.json", catalogue_of(functions))
    environment = variables("NATS", nats)
    environment |= {VARIABLE: str(folder / "ledger.db"), "STADTFUNK_TEST_FIXES": str(folder / "fixes")}
    command = (sys.executable, "-m", "tests.integration.programs.worker", str(catalogue))
    async with supervised(Replicas(folder, command, environment), count) as workers:
        yield workers


@asynccontextmanager
async def supervised(workers: Replicas, count: int = 1) -> AsyncIterator[Replicas]:
    """So many of them, each started again when it ends; all ended afterwards."""
    workers.start(count)
    supervisor = asyncio.create_task(workers.supervise())
    try:
        yield workers
    finally:
        supervisor.cancel()
        await asyncio.gather(supervisor, return_exceptions=True)
        workers.stop()


def variables(group: str, settings: BaseModel) -> dict[str, str]:
    """The environment variables that make these settings of a group."""
    return {
        f"STADTFUNK_{group}__{name.upper()}": _text(getattr(settings, name))
        for name in settings.model_dump(exclude_defaults=True)
    }


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value if isinstance(value, str) else to_json(value).decode()


def _written(path: Path, catalogue: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(catalogue))
    return path


async def _at_once() -> None:
    """Nothing to ask a worker."""
