"""The servers of a data folder that keep something, running for a while: for a backup or a restore."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.stack.folder import DataFolder
from infra.stack.plan import make_plan
from infra.stack.progress import Progress
from infra.stack.supervisor import Supervisor
from shared.catalogue import Catalogue
from shared.settings import Settings

KEEPERS = ("nats", "vectors", "objects")


@asynccontextmanager
async def storage(data: Path, catalogue: Path, progress: Progress) -> AsyncIterator[Settings]:
    """Settings that lead to the folder's servers; those of a running stack, or started for the time being."""
    folder = DataFolder(data)
    if folder.held and folder.settings_file.is_file():
        yield Settings(_env_file=folder.settings_file)
        return
    with folder:
        plan = make_plan(Catalogue.load(catalogue), catalogue, folder, folder.ports(), port=0, city=None)
        supervisor = Supervisor(folder, progress)
        try:
            folder.announce(plan.settings)
            await supervisor.start([server for server in plan.servers if server.name in KEEPERS])
            yield Settings(_env_file=folder.settings_file)
        finally:
            await supervisor.stop()
