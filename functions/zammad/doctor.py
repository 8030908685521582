"""``stadtfunk zammad doctor``: whether Zammad and we fit together, and what to click where we do not.

It only reads. What the bot's rights do not show (triggers are for administrators) is told as a thing to look at.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, TypeVar

import typer

from functions.zammad import sightings
from functions.zammad.client import Zammad, zammad_of
from functions.zammad.ledger import Ledger
from functions.zammad.outline import read_outline
from functions.zammad.tickets import TextModule, User
from shared.backends import Backends
from shared.errors import BackendError, Reject, SettingsError, StadtfunkError
from shared.rest import Reply
from shared.settings import Settings, ZammadGroup

T = TypeVar("T")
State = Literal["ok", "wrong", "look"]
RIGHTS: Final = ("read", "change", "create")
_SECRETS: Final = {
    "zammad-token": "in Zammad: the bot's profile > Token Access > Create (ticket.agent, knowledge_base.reader)",
    "zammad-webhook": "choose one of 40 characters; the same goes into Zammad: Manage > Webhook > HMAC SHA1 signature",
    "zammad-rating": "any long random text; it signs the links of the thumbs and is known to nobody else",
}
_TRIGGERS: Final = (
    "in Zammad: Manage > Webhook: endpoint {url}, the signature token, the payload of docs/zammad.md; "
    "Manage > Trigger: one for articles of customers, one for e-mails of agents, each with this webhook"
)
_SKEW: Final = timedelta(seconds=60)
_LATE: Final = timedelta(minutes=15)
_QUIET: Final = timedelta(days=3)

app = typer.Typer(help="Whether Zammad and we fit together.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    state: State  # look: it cannot be told from here
    said: str
    click: str = ""  # what to do about it


@app.command("doctor")
def doctor(as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False) -> None:
    """Check token, rights, groups, texts, knowledge base and webhook, and say what to click; 1: something is wrong."""

    async def run() -> list[Finding]:
        use = Backends(Settings())
        try:
            return [finding async for finding in examine(use)]
        finally:
            await use.close()

    findings = asyncio.run(run())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            typer.echo(f"{finding.state:<6} {finding.check}: {finding.said}")
            if finding.click:
                typer.echo(f"       > {finding.click}")
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(1)


async def examine(use: Backends) -> AsyncIterator[Finding]:
    """Everything that can be told, in the order in which it is set up."""
    async for finding in _settings(use):
        yield finding
    if use.settings.zammad.url is None:
        click = "set STADTFUNK_ZAMMAD__URL, e.g. to https://zammad.city.example"
        yield Finding(check="address", state="wrong", said="Zammad's address is not set", click=click)
        return
    try:
        zammad = zammad_of(use)
        bot = await zammad.me()
    except StadtfunkError as error:
        yield Finding(check="token", state="wrong", said=str(error), click=_SECRETS["zammad-token"])
        return
    yield Finding(check="token", state="ok", said=f"the bot is {bot.login}")
    yield await _clock(use)
    yield await _least_rights(use)
    modules = await _told(zammad.text_modules())
    for group in use.settings.zammad.groups:
        async for finding in _group(group, bot, zammad):
            yield finding
        for finding in _texts(group, modules):
            yield finding
    yield await _knowledge(zammad)
    yield await _synced(use)
    yield await _reachable(use)
    yield await _seen(use)


async def _settings(use: Backends) -> AsyncIterator[Finding]:
    zammad = use.settings.zammad
    for name, how in _SECRETS.items():
        try:
            use.secrets.get(name)
        except SettingsError as error:
            yield Finding(check=f"secret {name}", state="wrong", said=str(error), click=how)
        else:
            yield Finding(check=f"secret {name}", state="ok", said="is set")
    if not any(group.enabled for group in zammad.groups):
        click = """set STADTFUNK_ZAMMAD__GROUPS='[{"name": "…"}]' with names as in Zammad"""
        yield Finding(check="groups", state="wrong", said="no group is on: nothing is drafted", click=click)
    if zammad.dry_run:
        said = "this is a dry run: proposals go to reports, nothing is written into Zammad"
        yield Finding(check="dry run", state="look", said=said, click="unset STADTFUNK_ZAMMAD__DRY_RUN")


async def _clock(use: Backends) -> Finding:
    reply = await _asked(use, "/api/v1/users/me", "me")
    if reply is None or reply.at is None:
        return Finding(check="clock", state="look", said="Zammad does not say its time")
    skew = abs(datetime.now(UTC) - reply.at)
    if skew > _SKEW:
        said = f"Zammad's and our clock are {skew.total_seconds():.0f} s apart"
        return Finding(check="clock", state="wrong", said=said, click="let both machines ask a time server (NTP)")
    return Finding(check="clock", state="ok", said="Zammad's and ours agree")


async def _least_rights(use: Backends) -> Finding:
    reply = await _asked(use, "/api/v1/webhooks", "webhooks")  # for administrators alone
    if reply is not None and reply.ok:
        click = "in Zammad: Manage > Roles: give the bot ticket.agent and knowledge_base.reader and nothing else"
        return Finding(check="rights", state="wrong", said="the bot is an administrator", click=click)
    return Finding(check="rights", state="ok", said="the bot is no administrator")


async def _group(group: ZammadGroup, bot: User, zammad: Zammad) -> AsyncIterator[Finding]:
    check = f"group {group.name}"
    if not group.enabled:
        yield Finding(check=check, state="look", said="is switched off in the settings")
        return
    found = await zammad.group(group.name)
    if found is None:
        click = "in Zammad: Manage > Groups for the name; Manage > Users > the bot > group permissions"
        yield Finding(check=check, state="wrong", said="does not exist, or the bot has no right in it", click=click)
        return
    has = set(bot.group_ids.get(found.id, ()))
    missing = [] if "full" in has else [right for right in RIGHTS if right not in has]
    if missing:
        click = f"in Zammad: Manage > Users > the bot: give it {', '.join(missing)} in this group"
        yield Finding(check=check, state="wrong", said=f"the bot may not {', '.join(missing)}", click=click)
    elif "full" in has:
        said, click = "the bot may do everything there", f"{', '.join(RIGHTS)} are enough"
        yield Finding(check=check, state="look", said=said, click=click)
    else:
        yield Finding(check=check, state="ok", said=f"the bot may {', '.join(RIGHTS)}")
    if not found.active:
        yield Finding(check=check, state="wrong", said="is not active", click="in Zammad: Manage > Groups > active")
    if not found.shared_drafts:
        said = "shared drafts are off: proposals stand in the note only"
        yield Finding(check=check, state="look", said=said, click="in Zammad: Manage > Groups > Shared Drafts > yes")


def _texts(group: ZammadGroup, modules: list[TextModule] | None) -> list[Finding]:
    findings = []
    for name in filter(None, (group.greeting, group.signature)):
        check = f"text module {name}"
        if modules is None:
            findings.append(Finding(check=check, state="look", said="text modules cannot be read"))
        elif not any(module.name == name and module.active for module in modules):
            click = "in Zammad: Manage > Text Modules: the name as in the settings, active, for this group or all"
            findings.append(Finding(check=check, state="wrong", said="does not exist, or is off", click=click))
        else:
            findings.append(Finding(check=check, state="ok", said=f"is there for {group.name}"))
    return findings


async def _knowledge(zammad: Zammad) -> Finding:
    click = "in Zammad: Manage > Roles: knowledge_base.reader for the bot; Knowledge Base: publish an answer"
    try:
        assets = await zammad.knowledge_outline()
        listed = read_outline(assets, datetime.now(UTC)).values()
    except (BackendError, Reject) as error:
        return Finding(check="knowledge base", state="wrong", said=str(error), click=click)
    published = sum(one.visibility == "published" for one in listed)
    said = f"{published} published answers, {len(listed) - published} internal"
    if not listed:
        return Finding(check="knowledge base", state="look", said="is empty, or the bot may not read it", click=click)
    if any(one.get("archived_at") for one in assets.get("KnowledgeBaseAnswer", {}).values()):
        said, click = f"{said}; the bot may edit them", "in Zammad: Manage > Roles: knowledge_base.reader is enough"
        return Finding(check="knowledge base", state="look", said=said, click=click)
    return Finding(check="knowledge base", state="ok", said=said)


async def _synced(use: Backends) -> Finding:
    try:
        ledger = Ledger(use)
        last, known = await ledger.last(), await ledger.all()
    except BackendError as error:
        return Finding(check="index", state="wrong", said=str(error), click="start NATS (stadtfunk status)")
    there = sum(one.settled and one.visibility is not None for one in known.values())
    if last.whole_at is None or datetime.now(UTC) - last.whole_at > _LATE:
        said = "the knowledge base was not read for a quarter of an hour"
        click = "start a worker with sync_knowledge; stadtfunk status shows its failures"
        return Finding(check="index", state="wrong", said=said, click=click)
    if last.hidden_since is not None:
        said = "many answers vanished at once and are hidden"
        click = "give the bot the right to read them again; without it they are removed after a day"
        return Finding(check="index", state="wrong", said=said, click=click)
    return Finding(check="index", state="ok", said=f"{there} answers, read at {last.whole_at:%H:%M} UTC")


async def _reachable(use: Backends) -> Finding:
    """A webhook without a signature is refused by a host that would take one with it."""
    base = str(use.settings.host.public_url or "").rstrip("/")
    if not base:
        click = "set STADTFUNK_HOST__PUBLIC_URL to the address by which Zammad reaches the host"
        return Finding(check="webhook", state="look", said="the host's public address is not set", click=click)
    url, trigger = f"{base}/zammad/webhook", _TRIGGERS.format(url=f"{base}/zammad/webhook")
    rest = use.rest("host", base, timeout_s=5.0, max_bytes=2**16)
    try:
        reply = await rest.call("POST", "/zammad/webhook", call="webhook", authorization="", body={})
        said = f"{url} answers with status {reply.status}, not with 401"
    except (BackendError, Reject) as error:
        said = str(error)
    if "status 401" in said:
        return Finding(check="webhook", state="ok", said=f"{url} takes signed calls (as seen from here)", click=trigger)
    click = f"start a host (stadtfunk serve) and let Zammad reach {url}; then {trigger}"
    return Finding(check="webhook", state="wrong", said=f"{url}: {said}", click=click)


async def _seen(use: Backends) -> Finding:
    click = "send a mail to one of the groups; Manage > Webhook > the recent logs show what Zammad was answered"
    try:
        last = await sightings.last(use)
    except BackendError as error:
        return Finding(check="trigger", state="look", said=str(error))
    if last is None:
        said = "no webhook with a right signature has come yet"
        return Finding(check="trigger", state="look", said=said, click=click)
    since = datetime.now(UTC) - last
    state: State = "ok" if since < _QUIET else "look"
    said = f"the last webhook came at {last:%Y-%m-%d %H:%M} UTC"
    return Finding(check="trigger", state=state, said=said, click="" if state == "ok" else click)


async def _asked(use: Backends, path: str, call: str) -> Reply | None:
    """What Zammad answers to the bot; None where it refuses or is away."""
    settings = use.settings.zammad
    rest = use.rest("zammad", str(settings.url), timeout_s=settings.timeout_s, max_bytes=settings.max_bytes)
    try:
        return await rest.call("GET", path, call=call, authorization=f"Token token={use.secrets.get('zammad-token')}")
    except (BackendError, Reject):
        return None


async def _told(asked: Awaitable[T]) -> T | None:
    try:
        return await asked
    except (BackendError, Reject):
        return None
