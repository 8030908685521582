"""One way into NATS: every client connects here, so that none talks to the wrong or an old server.

Writes are never kept back while the connection is down (``pending_size=0``): a write that was reported
as failed must not happen an hour later. The connection itself comes back by itself, for ever.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog
from nats.aio.client import Client

from shared.errors import BackendError, SettingsError
from shared.settings import NatsSettings
from shared.wire import QuickClient

OLDEST = (2, 12)  # message schedules and per-message TTL; older servers ignore them silently
_log = structlog.get_logger()


async def connect(settings: NatsSettings, *, name: str, timeout_s: float = 5.0, **options: Any) -> QuickClient:
    """Connect and check who answers. ``options`` go to nats-py (callbacks, buffer sizes).

    Raises:
        BackendError: nobody answered within ``timeout_s``.
        SettingsError: the server is another than ``server_name`` says, or too old, or refuses the credentials.
    """
    client = QuickClient()
    after_reconnect = options.pop("reconnected_cb", None)

    async def noted(error: Exception) -> None:
        _log.info("connection to nats", error=error)

    async def checked() -> None:
        # Another server may have taken the port meanwhile.
        if not _is_named(client, settings.server_name):
            _log.error("another nats server than the settings name answers; connection closed")
            await client.close()
        elif after_reconnect is not None:
            await after_reconnect()

    options = {
        "name": name,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.1,
        "ping_interval": 10,
        "pending_size": 0,
        "error_cb": noted,
        "reconnected_cb": checked,
        **options,
    }
    if settings.credentials is not None:
        options["user_credentials"] = str(settings.credentials)
    try:
        await _within(timeout_s, client.connect(servers=settings.url.split(","), **options))
    except (TimeoutError, OSError) as error:
        await client.close()
        refused = "authorization" in str(client.last_error).lower()
        if refused:
            raise SettingsError("STADTFUNK_NATS__CREDENTIALS", f"{_shown(settings)} refuses them") from None
        raise BackendError("nats", f"no answer from {_shown(settings)} within {timeout_s:g} s") from error
    try:
        if not _is_named(client, settings.server_name):
            raise SettingsError(
                "STADTFUNK_NATS__SERVER_NAME", f"the server at {_shown(settings)} is not '{settings.server_name}'"
            )
        version = client.connected_server_version
        if (version.major, version.minor) < OLDEST:
            raise SettingsError(
                "STADTFUNK_NATS__URL",
                f"the server is {version.major}.{version.minor}; Stadtfunk needs {OLDEST[0]}.{OLDEST[1]} or later",
            )
    except SettingsError:
        await client.close()
        raise
    return client


async def _within(seconds: float, connecting: Coroutine[Any, Any, None]) -> None:
    """``asyncio.wait_for`` for nats-py, which swallows a cancellation that comes as an attempt of its fails.

    Raises:
        TimeoutError: it took longer; nothing of it goes on.
    """
    task = asyncio.create_task(connecting)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=0.05)


def _is_named(client: Client, name: str | None) -> bool:
    # nats-py keeps what the server said of itself, but publishes only parts of it.
    return name is None or client._server_info.get("server_name") == name


def _shown(settings: NatsSettings) -> str:
    """The addresses without user names and passwords."""
    return ", ".join(url.rsplit("@", 1)[-1].removeprefix("nats://") for url in settings.url.split(","))
