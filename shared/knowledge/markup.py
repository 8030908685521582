"""HTML to plain blocks of text: headings, paragraphs, list items, table rows. No markup survives.

Parsed, never matched by expressions: what a page hides in scripts, styles or comments is gone, and
what looks like a tag in the text is text.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


Kind = Literal["heading", "text", "item", "row"]
_DROPPED = _words(
    """
    script style noscript template iframe object embed svg math canvas audio video form button select textarea input
    head title nav
    """
)
_BLOCKS = _words(
    """
    address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer h1 h2 h3
    h4 h5 h6 header hr html li main ol p pre section summary table tbody td tfoot th thead tr ul
    """
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
_STRONG_HEADING = 90  # characters; a longer paragraph in bold is emphasis, no heading
_DEEPEST = 200  # nested elements; deeper is no text that anyone wrote


class Block(NamedTuple):
    """One piece of a page: ``level`` is 1-6 for headings, 7 for what only looks like one, else 0."""

    kind: Kind
    text: str
    level: int = 0
    page: int = 0  # of a paged document, from 1; 0 where there are no pages


def clean(text: str) -> str:
    """Text as it is stored: NFC, no invisible or control characters, one blank between words."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    return _LINES.sub("\n", _BLANKS.sub(" ", plain.replace("\r", "\n"))).strip()


def blocks(html: str) -> list[Block]:
    """The blocks of an HTML fragment, in order; plain text is one paragraph a line group."""
    if "<" not in html and "&" not in html:
        return [Block("text", text) for part in re.split(r"\n\s*\n", html) if (text := clean(part))]
    body = LexborHTMLParser(html).body
    return [] if body is None else [block for block in _walk(body, 0) if block.text]


def _walk(node: LexborNode, depth: int) -> Iterator[Block]:
    """Blocks below a node; runs of inline content between them are paragraphs."""
    run: list[str] = []
    strong = True  # everything in the run so far is bold

    def paragraph() -> Iterator[Block]:
        nonlocal strong
        text = clean("".join(run))
        if text:
            if strong and len(text) <= _STRONG_HEADING and "\n" not in text and not text.endswith((".", "!")):
                yield Block("heading", text.rstrip(": "), 7)
            else:
                yield Block("text", text)
        run.clear()
        strong = True

    for child in node.iter(include_text=True):
        tag = child.tag
        if tag in _DROPPED:
            continue
        if tag not in _BLOCKS:
            text = _inline(child, depth)
            run.append(text)
            strong = strong and (tag in ("strong", "b") or not text.strip())
            continue
        yield from paragraph()
        if depth >= _DEEPEST:
            continue
        if tag in _HEADINGS or tag in ("summary", "dt", "caption"):
            yield Block("heading", clean(_inline(child, depth)), _HEADINGS.get(tag, 6))
        elif tag in ("ul", "ol"):
            yield from _items(child, depth + 1)
        elif tag == "table":
            yield from _rows(child, depth + 1)
        elif tag == "hr":
            continue
        else:
            yield from _walk(child, depth + 1)
    yield from paragraph()


def _items(items: LexborNode, depth: int) -> Iterator[Block]:
    number = 0
    for child in items.iter():
        if child.tag in ("ul", "ol"):
            yield from _items(child, depth + 1)
        if child.tag != "li":
            continue
        number += 1
        mark = f"{number}. " if items.tag == "ol" else "- "
        inner = list(_walk(child, depth + 1)) if depth < _DEEPEST else []
        own = [block for block in inner if block.kind != "item"]
        text = "\n".join(block.text for block in own if block.text)
        if text:
            yield Block("item", mark + text)
        yield from (block for block in inner if block.kind == "item")


def _rows(table: LexborNode, depth: int) -> Iterator[Block]:
    """A row as "column: cell; column: cell", so that it can be read without the table."""
    head: list[str] = []
    for row in table.css("tr"):
        cells = [cell for cell in row.iter() if cell.tag in ("td", "th")]
        texts = [clean(_inline(cell, depth)).replace("\n", " ") for cell in cells]
        if not head and len(cells) > 1 and all(cell.tag == "th" for cell in cells):
            head = texts
            continue
        named = [
            f"{head[column]}: {text}" if column < len(head) and head[column] else text
            for column, text in enumerate(texts)
            if text
        ]
        if named:
            yield Block("row", "; ".join(named))


def _inline(node: LexborNode, depth: int) -> str:
    tag = node.tag
    if tag == "-text":
        return (node.text_content or "").replace("\n", " ")
    if tag == "br":
        return "\n"
    if tag in _DROPPED or tag == "-comment" or depth >= _DEEPEST:
        return ""
    inner = "".join(_inline(child, depth + 1) for child in node.iter(include_text=True))
    return f"\n{inner}\n" if tag in _BLOCKS else inner
