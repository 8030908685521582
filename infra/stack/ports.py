"""Ports of the stack: free ones, kept under a name across restarts so that addresses stay.

A server binds its port seconds after it was chosen, and until then any other stack would find it free. So
whoever chooses a port claims it: with a name in the kernel, which no two processes can have at once and which is
gone with its process, however that ends.
"""

import contextlib
import json
import socket
import struct
from collections.abc import Collection
from pathlib import Path

import psutil

from infra.stack.servers import HOST

_ADDRESSES = (HOST, f"::ffff:{HOST}", "0.0.0.0", "::")  # noqa: S104 - who listens there answers at ours, too
_claims: dict[int, int] = {}  # ours, and the descriptor that is open until this process ends


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on and that was not handed out before, here or to another stack."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in _claims and claim(port):
            return port


def claim(port: int) -> bool:
    """Take a port for this process until it ends; False where another process took it before."""
    if port in _claims:
        return True
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(_claim_of(port))
        name.listen(1)  # so that others can ask whose it is
    except OSError:
        name.close()
        return False
    _claims[port] = name.detach()
    return True


def _claim_of(port: int) -> bytes:
    return f"\0stadtfunk-port-{port}".encode()


def is_free(port: int) -> bool:
    """Whether this port can be bound now (a closed connection that lingers does not count)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def owner(port: int) -> str:
    """Who has it, for people: ``pid 123 (nats-server --addr …)``, or that it is another user's."""
    for pid in listeners([port])[port] or {_claimant(port)}:
        if pid is not None:
            return describe(pid)
    return "a process of another user"


def listeners(ports: Collection[int]) -> dict[int, set[int | None]]:
    """Who listens on each of these ports, by process id; None: a process that we may not look into."""
    found = _seen(ports)
    if not any(None in pids for pids in found.values()):
        return found
    # psutil reads who holds which socket before it reads the sockets: what is opened in between is nobody's, for once.
    again = _seen(ports)
    return {port: pids if None in found[port] else pids - {None} for port, pids in again.items()}


def _seen(ports: Collection[int]) -> dict[int, set[int | None]]:
    found: dict[int, set[int | None]] = {port: set() for port in ports}
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.ip in _ADDRESSES:
            found.get(connection.laddr.port, set()).add(connection.pid)
    return found


def _claimant(port: int) -> int | None:
    """Whose claim it is."""
    with socket.socket(socket.AF_UNIX) as asking, contextlib.suppress(OSError):
        asking.setblocking(False)
        asking.connect(_claim_of(port))
        pid: int = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        return pid
    return None


def describe(pid: int) -> str:
    """A process for people: pid and command line."""
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return f"pid {pid}"
    return f"pid {pid} ({command[:120]})"


class Ports:
    """Ports by name, written to a file when new; a kept one that is taken meanwhile is replaced.

    ``port_of`` gives a port; ``moved`` names those that could not be kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        self._checked: set[str] = set()
        self.moved: dict[str, tuple[int, str]] = {}

    def port_of(self, name: str) -> int:
        """The port of this name, the same as last time whenever it is free."""
        if name not in self._checked:
            self._checked.add(name)
            kept = self._ports.get(name)
            if kept is None or not (is_free(kept) and claim(kept)):
                if kept is not None:
                    self.moved[name] = (kept, owner(kept))
                self.keep(name, free_port())
        return self._ports[name]

    def kept(self, name: str) -> int | None:
        """Last time's port, whether free or not."""
        return self._ports.get(name)

    def keep(self, name: str, port: int) -> None:
        """Set a port by hand."""
        self._checked.add(name)
        self._ports[name] = port
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._ports, indent=2, sort_keys=True))
