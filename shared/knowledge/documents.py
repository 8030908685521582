"""Files to blocks: PDF with pages, HTML, Markdown, plain text. What a file is, its bytes say.

A stranger's file may crash, grow or hang what reads it, and PDFium is not thread-safe: each file is read by a process
of its own, with a bound on its memory and time (``python -m shared.knowledge.documents``).
"""

import asyncio
import os
import re
import resource
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from selectolax.lexbor import SelectolaxError

from shared.errors import Reject, Retry
from shared.knowledge import markup, plaintext
from shared.knowledge.markup import Block

MediaType = Literal["application/pdf", "text/html", "text/markdown", "text/plain"]
MEDIA_TYPES: Final[tuple[MediaType, ...]] = ("application/pdf", "text/html", "text/markdown", "text/plain")
_HEAD: Final = 1024  # bytes in which a PDF or an HTML page says what it is
_OTHERS: Final = (
    (b"PK\x03\x04", "an Office file or a ZIP archive; save it as PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Office file; save it as PDF"),
    (b"{\\rtf", "a Rich Text file; save it as PDF"),
    (b"\x89PNG", "a picture; only text can be found"),
    (b"\xff\xd8\xff", "a picture; only text can be found"),
    (b"GIF8", "a picture; only text can be found"),
    (b"II*\x00", "a picture; only text can be found"),
    (b"MM\x00*", "a picture; only text can be found"),
    (b"\x1f\x8b", "compressed; unpack it first"),
)
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.I)
_MARKDOWN = re.compile(
    r"^(?:#{1,6} \S|```|\|.*\|[ \t]*\n\|[ :|-]+\|)|\[[^\]\n]{1,300}\]\((?:https?:|/|#|\.)", re.MULTILINE
)


class Limits(BaseModel):
    """How large a file may be, and what reading it may cost."""

    model_config = ConfigDict(frozen=True)

    bytes: int = 64 * 2**20
    pages: int = 1000
    characters: int = 1_000_000  # some 1,300 passages
    memory: int = 2**30  # bytes of the process that reads
    seconds: int = 60


class Contents(BaseModel):
    """What a file says."""

    model_config = ConfigDict(frozen=True)

    media_type: MediaType
    blocks: tuple[Block, ...]
    pages: int = 0  # 0: it has none
    scans: tuple[int, ...] = ()  # pages that are pictures without a text layer


class _Task(BaseModel):
    """What the reading process is told before the bytes."""

    declared: str
    limits: Limits


class _Outcome(BaseModel):
    """What it answers."""

    contents: Contents | None = None
    reject: str = ""
    failure: str = ""  # type of an error that is a bug


async def read(content: bytes, media_type: str = "", limits: Limits | None = None) -> Contents:
    """Read a file; ``media_type`` only tells Markdown from plain text.

    Raises:
        Reject: it is none of the four, encrypted, broken, too large, or has no text.
        Retry: the reading process was ended from outside.
    """
    limits = limits or Limits()
    if len(content) > limits.bytes:
        raise Reject(f"the file has {len(content)} bytes, more than {limits.bytes}")
    task = _Task(declared=media_type, limits=limits)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", __name__, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment()
    )
    try:
        async with asyncio.timeout(2 * limits.seconds + 30):  # its own bound counts its CPU alone
            answer, _ = await process.communicate(task.model_dump_json().encode() + b"\n" + content)
    except TimeoutError:
        raise Reject(f"reading the file takes more than {limits.seconds} s; split or simplify it") from None
    finally:
        await _ended(process)
    if process.returncode:
        raise _stopped(process.returncode, limits)
    outcome = _Outcome.model_validate_json(answer)
    if outcome.failure:
        raise RuntimeError(f"reading a file failed ({outcome.failure})")
    if outcome.contents is None:
        raise Reject(outcome.reject)
    return outcome.contents


def contents(content: bytes, media_type: str = "", limits: Limits | None = None) -> Contents:
    """Read a file within this process, for files that are trusted.

    Raises:
        Reject: as ``read``.
    """
    limits = limits or Limits()
    kind = _kind(content, media_type)
    pages, scans = 0, []
    if kind == "application/pdf":
        from shared.knowledge import paragraphs, pdf

        reading = pdf.lines(content, most_pages=limits.pages, most_characters=limits.characters)
        pages, scans = reading.pages, reading.scans
        found = paragraphs.blocks(reading.lines, reading.pages)
    else:
        text = _html_text(content) if kind == "text/html" else plaintext.decoded(content)
        if kind != "text/html" and len(text) > limits.characters:
            raise Reject(f"the text has more than {limits.characters} characters; split it")
        if kind == "text/plain" and media_type != "text/plain" and _MARKDOWN.search(text):
            kind = "text/markdown"
        if kind == "text/html":
            found = markup.blocks(text)
        else:
            found = plaintext.of_markdown(text) if kind == "text/markdown" else plaintext.of_text(text)
    if sum(len(block.text) for block in found) > limits.characters:
        raise Reject(f"the text has more than {limits.characters} characters; split it")
    if not found:
        raise Reject(_empty(pages, scans))
    return Contents(media_type=kind, blocks=tuple(found), pages=pages, scans=tuple(scans))


def environment() -> dict[str, str]:
    """Of this process only what Python needs: no secret is where a stranger's file could reach it."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}


def _kind(content: bytes, declared: str) -> MediaType:
    head = content[:_HEAD]
    if b"%PDF-" in head:
        return "application/pdf"
    for start, what in _OTHERS:
        if content.startswith(start):
            raise Reject(f"the file is {what}")
    declared = declared.partition(";")[0].strip().lower()
    if declared == "application/pdf":
        raise Reject("the file is no PDF, though it is said to be one")
    if _HTML.match(head.removeprefix(b"\xef\xbb\xbf")) or declared == "text/html":
        return "text/html"
    return "text/markdown" if declared == "text/markdown" else "text/plain"


def _html_text(content: bytes) -> str:
    named = _CHARSET.search(content[:_HEAD])
    if named is not None and named.group(1).lower() in (b"iso-8859-1", b"latin1", b"windows-1252", b"iso-8859-15"):
        return content.decode("cp1252", "replace")
    return plaintext.decoded(content)


def _empty(pages: int, scans: list[int]) -> str:
    if not scans:
        return "the file has no text"
    where = f"pages 1–{pages}" if len(scans) == pages > 1 else f"page{'s' * (len(scans) > 1)} {_listed(scans)}"
    return f"the PDF is a scan without a text layer ({where}); have it read by OCR first"


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:20]))
    return shown if len(numbers) <= 20 else f"{shown} …"


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _stopped(code: int, limits: Limits) -> Exception:
    if code == -signal.SIGXCPU:
        return Reject(f"reading the file takes more than {limits.seconds} s; split or simplify it")
    if code in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT):
        return Retry("the process that reads files was ended from outside")
    return Reject(
        f"the file stops its reader (status {code}): broken, or needs more than {limits.memory >> 20} MB of memory"
    )


def _serve() -> None:
    """One file from standard input, its outcome to standard output."""
    task = _Task.model_validate_json(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_AS, (task.limits.memory + len(content), task.limits.memory + len(content)))
    resource.setrlimit(resource.RLIMIT_CPU, (task.limits.seconds, task.limits.seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        outcome = _Outcome(contents=contents(content, task.declared, task.limits))
    except Reject as error:
        outcome = _Outcome(reject=str(error))
    except RecursionError:
        outcome = _Outcome(reject="the file is nested too deep")
    except (MemoryError, SelectolaxError):  # lexbor fails for want of memory alone
        outcome = _Outcome(reject=f"reading the file needs more than {task.limits.memory >> 20} MB of memory")
    except Exception as error:
        outcome = _Outcome(failure=type(error).__name__)
    sys.stdout.write(outcome.model_dump_json())


if __name__ == "__main__":
    _serve()
