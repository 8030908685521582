"""Documents to passages: pieces of 400 to 900 characters that keep to headings and never cut a sentence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from shared.knowledge.markup import Block, blocks, clean
from shared.knowledge.sentences import sentences

ENOUGH = 400  # characters after which a heading starts a new passage
MOST = 900  # characters of a passage, unless one sentence is longer
LONGEST = 4000  # characters of a sentence; what claims to be longer is cut at a blank


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of a document under its own heading: HTML or plain text (untrusted), or what a file was read as."""

    heading: str = ""
    html: str = ""
    blocks: tuple[Block, ...] = ()  # instead of ``html``


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What can be made findable: one revision of a page, a paper, an article."""

    id: str  # stable over revisions
    revision: int  # an older one never wins over a newer one
    title: str
    sections: tuple[Section, ...]
    source: str = ""
    url: str = ""
    language: str = "de"  # BCP 47
    easy: bool = False  # written in easy language
    categories: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()  # other names of the thing, searched like the title
    links: tuple[str, ...] = ()  # labels of what it links to: found by them, but no passage to show
    facts: dict[str, object] = field(default_factory=dict)  # shown with a hit, not searched


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A piece of a document, plain text."""

    position: int  # from 0, in the order of the document
    headings: tuple[str, ...]  # from the widest to the narrowest, the title not among them
    text: str  # lines are blocks of the page
    page: int = 0  # of a paged document, from 1; a passage never goes over to the next

    def context(self, document: Document) -> str:
        """What the passage is about, as words: for the embedding and the word fields."""
        return " – ".join((document.title, *self.headings))


def passages(document: Document) -> list[Passage]:
    """Cut a document. CPU work: run it in a thread for anything long."""
    found: list[Passage] = []
    for section in document.sections:
        heading = clean(section.heading)
        for headings, text, page in _pieces(section.blocks or blocks(section.html)):
            path = (heading, *headings) if heading else headings
            found.append(Passage(position=len(found), headings=path, text=text, page=page))
    return found


def digest(model_id: str, text: str) -> str:
    """What tells equal embeddings: hex of 32 digits over the model and the embedded text."""
    return sha256(f"{model_id}\x1f{text}".encode()).hexdigest()[:32]


def _pieces(found: Iterable[Block]) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """Passages of one section as (headings below the section's, text, page)."""
    path: list[Block] = []  # headings that hold now
    opened: tuple[str, ...] = ()  # headings that held when the passage began
    lines: list[str] = []
    size = 0
    waiting: list[str] = []  # headings whose text has not come yet
    page = 0

    for block in found:
        if block.page != page:
            if lines:
                yield opened, "\n".join(lines), page
            lines, size, waiting = [], 0, []
            page = block.page
        if block.kind == "heading":
            while path and path[-1].level >= block.level:
                path.pop()
            path.append(block)
            if size >= ENOUGH:
                yield opened, "\n".join(lines), page
                lines, size = [], 0
            if lines:
                waiting.append(block.text)
            continue
        for part in _parts(block):
            addition = sum(len(line) + 1 for line in waiting) + len(part)
            if lines and size + addition > MOST:
                yield opened, "\n".join(lines), page
                lines, size, waiting = [], 0, []
            if not lines:
                opened = tuple(heading.text for heading in path)
                waiting = []
            # A heading inside a passage is a line of its text, so that no word of the page is lost.
            lines += [*waiting, part]
            size = sum(len(line) + 1 for line in lines)
            waiting = []
    if lines:
        yield opened, "\n".join([*lines, *waiting]), page
    elif path:
        # Headings alone say something too ("Derzeit geschlossen").
        yield (), "\n".join(heading.text for heading in path), page


def _parts(block: Block) -> Iterator[str]:
    """A block in pieces that fit a passage, cut between sentences only."""
    if len(block.text) <= MOST:
        yield block.text
        return
    piece = ""
    for sentence in (cut for whole in sentences(block.text) for cut in _bounded(whole)):
        if piece and len(piece) + 1 + len(sentence) > MOST:
            yield piece
            piece = sentence
        else:
            piece = f"{piece} {sentence}" if piece else sentence
    if piece:
        yield piece


def _bounded(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST:
        cut = sentence.rfind(" ", 1, LONGEST)
        cut = cut if cut > 0 else LONGEST
        yield sentence[:cut].rstrip()
        sentence = sentence[cut:].lstrip()
    if sentence:
        yield sentence
