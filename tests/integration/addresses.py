"""Settings that lead to a server of a test's own."""

from shared.settings import NatsSettings
from tests.conftest import Launched


def nats_of(server: Launched, **changes: object) -> NatsSettings:
    """Reach this NATS and no other."""
    return NatsSettings.model_validate(
        {
            "url": server.provides["STADTFUNK_NATS__URL"],
            "server_name": server.provides["STADTFUNK_NATS__SERVER_NAME"],
            "max_bytes": 2**28,
            **changes,
        }
    )
