"""Fills a new stack's library in the background: the demo's titles and loans, by the commands a library would use."""

import asyncio
from datetime import date

from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from events.library import LoansImported
from events.subjects import filter_of
from infra.library.demo import write
from infra.stack.folder import DataFolder
from infra.stack.orphans import MARK
from infra.stack.plan import STADTFUNK, Plan
from infra.stack.progress import Progress
from infra.stack.servers import QUIET, inherited
from shared.errors import BackendError, StadtfunkError
from shared.jetstream import JetStreamBus

SYSTEM = "library"
_STORES = {"nats", "vectors", "objects"}  # of one's own: nobody's real library gets demo loans
_EVENTS = "EVENTS"
_POLL_S = 1.0


async def load_library(plan: Plan, folder: DataFolder, progress: Progress) -> None:
    """Load the demo library once into a data folder's own servers; what goes wrong is said and ends nothing."""
    try:
        await _load(plan, folder, progress)
    except (NatsError, JetStreamError, OSError, StadtfunkError) as error:
        progress.note(f"the demo library was not loaded ({type(error).__name__}); the next start tries again")


async def _load(plan: Plan, folder: DataFolder, progress: Progress) -> None:
    place = folder.path / SYSTEM
    loaded = place / "loaded"
    if loaded.exists() or _STORES & set(plan.elsewhere):
        return
    await _ready(plan)
    if await _told(plan):  # in a backup that was restored
        loaded.parent.mkdir(exist_ok=True)
        loaded.touch()
        return
    files = await asyncio.to_thread(write, place, date.today())
    refused = place / "refused.csv"
    for arguments in (
        ("titles", str(files.titles)),
        ("import", str(files.loans), "--report", str(refused)),
        ("train",),
    ):
        if arguments[0] == "import":
            await _ready(plan)  # so that import and training know every title
        if await _run(plan, folder, *arguments):
            progress.note(f"the demo library was not loaded: see {folder.logs / 'library.log'}")
            return
    loaded.touch()
    progress.note("the library's demo titles and loans are there; its first recommendations are being computed")


async def _run(plan: Plan, folder: DataFolder, *arguments: str) -> int:
    with (folder.logs / "library.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *("nice", "-n", "10", *STADTFUNK, SYSTEM, *arguments),
            stdout=log,
            stderr=log,
            env={**inherited(), **QUIET, **plan.settings, MARK: folder.mark},
        )
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _ready(plan: Plan) -> None:
    """Wait until every title that was told has its vector; before that, until the worker waits for titles."""
    bus = JetStreamBus(plan.nats, name="stadtfunk-up")
    try:
        while True:
            try:
                await bus.connect()
                info = await bus.jetstream.consumer_info(_EVENTS, "index_title")
                if not info.num_pending and not info.num_ack_pending:
                    return
            except (NatsError, JetStreamError, OSError, BackendError):
                pass  # it is being restarted
            await asyncio.sleep(_POLL_S)
    finally:
        await bus.close()


async def _told(plan: Plan) -> bool:
    """Whether a file of loans was imported here before."""
    bus = JetStreamBus(plan.nats, name="stadtfunk-up")
    try:
        await bus.connect()
        info = await bus.jetstream.stream_info(_EVENTS, subjects_filter=filter_of(LoansImported.type))
        return bool(info.state.subjects)
    finally:
        await bus.close()
