"""Fixtures of the integration tests alone."""

from collections.abc import AsyncIterator

import pytest

from shared.settings import NatsSettings, ObjectSettings, Settings
from tests.photography import Backstage, emptied


@pytest.fixture
async def backstage(nats_settings: NatsSettings, s3_settings: ObjectSettings) -> AsyncIterator[Backstage]:
    """NATS and S3 as they are; what is seen in a photo is known to the test."""
    made = Backstage(Settings(_env_file=None, nats=nats_settings, objects=s3_settings))
    yield made
    await made.close()
    await emptied(s3_settings)
