"""Triggers and their webhooks, as Zammad sends them: the state at delivery, signed, repeated while refused."""

import asyncio
import hashlib
import hmac
import json
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import aiohttp
from pydantic import BaseModel, ConfigDict

from infra.zammad.records import SENDERS, STATES, TYPES, Record
from infra.zammad.shapes import Shapes
from infra.zammad.store import Action, Store

EXECUTIONS: Final = 5
_AT_ONCE: Final = 8  # deliveries in flight
_PLACEHOLDER = re.compile(r"#\{(ticket|article)\.([a-z_]+)(?:\.name)?\}")
_ESCAPED: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_TO_ESCAPE = re.compile("[" + "".join(_ESCAPED) + "]")


class Trigger(BaseModel):
    """When a webhook is sent. What is empty is no condition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    actions: tuple[Action, ...] = ()
    senders: tuple[str, ...] = ()  # of the article; a change without an article then does not count
    types: tuple[str, ...] = ()  # of the article
    internal: bool | None = None  # of the article
    groups: tuple[str, ...] = ()  # names
    payload: str | None = None  # JSON with placeholders; None: Zammad's default


@dataclass
class Job:
    """One webhook to deliver."""

    trigger: Trigger
    ticket_id: int
    article_id: int | None
    delivery: str = field(default_factory=lambda: str(uuid4()))
    outcomes: list[str] = field(default_factory=list)  # a status or an error's type, one an execution

    def told(self) -> Record:
        """For the control interface."""
        return {
            "trigger": self.trigger.name,
            "ticket_id": self.ticket_id,
            "article_id": self.article_id,
            "delivery": self.delivery,
            "outcomes": self.outcomes,
        }


class Webhooks:
    """Watches a store and tells one address."""

    def __init__(
        self, store: Store, triggers: Sequence[Trigger], *, url: str, token: str | None, base: str, unit_s: float
    ) -> None:
        """``token`` signs (None: nothing does); the n-th repetition comes n times ``unit_s`` after the one before."""
        self.triggers = list(triggers)
        self.copies = 1  # how often each is sent
        self.hold = False  # keep them back until they are released
        self.jobs: deque[Job] = deque(maxlen=20_000)
        self._held: list[Job] = []
        self._store, self._shapes = store, Shapes(store)
        self._url, self._token, self._base, self._unit_s = url, token, base, unit_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    def changed(self, ticket_id: int, article_id: int | None, action: Action) -> None:
        """Listener of the store: queue a delivery for each trigger that fits."""
        for trigger in self.triggers:
            if self._fits(trigger, ticket_id, article_id, action):
                job = Job(trigger, ticket_id, article_id)
                self.jobs.append(job)
                for _ in range(self.copies):
                    self._held.append(job) if self.hold else self._start(job)

    def release(self, *, backwards: bool = False) -> int:
        """Send what was kept back; gives how many."""
        held, self._held, self.hold = self._held, [], False
        for job in reversed(held) if backwards else held:
            self._start(job)
        return len(held)

    def repeat(self) -> int:
        """Send everything once more, with the delivery ids it had."""
        jobs = list(self.jobs)
        for job in jobs:
            self._start(job)
        return len(jobs)

    def forget(self) -> None:
        """As at the start: nothing kept back, nothing remembered, each sent once."""
        self.copies, self.hold, self._held = 1, False, []
        self.jobs.clear()

    @property
    def busy(self) -> int:
        """Deliveries that are not at their end."""
        return len(self._tasks)

    async def close(self) -> None:
        """Drop what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def body(self, job: Job) -> bytes:
        """What is sent now, byte for byte as Rails writes JSON."""
        if job.trigger.payload is None:
            value: Record = self._shapes.payload(job.ticket_id, job.article_id, self._base)
        else:
            value = self._custom(job.trigger.payload, job)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return _TO_ESCAPE.sub(lambda found: _ESCAPED[found[0]], text).encode()

    def _fits(self, trigger: Trigger, ticket_id: int, article_id: int | None, action: Action) -> bool:
        ticket = self._store.tickets[ticket_id]
        article = self._store.articles.get(article_id) if article_id else None
        if trigger.actions and action not in trigger.actions:
            return False
        if trigger.groups and self._store.groups[ticket["group_id"]]["name"] not in trigger.groups:
            return False
        if article is None:
            return not trigger.senders and not trigger.types and trigger.internal is None
        return (
            (not trigger.senders or SENDERS[article["sender_id"]] in trigger.senders)
            and (not trigger.types or TYPES[article["type_id"]] in trigger.types)
            and trigger.internal in (None, article["internal"])
        )

    def _custom(self, payload: str, job: Job) -> Record:
        ticket = self._store.tickets[job.ticket_id]
        article = self._store.articles.get(job.article_id) if job.article_id else None
        names = {"group": self._store.groups[ticket["group_id"]]["name"], "state": STATES[ticket["state_id"]]}
        told = {"ticket": {**ticket, **names}, "article": self._shapes.article(article) if article else {}}

        def filled(found: re.Match[str]) -> str:
            value = told[found[1]].get(found[2], "-")
            text = str(value).lower() if isinstance(value, bool) else str(value)
            return text.replace('"', '\\"').replace("\n", "\\n")  # a backslash stays as it is: Zammad's flaw

        try:
            value: Record = json.loads(_PLACEHOLDER.sub(filled, payload))
        except ValueError:
            return {"error": "The payload is no valid JSON."}
        return value

    def _start(self, job: Job) -> None:
        task = asyncio.ensure_future(self._deliver(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, job: Job) -> None:
        for execution in range(EXECUTIONS):
            await asyncio.sleep(self._unit_s * execution)
            async with self._gate:
                outcome = await self._post(job)
            job.outcomes.append(outcome)
            if outcome.startswith("2"):
                return

    async def _post(self, job: Job) -> str:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=34, sock_connect=4, sock_read=30)
            self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        body = self.body(job)
        headers = {
            "Accept": "*/*",
            "User-Agent": "Zammad User Agent",
            "X-Zammad-Trigger": job.trigger.name,  # raw UTF-8, as Zammad sends it
            "X-Zammad-Delivery": job.delivery,
            "Content-Type": "application/json",
            "Connection": "close",
        }
        if self._token is not None:
            headers["X-Hub-Signature"] = f"sha1={hmac.new(self._token.encode(), body, hashlib.sha1).hexdigest()}"
        try:
            async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                return str(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__
