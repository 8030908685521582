"""Ports of the stack: free ones, kept under a name across restarts so that addresses stay."""

import json
import socket
from pathlib import Path

import psutil

from infra.stack.servers import HOST

_given: set[int] = set()  # a free port is bound only a moment later; never hand it out twice


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on and that was not handed out before."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


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
    """Who listens there, for people: ``pid 123 (nats-server --addr …)``, or that it is another user's."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            return describe(connection.pid)
    return "a process of another user"


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
            if kept is None or not is_free(kept):
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
