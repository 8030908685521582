"""The doctor against the stand-in and a real host: what is wrong is found, and nothing is written."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.zammad import sightings
from functions.zammad.doctor import Finding, examine
from functions.zammad.ledger import Last, Ledger
from functions.zammad.webhook import zammad_webhook
from infra.zammad.world import load_world
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.secrets import Secrets
from shared.settings import HostSettings, NatsSettings, ZammadGroup, ZammadSettings
from tests.helpdesk import TOKEN, WEBHOOK_TOKEN, HelpDesk, helpdesk
from tests.integration.hosting import catalogue_of, hosted, plain_settings

GROUP = "Führerscheinstelle"
SECRETS = {"zammad-token": TOKEN, "zammad-webhook": WEBHOOK_TOKEN, "zammad-rating": "long enough"}
HOOK = catalogue_of(
    zammad_webhook={
        "events": [{"http": {"method": "POST", "path": "/zammad/webhook"}}],
        "access": "system",
        "signature": "hub-sha1",
        "secrets": ["zammad-webhook"],
    }
)


@pytest.fixture
async def desk() -> AsyncIterator[HelpDesk]:
    async with helpdesk(world=load_world().model_copy(update={"tickets": ()})) as desk:
        yield desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value)
    return tmp_path


async def examined(
    zammad: ZammadSettings, nats: NatsSettings, folder: Path, host: HostSettings | None = None
) -> dict[str, Finding]:
    settings = plain_settings(nats=nats, zammad=zammad, host=host or HostSettings())
    use = Backends(settings, secrets=Secrets(folder))
    found = [finding async for finding in examine(use)]
    await use.close()
    assert all(finding.click for finding in found if finding.state == "wrong")
    return {f"{finding.check} {finding.state}": finding for finding in found}


async def test_where_all_fits_nothing_is_to_be_done(desk: HelpDesk, nats_settings: NatsSettings, folder: Path) -> None:
    use = Backends(plain_settings(nats=nats_settings), secrets=Secrets(folder))
    await Ledger(use).note(Last(whole_at=datetime.now(UTC)))
    await sightings.note(use)
    group = ZammadGroup(name=GROUP, greeting="Anrede", signature="Gruß")
    zammad = ZammadSettings(url=desk.url, groups=(group,))
    async with hosted(HOOK, zammad_webhook, settings=use.settings, bus=MemoryBus(), secrets=Secrets(folder)) as url:
        host = HostSettings.model_validate({"public_url": url})
        found = await examined(zammad, nats_settings, folder, host)
    assert [name for name in found if not name.endswith(" ok")] == []
    assert {"token ok", "clock ok", "rights ok", f"group {GROUP} ok", "text module Gruß ok"} <= set(found)
    assert {"knowledge base ok", "index ok", "webhook ok", "trigger ok"} <= set(found)
    assert "published answers" in found["knowledge base ok"].said
    state = await desk.state()
    assert not state["notes"]
    assert not state["drafts"]
    await use.close()


async def test_what_does_not_fit_is_told_with_what_to_click(
    desk: HelpDesk, nats_settings: NatsSettings, folder: Path
) -> None:
    await desk.control("PUT", f"groups/{GROUP}", {"shared_drafts": False})
    (folder / "zammad-rating").unlink()
    use = Backends(plain_settings(nats=nats_settings))
    await Ledger(use).note(Last(whole_at=datetime.now(UTC) - timedelta(hours=1)))
    await use.close()
    groups = (ZammadGroup(name=GROUP, greeting="Gibt es nicht"), ZammadGroup(name="Hundesteuer"))
    found = await examined(ZammadSettings(url=desk.url, groups=groups, dry_run=True), nats_settings, folder)
    assert {"secret zammad-rating wrong", "dry run look", f"group {GROUP} look", "group Hundesteuer wrong"} <= set(
        found
    )
    assert {"text module Gibt es nicht wrong", "index wrong", "webhook look", "trigger look"} <= set(found)
    assert "Shared Drafts" in found[f"group {GROUP} look"].click
    nowhere = HostSettings.model_validate({"public_url": "http://127.0.0.1:9"})
    found = await examined(ZammadSettings(url=desk.url), nats_settings, folder, nowhere)
    assert {"groups wrong", "webhook wrong"} <= set(found)
    assert "/zammad/webhook" in found["webhook wrong"].click


@pytest.mark.parametrize("how", ["revoked", "unset", "no address", "away"])
async def test_without_a_way_to_zammad_that_is_all_that_is_told(
    desk: HelpDesk, nats_settings: NatsSettings, folder: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    zammad = ZammadSettings(url=None if how == "no address" else desk.url, groups=(ZammadGroup(name=GROUP),))
    if how == "revoked":
        (folder / "zammad-token").write_text("revoked")
    if how == "unset":
        (folder / "zammad-token").unlink()
        monkeypatch.delenv("STADTFUNK_SECRET_ZAMMAD_TOKEN")
    if how == "away":
        await desk.control("POST", "away", {"seconds": 60})
    found = await examined(zammad, nats_settings, folder)
    assert ("address wrong" if how == "no address" else "token wrong") in found
    assert not any(name.startswith(("group ", "clock")) for name in found)
