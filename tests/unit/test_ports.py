"""Who listens on a port, as far as one look can tell."""

from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from infra.stack.ports import listeners


def listening(port: int, pid: int | None) -> Any:
    return SimpleNamespace(status=psutil.CONN_LISTEN, laddr=SimpleNamespace(ip="127.0.0.1", port=port), pid=pid)


@pytest.mark.parametrize(
    ("looks", "found"),
    [
        ([[(1, 7)]], {7}),
        ([[(1, None)], [(1, 7)]], {7}),  # opened between psutil's look at the processes and its look at the sockets
        ([[(1, None)], [(1, None)]], {None}),
        ([[(2, None)], [(1, None), (2, 7)]], set()),  # the next port, opened in the second look
        ([[]], set()),
    ],
)
def test_a_port_opened_while_one_looks_is_no_strangers(
    monkeypatch: pytest.MonkeyPatch, looks: list[list[tuple[int, int | None]]], found: set[int | None]
) -> None:
    left = iter(looks)
    monkeypatch.setattr(psutil, "net_connections", lambda _: [listening(*one) for one in next(left)])
    assert listeners([1, 2])[1] == found
