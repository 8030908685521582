"""`stadtfunk xnext sources` and `accept`, as an operator types them."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.xnext.commands import app
from functions.xnext.run import SOURCES, Alarm, SourceRecord
from shared.settings import NatsSettings
from shared.state import State
from tests.conftest import in_thread


@pytest.fixture
def befi(nats_settings: NatsSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> NatsSettings:
    """One source whose last run alarmed, known to commands through the environment."""
    for name in [name for name in os.environ if name.startswith("STADTFUNK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STADTFUNK_NATS__URL", nats_settings.url)
    sources = [{"name": "befi", "kind": "befi", "url": "http://127.0.0.1:9/befi"}]
    monkeypatch.setenv("STADTFUNK_XNEXT__SOURCES", json.dumps(sources))

    async def write() -> None:
        state = State(nats_settings)
        record = SourceRecord(size=10, alarms=(Alarm(reason="source_shrunk", expected=10, found=6),))
        await state.bucket(SOURCES).put("befi", record.model_dump_json().encode())
        await state.close()

    in_thread(write)
    return nats_settings


def test_an_operator_sees_the_alarm_and_accepts_it(befi: NatsSettings) -> None:
    seen = CliRunner().invoke(app, ["sources"])
    assert seen.output.splitlines() == [
        "befi: 10 pages, last run never",
        "  source_shrunk: expected 10, found 6",
    ]
    accepted = CliRunner().invoke(app, ["accept", "befi"])
    assert (accepted.exit_code, accepted.output.split()[0]) == (0, "6"), accepted.output
    shown = json.loads(CliRunner().invoke(app, ["sources", "--json"]).output)
    assert (shown["befi"]["size"], shown["befi"]["alarms"]) == (6, [])


def test_an_unknown_source_and_nothing_to_accept_are_said(befi: NatsSettings) -> None:
    assert "STADTFUNK_XNEXT__SOURCES has befi" in str(CliRunner().invoke(app, ["accept", "bfi"]).exception)
    assert CliRunner().invoke(app, ["accept", "befi"]).exit_code == 0
    assert "nothing to accept" in str(CliRunner().invoke(app, ["accept", "befi"]).exception)
