"""One run over the knowledge base: out what may not be shown any more, then in what changed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import structlog

from functions.zammad.client import Zammad
from functions.zammad.editions import HIDDEN, Edition, document_of, keep, keep_removal, revision_of
from functions.zammad.ledger import Known, Last, Ledger
from functions.zammad.outline import Listed, read_outline
from shared.backends import Backends
from shared.errors import BackendError, Reject
from shared.knowledge.index import Index
from shared.knowledge.language import of_text
from shared.knowledge.markup import blocks
from shared.knowledge.records import Record
from shared.objects import ObjectMissing
from shared.state import Conflict

Alarm = Literal["not_read", "shrunk"]
_BATCH: Final = 50  # texts of one request
_AT_ONCE: Final = 64  # records read at once
_FEW: Final = 20  # answers that may vanish together without anyone being asked
_SHARE: Final = 0.2  # of all; the greater counts
_SILENCE: Final = timedelta(minutes=15)  # without a whole run, before a person is told
_AGAIN: Final = timedelta(hours=6)  # between two alarms


class Refresh:
    """One run; ``alarm``, ``expected`` and ``found`` say afterwards what a person must look at."""

    def __init__(self, zammad: Zammad, index: Index, use: Backends, now: datetime | None = None) -> None:
        self.alarm: Alarm | None = None
        self.expected = self.found = 0  # answers that could be found before, and now
        self._zammad = zammad
        self._index = index
        self._use = use
        self._now = now or datetime.now(UTC)
        self._ledger = Ledger(use)
        self._known: dict[str, Known] = {}
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Bring the index up to date, as far as Zammad answers.

        Raises:
            BackendError: a backend other than Zammad is away.
        """
        last = await self._ledger.last()
        self._known = await self._ledger.all()
        self.expected = self._shown()
        try:
            last = await self._refresh(last)
        except (Reject, BackendError) as error:
            if isinstance(error, BackendError) and error.backend != "zammad":
                raise
            self._log.warning("the knowledge base was not read in full", error=type(error).__name__)
            if self._now - (last.whole_at or self._now) > _SILENCE:
                self.alarm = "not_read"
            last = last.model_copy(update={"whole_at": last.whole_at or self._now})
        self.found = self._shown()
        if self.alarm is not None:
            if last.alarmed_at is not None and self._now - last.alarmed_at < _AGAIN:
                self.alarm = None  # it was told
            else:
                last = last.model_copy(update={"alarmed_at": self._now})
        await self._ledger.note(last)

    async def _refresh(self, last: Last) -> Last:
        listed = read_outline(await self._zammad.knowledge_outline(), self._now)
        gone = [
            id
            for id, known in self._known.items()
            if id not in listed and (known.visibility is not None or not known.settled)
        ]
        many = len(gone) > max(_FEW, _SHARE * self.expected)
        since = (last.hidden_since or self._now) if many else None
        grace = timedelta(seconds=self._use.settings.zammad.knowledge_grace_s)
        if since is not None and self._now - since < grace:
            self.alarm = "shrunk"
            for id in gone:
                await self._hide(id)
        else:
            for id in gone:
                await self._withdraw(id)
        changed = await self._changed(listed)
        for id in changed:
            # Who may see less than before does so before anything is written.
            if listed[id].visibility == "internal" and self._of(id).visibility == "published":
                await self._withdraw(id)
        for start in range(0, len(changed), _BATCH):
            await self._renew([listed[id] for id in changed[start : start + _BATCH]])
        return last.model_copy(update={"whole_at": self._now, "hidden_since": since})

    async def _changed(self, listed: Mapping[str, Listed]) -> list[str]:
        """Ids of what is not in the index as the outline has it."""
        collection = await self._index.live() or self._index.first
        ids = list(listed)
        found: list[str] = []
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            for id, record in zip(part, await collection.records.several(part), strict=True):
                known = self._of(id)
                there = record is not None and record.found and record.revision == known.revision
                if not (there and known.settled and known.mark == listed[id].mark):
                    found.append(id)
        return found

    async def _renew(self, batch: Iterable[Listed]) -> None:
        """Write answers with the texts they have now; what else the second call says counts, too."""
        wanted = {one.id: one.content_id for one in batch}
        assets = await self._zammad.knowledge_contents(wanted.values())
        fresh = read_outline(assets, self._now)
        texts = assets.get("KnowledgeBaseAnswerTranslationContent", {})
        for id in wanted:
            one = fresh.get(id)
            html = None if one is None else _html(texts.get(str(one.content_id)))
            if one is None or html is None:
                continue  # taken back meanwhile: the next run sees it
            edition = _edition(one, html)
            known, record = self._of(id), await self._index.record(id)
            there = record is not None and record.found and record.revision == known.revision
            try:
                if there and known.settled and known.content_hash == edition.content_hash():
                    await self._note(id, known.model_copy(update={"mark": one.mark}))
                else:
                    await self._write(edition, one.mark, record)
            except Conflict:
                continue  # another run is at it
            except Reject as error:
                # Nobody else's answer waits for this one; it is tried again by the next run.
                self._log.warning("an answer cannot be indexed", document=id, error=type(error).__name__)

    async def _hide(self, id: str) -> None:
        """Let nobody find an answer, and keep its vectors."""
        known = self._of(id)
        if known.visibility == HIDDEN and known.settled:
            return
        try:
            edition = (await revision_of(id, known.revision, self._use)).edition
        except ObjectMissing:
            await self._withdraw(id)
            return
        try:
            await self._write(edition.model_copy(update={"visibility": HIDDEN}), "", await self._index.record(id))
        except Conflict:
            return

    async def _write(self, edition: Edition, mark: str, record: Record | None) -> None:
        known = Known(
            revision=self._next(edition.id, record),
            content_hash=edition.content_hash(),
            mark=mark,
            visibility=edition.visibility,
        )
        await self._note(edition.id, known)
        await keep(edition, known.revision, self._now, self._use)
        document = document_of(edition, known.revision, self._use.settings.zammad)
        if await self._index.write(document) is not None:
            await self._note(edition.id, known.model_copy(update={"settled": True}))

    async def _withdraw(self, id: str) -> None:
        """Take an answer out of the index first; then its storage may be away."""
        withdrawn = Known(revision=self._next(id, await self._index.record(id)))
        try:
            await self._note(id, withdrawn)
            await self._index.remove(id, withdrawn.revision)
            await keep_removal(id, withdrawn.revision, self._use)
            await self._note(id, withdrawn.model_copy(update={"settled": True}))
        except Conflict:
            return

    async def _note(self, id: str, known: Known) -> None:
        await self._ledger.write(id, known)
        self._known[id] = known

    def _next(self, id: str, record: Record | None) -> int:
        """A revision that nobody has: neither the ledger nor the index, should one of them be lost."""
        return max(self._of(id).revision, 0 if record is None else record.revision) + 1

    def _of(self, id: str) -> Known:
        return self._known.get(id, Known())

    def _shown(self) -> int:
        return sum(known.visibility is not None for known in self._known.values())


def _html(told: Any) -> str | None:
    body = told.get("body") if isinstance(told, dict) else None
    return body if isinstance(body, str) else None


def _edition(one: Listed, html: str) -> Edition:
    plain = " ".join([one.title, *(block.text for block in blocks(html))])
    return Edition(
        id=one.id,
        answer_id=one.answer_id,
        category_id=one.category_id,
        title=one.title,
        html=html,
        language=of_text(plain),
        path=one.path,
        tags=one.tags,
        visibility=one.visibility,
    )
