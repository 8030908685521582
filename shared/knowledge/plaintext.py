"""Plain text and Markdown to blocks: paragraphs joined from lines, lists and headings as people type them."""

import codecs
import re
from collections.abc import Iterator

from markdown_it import MarkdownIt

from shared.errors import Reject
from shared.knowledge.markup import Block, clean
from shared.knowledge.markup import blocks as of_html
from shared.knowledge.paragraphs import joined

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BINARY = 0.02  # of the letters: so many control characters are in no text
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_QUOTED = re.compile(r"^(?:>[ \t]?)+", re.MULTILINE)
_ITEM = re.compile(r"[ \t]*(?:([-*+•‣–])|(\d{1,3}[.)]|[a-z]\)))[ \t]+(?=\S)")
_RULE = re.compile(r"[ \t]*([=\-_*~#])\1{2,}[ \t]*$")
_WRAPPED = 55  # characters; a shorter line was ended by its writer
_TITLE = 90  # characters of a heading with a rule below it
_FRONT = re.compile(r"\A---[ \t]*\n(?:[^\n]*\n){0,100}?(?:---|\.\.\.)[ \t]*\n")
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def decoded(content: bytes) -> str:
    """Bytes as text: by their byte order mark, as UTF-8, else as Windows wrote it (cp1252).

    Raises:
        Reject: they are no text.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            text = content.decode(name, "replace")
            break
    else:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    if len(_CONTROL.findall(text)) > _BINARY * len(text):
        raise Reject("the file is neither text nor a PDF: its bytes are binary")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def of_markdown(text: str) -> list[Block]:
    """Markdown (CommonMark with tables); HTML inside it is cleaned like any other, YAML before it is left out."""
    return of_html(_MARKDOWN.render(_FRONT.sub("", text, count=1)))


def of_text(text: str) -> list[Block]:
    """Plain text. Lines of a paragraph are joined where they were wrapped, kept where the writer ended them."""
    found: list[Block] = []
    for part in re.split(r"\n[ \t]*(?:\n[ \t]*)+", _QUOTED.sub("", text)):
        lines = [line for line in part.split("\n") if line.strip()]
        found += [block for block in _of_part(lines) if block.text]
    return found


def _of_part(lines: list[str]) -> Iterator[Block]:
    if len(lines) > 1 and _RULE.match(lines[1]) and len(lines[0].strip()) <= _TITLE and not _RULE.match(lines[0]):
        yield Block("heading", clean(lines[0]), 1 if lines[1].strip()[0] in "=#" else 2)
        lines = lines[2:]
    group: list[str] = []
    mark = ""  # of the item that the group is
    for line in lines:
        if _RULE.match(line):
            continue
        if item := _ITEM.match(line):
            yield from _made(group, mark)
            group, mark = [line[item.end() :]], "- " if item.group(1) else f"{item.group(2)} "
        elif mark and not line[0].isspace() and len(group[-1]) < _WRAPPED:
            yield from _made(group, mark)
            group, mark = [line], ""
        else:
            group.append(line)
    yield from _made(group, mark)


def _made(group: list[str], mark: str) -> Iterator[Block]:
    if group:
        text = "\n".join(_unwrapped(group))
        yield Block("item" if mark else "text", mark + clean(text))


def _unwrapped(lines: list[str]) -> Iterator[str]:
    whole: list[str] = []
    for line in lines:
        whole.append(line.strip())
        if len(line) < _WRAPPED:
            yield joined(whole)
            whole = []
    if whole:
        yield joined(whole)
