"""serverless.yaml: the one list of functions and systems, strict and typed.

Everything else (worker, host, permissions, documents, register) is derived from it. Handlers are
only named here; ``infra.handlers`` imports them and holds them against the code.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from events.event import Event
from events.storage import BucketName, ObjectStored
from shared.errors import CatalogueError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: object) -> object:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            raise ValueError("a duration is a number and a unit: 500ms, 30s, 5m, 12h, 7d")
        return float(match[1]) * _UNITS[match[2]]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError("a duration needs its unit: 30s, 5m, 12h")
    return value


Duration = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=Annotated[str, Field(pattern=_DURATION.pattern)]),
    Field(gt=0),
]
"""Seconds; written with a unit: ``500ms``, ``30s``, ``5m``, ``12h``, ``7d``."""

STORAGE = "storage"
"""The system that tells of objects: it runs where another one has an s3 trigger."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Entry(BaseModel):
    """A node of the file: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NatsTrigger(Entry):
    """React to an event type, or to a raw subject that foreign software publishes on."""

    type: str | None = None
    subject: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.type is None) == (self.subject is None):
            raise ValueError("name either 'type' or 'subject'")
        return self


class ScheduleTrigger(Entry):
    """Fire the function's own event type, with its default data, at set times."""

    cron: str  # six fields (seconds first), or @daily, @hourly, @every 30s
    time_zone: str | None = None
    catch_up: Duration = 3600.0  # a firing missed by no more than this is made up for, once

    @model_validator(mode="after")
    def _valid(self) -> Self:
        if self.cron.startswith("@"):
            if not re.fullmatch(r"@(yearly|monthly|weekly|daily|hourly|every \d+[smh])", self.cron):
                raise ValueError(f"'{self.cron}' is no schedule; use six cron fields, @daily, @hourly or @every 30s")
            if self.cron.startswith("@every") and self.time_zone:
                raise ValueError("@every takes no time zone")
        elif len(self.cron.split()) != 6:
            raise ValueError(f"'{self.cron}' has {len(self.cron.split())} fields; six are needed, seconds first")
        else:
            try:
                CronSim(self.cron.replace("?", "*"), datetime.now(UTC))
            except CronSimError as error:
                raise ValueError(f"'{self.cron}' is no schedule: {str(error).lower()}") from None
        if self.time_zone is not None and self.time_zone not in available_timezones():
            raise ValueError(f"unknown time zone '{self.time_zone}'" + _nearest(self.time_zone, available_timezones()))
        return self


class HttpTrigger(Entry):
    """Answer requests under a path, or serve a folder of static files beside the handler."""

    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9_\-./{}:]*$")]
    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    files: str | None = None  # folder beside the handler's module, served below the path


class S3Trigger(Entry):
    """React to objects that are written into a bucket; the function is ``@on(ObjectStored)``."""

    bucket: BucketName
    prefix: str = ""
    suffix: str = ""

    def covers(self, bucket: str, key: str) -> bool:
        """Whether the trigger names this object."""
        return bucket == self.bucket and key.startswith(self.prefix) and key.endswith(self.suffix)


class Trigger(Entry):
    """One thing that starts the function: exactly one of the four keys."""

    nats: NatsTrigger | None = None
    schedule: ScheduleTrigger | None = None
    http: HttpTrigger | None = None
    s3: S3Trigger | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a trigger is one of nats, schedule, http, s3")
        return self


class RetryPolicy(Entry):
    """How often and how fast a failed event is tried again (full jitter between 0 and the delay)."""

    attempts: int = Field(default=6, ge=1, le=100)  # the first one included
    initial: Duration = 1.0
    max: Duration = 300.0


class Scale(Entry):
    """How many replicas a cluster may run, and the lag that asks for one more.

    The house itself starts no replicas: this is for whoever renders cluster manifests
    (``stadtfunk list --json`` shows it).
    """

    min: int = Field(default=1, ge=0)
    max: int = Field(default=1, ge=1)
    lag: int = Field(default=100, ge=1)  # events waiting, per replica


class FunctionEntry(Entry):
    """One function: what starts it, within which limits, who may call it."""

    handler: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2,}$")]  # xnext.index.index_page
    description: str = Field(min_length=1)
    events: Annotated[list[Trigger], Field(min_length=1)]
    timeout: Duration = 30.0
    concurrency: int = Field(default=4, ge=1, le=1024)  # events in flight a process; also the pull's credit
    patience: Duration | None = None  # how long a caller may be kept; who would wait longer is refused at once (http)
    retry: RetryPolicy = RetryPolicy()
    order_by: str | None = None  # the event's key field: events of one key run one after the other
    partitions: int = Field(default=8, ge=1, le=256)  # lanes that ordered keys are hashed to
    start: Literal["new", "all"] = "new"  # where a new consumer begins in the stream
    access: Literal["public", "staff", "system"] | None = None  # needed by http triggers, wrong elsewhere
    # How a system signs. "hub-sha1" (Zammad) tells no time, "bearer" (storages) is a password and signs nothing:
    # a repeat is not refused, so it must change nothing.
    signature: Literal["standard", "hub-sha1", "bearer"] = "standard"
    max_body: int | None = Field(default=None, ge=1)  # bytes of one request; None: the host's cap
    max_hour: int | None = Field(default=None, ge=1)  # bytes that one client may send in an hour; None: any (http)
    secrets: list[str] = []
    scale: Scale = Scale()

    @property
    def system(self) -> str:
        """The folder under ``functions/``."""
        return self.handler.split(".", 1)[0]

    @property
    def watches(self) -> list[S3Trigger]:
        """Which objects start the function; empty where it has no s3 trigger, or takes every object's event."""
        everything = any(trigger.nats and trigger.nats.type == ObjectStored.type for trigger in self.events)
        return [] if everything else [trigger.s3 for trigger in self.events if trigger.s3]

    def takes(self, event: Event) -> bool:
        """Whether the function is to run on an event of the type it takes; no prefix or suffix is part of a subject."""
        if not isinstance(event, ObjectStored) or not self.watches:
            return True
        return any(watch.covers(event.bucket, event.object_key) for watch in self.watches)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.order_by is not None and self.watches:
            raise ValueError("'order_by' is not for s3 triggers; objects of a bucket have no order")
        if any(trigger.http for trigger in self.events) and self.access is None:
            raise ValueError("a function with an http trigger needs 'access': public, staff or system")
        if self.access is not None and not any(trigger.http for trigger in self.events):
            raise ValueError("'access' is for http triggers; this function has none")
        if self.patience is not None and self.access is None:
            raise ValueError("'patience' is for http triggers; this function has none")
        if self.max_hour is not None and (self.access is None or self.max_hour < (self.max_body or self.max_hour)):
            raise ValueError("'max_hour' is for http triggers, and no less than 'max_body'")
        if "signature" in self.model_fields_set and self.access != "system":
            raise ValueError("'signature' is for 'access: system'; nobody else signs")
        if self.access == "system" and not self.secrets:
            raise ValueError("'access: system' needs a secret, which callers sign with: the first of 'secrets'")
        return self


class Text(Entry):
    """A short text for people, German first."""

    de: str
    en: str


class Card(Entry):
    """What the AI register says about a system."""

    purpose: Text
    owner: str
    data: Text  # which data it handles, and whether personal
    models: list[str]
    evaluation: Text
    risks: Text
    legal_basis: Text
    human_oversight: Text


class MenuPage(Entry):
    """Where people use a system; stands in the main menu of every page."""

    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9_\-./]*$")]
    label: Text


class SystemEntry(Entry):
    """One system: what it needs, its commands, its page and its card."""

    title: Text
    enabled: bool = True
    needs: list[Literal["objects", "vectors", "embeddings", "chat", "vision"]] = []
    commands: str | None = None  # module with a typer ``app``: xnext.commands
    page: MenuPage | None = None
    card: Card


class Catalogue(Entry):
    """The whole file."""

    version: Literal[1]
    systems: dict[Name, SystemEntry]
    functions: dict[Name, FunctionEntry]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name, function in self.functions.items():
            if function.handler.rsplit(".", 1)[1] != name:
                raise _At(("functions", name, "handler"), f"ends in another name than the entry's, '{name}'")
            if function.system not in self.systems:
                hint = _nearest(function.system, self.systems)
                raise _At(("functions", name, "handler"), f"unknown system '{function.system}'{hint}")
        for name, system in self.systems.items():
            if system.page and system.page.path not in self._answered:
                hint = _nearest(system.page.path, self._answered)
                raise _At(("systems", name, "page", "path"), f"no function answers '{system.page.path}'{hint}")
        return self

    @property
    def _answered(self) -> set[str]:
        return {one.http.path for function in self.functions.values() for one in function.events if one.http}

    def menu(self) -> list[MenuPage]:
        """The systems' pages that a function answers here."""
        answered = self._answered
        return [one.page for one in self.systems.values() if one.page and one.page.path in answered]

    def watches(self) -> list[S3Trigger]:
        """Every s3 trigger of the enabled systems."""
        return [watch for function in self.enabled().functions.values() for watch in function.watches]

    def of_system(self, system: str) -> Iterator[tuple[str, FunctionEntry]]:
        """The functions of one system."""
        return ((name, entry) for name, entry in self.functions.items() if entry.system == system)

    def enabled(self, only: Sequence[str] | None = None) -> "Catalogue":
        """The catalogue cut down to enabled systems, or to ``only`` those named.

        Raises:
            CatalogueError: a name in ``only`` is no system.
        """
        for name in only or ():
            if name not in self.systems:
                raise CatalogueError(f"unknown system '{name}'{_nearest(name, self.systems)}")
        keep = {n for n, s in self.systems.items() if (n in only if only else s.enabled)}
        watched = any(function.watches for function in self.functions.values() if function.system in keep)
        if watched and STORAGE in self.systems and self.systems[STORAGE].enabled:
            keep.add(STORAGE)
        elif not only:
            keep.discard(STORAGE)
        systems = {n: s for n, s in self.systems.items() if n in keep}
        functions = {n: f for n, f in self.functions.items() if f.system in keep}
        return self.model_copy(update={"systems": systems, "functions": functions})

    @classmethod
    def load(cls, path: Path) -> "Catalogue":
        """Read and check the file.

        Raises:
            CatalogueError: with ``file:line: where: what is wrong`` and the nearest valid name.
        """
        try:
            tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CatalogueError(
                f"{path}: no such file; run in the project's folder or set STADTFUNK_CATALOGUE"
            ) from None
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise CatalogueError(f"{path}:{line}: {error.problem or 'no YAML'}") from None
        try:
            return cls.model_validate(tree)
        except _At as error:
            raise CatalogueError(_located(path, tree, error.where, error.text)) from None
        except ValidationError as error:
            lines = [_located(path, tree, e["loc"], _said(cls, e)) for e in error.errors(include_url=False)]
            raise CatalogueError("\n".join(lines)) from None


def locate(path: Path, where: Sequence[str | int], text: str) -> str:
    """``file:line: place: text`` for a fault that was found outside this module."""
    return _located(path, YAML(typ="rt").load(path.read_text(encoding="utf-8")), where, text)


class _At(Exception):
    """A fault found by looking at the whole, with the place it stands at."""

    def __init__(self, where: tuple[str, ...], text: str) -> None:
        super().__init__(text)
        self.where = where
        self.text = text


def _located(path: Path, tree: Any, where: Sequence[str | int], text: str) -> str:
    line, node, shown = 1, tree, []
    for part in where:
        if isinstance(node, CommentedMap) and part in node:
            line, node = node.lc.key(part)[0] + 1, node[part]
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line, node = node.lc.item(part)[0] + 1, node[part]
        elif part == "[key]":
            continue
        shown.append(str(part))
    return f"{path}:{line}: {'.'.join(shown) or 'file'}: {text}"


def _said(model: type[BaseModel], error: Any) -> str:
    if error["type"] == "extra_forbidden":
        unknown, owner = str(error["loc"][-1]), _model_at(model, error["loc"][:-1])
        return f"unknown key '{unknown}'" + (_nearest(unknown, owner.model_fields) if owner else "")
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "literal_error":
        text += _nearest(str(error["input"]), re.findall(r"'([^']+)'", error["ctx"]["expected"]))
    return text[0].lower() + text[1:]


def _model_at(model: type[BaseModel], where: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that describes the node at this place, following fields, lists and maps."""
    kind: Any = model
    for part in where:
        if isinstance(kind, type) and issubclass(kind, BaseModel) and part in kind.model_fields:
            kind = kind.model_fields[str(part)].annotation
        arguments = [a for a in getattr(kind, "__args__", ()) if isinstance(a, type) and issubclass(a, BaseModel)]
        if arguments:
            kind = arguments[-1]
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _nearest(name: str, valid: Any) -> str:
    close = difflib.get_close_matches(name, [str(v) for v in valid], n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(sorted(map(str, valid)))[:200]}"
