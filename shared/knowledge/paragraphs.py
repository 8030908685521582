"""Lines of pages to blocks: reading order, running headers left out, words and paragraphs joined again."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from shared.knowledge.markup import Block, clean
from shared.knowledge.pdf import Line
from shared.knowledge.sentences import sentences

_MARGIN = 0.12  # of a page's height, above and below: where running headers and footers stand
_APART = 1.9  # times the size from line to line; farther is another paragraph
_LARGER = 1.13  # times the size of most text: a heading
_ALIKE = 0.08  # sizes that differ less are the same
_HEADING = 160  # characters; longer is emphasis
_CELLS = 3  # of a line that is a row of a table
_INDENT = 60  # points that a line may stand in or out from the one above
_SAME = 3.0  # points between margins that are the same
_FAR = 3.5  # times the size: what jumps on by more is another part of the page
_BULLET = re.compile(r"(?:[•◦▪▫■□●○‣⁃∙·➢➤►✓✔*]|[-–—](?=\s))\s*(?=\S)")
_NUMBER = re.compile(
    r"(?!\d\d\.\d\d\.\d\d\s)(?:\d{1,2}\.|\d{1,2}(?:\.\d{1,2}){1,4}\.?|[IVX]{1,5}\.|[a-zA-Z]\)|\(?\d{1,2}\)|[A-Z]\.)\s+(?=\S)"
)
_PAGE_NUMBER = re.compile(
    r"[-–—|\s]*(?:seite|s\.|page|p\.|blatt)?\s*\d{1,4}(?:\s*(?:von|of|/)\s*\d{1,4})?[-–—|\s]*", re.I
)
_LEADERS = re.compile(r"(?:\s*[.…_]){4,}\s*")
_BROKEN = 60  # characters; a shorter block is no text that a page's end broke
_LONGEST = 800  # characters of a sentence that may go back to the page it began on
_RESTS = frozenset(
    ["und", "oder", "bzw.", "sowie", "u.", "als", "bis", "wie", "beziehungsweise", "statt", "and", "or"]
)  # "Haus- und Hof…"
_OPEN_END = re.compile(r"[\w,;(„»–\u00ad/&-]$")


def blocks(lines: Sequence[Line], pages: int) -> list[Block]:
    """The blocks of a document, each with its page; a sentence over two pages stands on the one it begins on."""
    kept = _without_running(lines, pages)
    body = _body(kept)
    styles = sorted({round(line.size * 2) / 2 for line in kept if line.size > body * _LARGER}, reverse=True)
    by_page: dict[int, list[Line]] = defaultdict(list)
    for line in kept:
        by_page[line.page].append(line)
    found: list[Block] = []
    for own in by_page.values():
        for block in _of_page(_in_order(own), body, styles):
            found += _carried(found, block)
    return [_telling(block, after) for block, after in zip(found, [*found[1:], None], strict=False)]


def _telling(block: Block, after: Block | None) -> Block:
    """A heading with nothing below it is text, as words of a letter's subject in bold."""
    if block.kind == "heading" and (after is None or (after.kind == "heading" and after.level <= block.level)):
        return block._replace(kind="text", level=0)
    return block


def _without_running(lines: Sequence[Line], pages: int) -> list[Line]:
    """Lines without what recurs at the edges of pages: page numbers at all, other words after their first page."""
    seen: dict[str, set[int]] = defaultdict(set)
    for line in lines:
        if _at_edge(line):
            seen[_recurring(line)].add(line.page)
    running = {text for text, on in seen.items() if len(on) > 2 or (len(on) == 2 and pages <= 4)}
    kept = []
    for line in lines:
        text = _recurring(line)
        if _at_edge(line):
            if text in running and ("#" in text or line.page != min(seen[text])):
                continue
            if _PAGE_NUMBER.fullmatch(line.text) and (line.text.strip() == str(line.page) or text != "#"):
                continue
        kept.append(line)
    return kept


def _at_edge(line: Line) -> bool:
    return not _MARGIN < line.depth < 1 - _MARGIN


def _recurring(line: Line) -> str:
    return re.sub(r"\d+", "#", " ".join(line.text.split())).casefold()


def _body(lines: Iterable[Line]) -> float:
    """The size that most letters have."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _in_order(lines: Sequence[Line]) -> list[Line]:
    """A page's lines as they are read.

    A file tells them in the order of its columns and cells, mostly. Frames (a letter's address, a stamp) often
    come last: they go before the first part that lies below them in the same column.
    """
    parts: list[list[Line]] = []
    for line in lines:
        last = parts[-1][-1] if parts else None
        if (
            last is None
            or last.turn != line.turn
            or not -0.5 * line.size < last.bottom - line.bottom < _FAR * line.size
            or not _same_column([last], [line])
        ):
            parts.append([])
        parts[-1].append(line)
    placed: list[list[Line]] = []
    for part in parts:
        at = len(placed)
        while at and _below(placed[at - 1], part):
            at -= 1
        passed = placed[at:]
        placed.insert(at if any(_same_column(part, other) for other in passed) else len(placed), part)
    return [line for part in placed for line in part]


def _below(part: Sequence[Line], other: Sequence[Line]) -> bool:
    return part[0].turn == other[0].turn and max(line.top for line in part) <= min(line.bottom for line in other) + 1


def _same_column(part: Sequence[Line], other: Sequence[Line]) -> bool:
    left = max(min(line.left for line in part), min(line.left for line in other))
    right = min(max(line.right for line in part), max(line.right for line in other))
    return right > left


def _of_page(lines: Sequence[Line], body: float, styles: Sequence[float]) -> Iterator[Block]:
    margins: dict[int, float] = defaultdict(float)  # left edge -> how far lines of it reach
    for line in lines:
        for edge in (-1, 0, 1):
            key = round(line.left / _SAME) + edge
            margins[key] = max(margins[key], line.right)
    group: list[Line] = []
    for line in lines:
        if group and not _joined(group, line, body, margins):
            yield from _block(group, body, styles)
            group = []
        group.append(line)
    if group:
        yield from _block(group, body, styles)


def _joined(group: Sequence[Line], line: Line, body: float, margins: dict[int, float]) -> bool:
    """Whether a line belongs to the paragraph above it."""
    last = group[-1]
    if last.turn != line.turn or abs(last.size - line.size) > _ALIKE * last.size or len(line.cells) >= _CELLS:
        return False
    if len(last.cells) >= _CELLS or not 0 < last.bottom - line.bottom < _APART * line.size:
        return False
    if last.text.endswith("\u00ad"):
        return True
    if _BULLET.match(line.text) or _is_heading(last, body) != _is_heading(line, body):
        return False
    if (_NUMBER.match(group[0].text) or _BULLET.match(group[0].text)) and line.left > group[0].left + _SAME:
        return not _NUMBER.match(line.text)  # an item's further lines hang below its text
    # The text of "2.  Title" or "Subject  …" goes on below the text, not below the number.
    starts = [last.left] if len(last.cells) == 1 else [last.left, line.left]
    if abs(min(starts, key=lambda left: abs(left - line.left)) - line.left) > _INDENT:
        return False
    word = len(line.text.split()[0]) * line.size * 0.45 if line.text.split() else 0.0
    full = last.right + word >= margins[round(last.left / _SAME)] - line.size
    if _NUMBER.match(line.text) and not (full and _OPEN_END.search(last.text) and line.left > group[0].left - _SAME):
        return False
    if _NUMBER.match(line.text) and line.left <= group[0].left + _SAME and _NUMBER.match(group[0].text):
        return False
    return full or (line.text[:1].islower() and _OPEN_END.search(last.text) is not None)


def _is_heading(line: Line, body: float) -> bool:
    return (line.size > body * _LARGER or line.bold) and len(line.text) <= _HEADING and len(line.cells) < _CELLS


def _block(group: Sequence[Line], body: float, styles: Sequence[float]) -> Iterator[Block]:
    first = group[0]
    if len(first.cells) >= _CELLS:
        yield Block(
            "row", clean("; ".join(cell.rstrip(";").replace("\u00ad", "-") for cell in first.cells)), 0, first.page
        )
        return
    text = clean(_LEADERS.sub(" ", joined([line.text for line in group])))
    if not any(letter.isalnum() for letter in text):
        return
    number = _NUMBER.match(text)
    telling = len(text) <= _HEADING and not text.endswith((".", ",", ";", "!"))
    if telling and all(_is_heading(line, body) for line in group) and not _BULLET.match(text):
        if first.size > body * _LARGER:
            level = min(3, 1 + styles.index(round(first.size * 2) / 2))
        else:
            level = _depth(number.group()) if number else 6
        yield Block("heading", text.rstrip(": "), level, first.page)
    elif bullet := _BULLET.match(text):
        yield Block("item", f"- {text[bullet.end() :]}", 0, first.page)
    else:
        yield Block("item" if number else "text", text, 0, first.page)


def _depth(number: str) -> int:
    """The level of a numbered heading in the size of the text: 3 for "II.", 4 for "2.", 5 for "2.1"."""
    return 4 + min(2, number.strip(" .").count(".")) if number[0].isdigit() else 3


def joined(lines: Iterable[str]) -> str:
    """Lines as one text: words that were parted at a line's end are whole, "Haus- und" and "CSU-Fraktion" stay."""
    text = ""
    for line in lines:
        rest = line.strip()
        if not rest:
            continue
        if not text:
            text = rest
        elif text.endswith(("-", "\u00ad", "\u2010")) and text[-2:-1].isalnum():
            text = _whole(text[:-1], rest)
        else:
            slash = text.endswith("/") and text[-2:-1] == "-"  # "Ein-/" before "Ausfuhr"
            text += rest if slash or rest.startswith("/") else f" {rest}"
    return text.replace("\u00ad", "-") if text.endswith("\u00ad") else text.replace("\u00ad", "")


def _whole(text: str, rest: str) -> str:
    before, after = text.rsplit(maxsplit=1)[-1], rest.split(maxsplit=1)[0]
    if after.casefold().rstrip(",;") in _RESTS:
        return f"{text}- {rest}"
    kept = (
        not rest[0].islower()
        or len(before.strip("(„\"'")) < 2
        or any(letter.isdigit() for letter in before)
        or before.isupper()
        or "@" in before
        or "://" in before
        or before.startswith("www.")
    )
    return f"{text}-{rest}" if kept else text + rest


def _carried(found: list[Block], block: Block) -> list[Block]:
    """What is new of a block, after the end of a sentence that began on the page before has gone there."""
    if block.kind != "text" or (found and found[-1].page == block.page):
        return [block]
    at = len(found) - 1
    while (
        at >= 0 and found[at].page == block.page - 1 and (found[at].kind == "heading" or len(found[at].text) < _BROKEN)
    ):
        at -= 1  # past a footer of the page before
    if at < 0 or found[at].page != block.page - 1 or found[at].kind == "row":
        return [block]
    last = found[at]
    small = block.text[0].islower()
    if last.text[-1] in ".!?:" or not (small or len(block.text) >= _BROKEN):
        return [block]
    if not (small or last.text[-1] in "-," or last.text.split()[-1].islower() or len(last.text) >= 2 * _BROKEN):
        return [block]
    end, *others = sentences(block.text)
    if len(end) > _LONGEST:
        return [block]
    found[at] = last._replace(text=joined([last.text, end]))
    return [block._replace(text=" ".join(others))] if others else []
