"""The pages of the stand-in as they are now: those of the city, edits, removals, and the clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from infra.cms.city import Page
from infra.cms.garages import current

Clock = Callable[[], datetime]


def now() -> datetime:
    """The time in UTC, to the second: HTTP dates know no finer."""
    return datetime.now(UTC).replace(microsecond=0)


class Store:
    """Pages by id in the order of the city; every change moves ``modified`` on, never back."""

    def __init__(self, pages: Sequence[Page], clock: Clock = now, live_s: int = 180) -> None:
        self._original = {page.id: page for page in pages}
        self._pages = dict(self._original)
        self._clock = clock
        self.live_s = live_s
        self.listed_at = max((page.modified for page in pages), default=clock())  # last change of a list

    def get(self, id: str) -> Page | None:
        """The page as it reads at this moment, or None."""
        page = self._pages.get(id)
        return current(page, self._clock(), self.live_s) if page and page.live else page

    def original(self, id: str) -> Page | None:
        """The page as its editors keep it, without what the clock adds."""
        return self._pages.get(id)

    def pages(self, kind: str) -> list[Page]:
        """All pages of a kind ("service", "info"), also those that are not public."""
        return [page for id in self._pages if (page := self.get(id)) and page.kind == kind]

    def live(self) -> list[Page]:
        """The pages that change by themselves."""
        return [page for page in self._pages.values() if page.live]

    def edit(self, id: str, **changes: object) -> Page:
        """The page with these fields changed; KeyError where there is none."""
        page = self._pages[id]
        changed = page.model_copy(update={**changes, "modified": self._clock()})
        if changed.public != page.public:
            self.listed_at = self._clock()
        self._pages[id] = changed
        return changed

    def remove(self, id: str) -> None:
        """Take the page out of list and interface; KeyError where there is none."""
        del self._pages[id]
        self.listed_at = self._clock()

    def restore(self) -> None:
        """Bring every page back to what the city says, as one more change of it."""
        for id, page in self._original.items():
            if self._pages.get(id) is not page:
                self._pages[id] = page.model_copy(update={"modified": self._clock()})
        self._pages = {id: self._pages[id] for id in self._original}
        self.listed_at = self._clock()
