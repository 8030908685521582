"""Files among the city's pages: an operator adds a PDF, a citizen finds it with its page, and it leaves again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner, Result

from functions.xnext.answer import answer
from functions.xnext.commands import app
from functions.xnext.files import blocks_of
from functions.xnext.index import document_with_file, index_of, index_page, remove_page
from functions.xnext.page import File, Page
from functions.xnext.revisions import counting, revision
from functions.xnext.search import search
from functions.xnext.source import source
from infra.worker.worker import Worker
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.function import EventFunction, function_of
from shared.knowledge import documents
from shared.knowledge.documents import Limits
from shared.settings import Settings
from tests.integration.hosting import catalogue_of, hosted
from tests.integration.workbench import catalogue
from tests.papers import column, pdf
from tests.polling import eventually

PAPERS = Path(__file__).parents[3] / "shared" / "data" / "ris_munich" / "pdf"
CATALOGUE = catalogue_of(
    answer={"events": [{"http": {"path": "/api/answer"}}], "access": "public"},
    source={"events": [{"http": {"path": "/source"}}], "access": "public"},
    search={"events": [{"http": {"path": "/api/search"}}], "access": "public"},
)
FEE = "Die Gebühr für die Befreiung von der Räumpflicht im Winter beträgt 48 Euro im Jahr."
STATUTE = pdf(
    column(
        ["Satzung der Stadt Auenfurt über das Räumen der Gehwege im Winter, gültig ab sofort", "für alle Anlieger."]
    ),
    column([f"Wer nicht räumen kann, lässt sich befreien. {FEE.partition(' im ')[0]}", FEE[FEE.index("im ") :]]),
)
Typed = Callable[..., Any]


@pytest.fixture
def typed(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typed:
    """`stadtfunk xnext …` as an operator types it, at the test's servers."""
    given = {
        "NATS__URL": settings.nats.url,
        "OBJECTS__ENDPOINT": str(settings.objects.endpoint),
        "OBJECTS__ACCESS_KEY": settings.objects.access_key.get_secret_value(),
        "OBJECTS__SECRET_KEY": settings.objects.secret_key.get_secret_value(),
        "XNEXT__BUCKET": settings.xnext.bucket,
        "XNEXT__COLLECTION": settings.xnext.collection,
    }
    for name, value in given.items():
        monkeypatch.setenv(f"STADTFUNK_{name}", value)
    monkeypatch.chdir(tmp_path)

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, list(words))

    return run


@pytest.fixture
async def use(settings: Settings) -> AsyncIterator[Backends]:
    """The test's servers, with a worker that indexes and removes."""
    functions: dict[str, EventFunction] = {}
    for one in (index_page, remove_page):
        function = function_of(one)
        assert isinstance(function, EventFunction)
        functions[function.name] = function
    backends = Backends(settings)
    await backends.objects.ensure_bucket(settings.xnext.bucket)
    limits = {"retry": {"attempts": 2, "initial": "10ms", "max": "50ms"}, "start": "all"}
    async with Worker(functions, catalogue(functions, **limits), settings):
        yield backends
    if await backends.vectors.has(index_of(backends).collection):
        await backends.vectors.drop(index_of(backends).collection)
    await backends.close()


async def found(url: str, q: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/search", params={"q": q}) as got:
        assert got.status == 200, await got.text()
        hits: list[dict[str, Any]] = (await got.json())["hits"]
        return hits


async def test_a_pdf_is_found_and_cited_with_its_page_and_leaves_when_removed(
    use: Backends, typed: Typed, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "Räumsatzung (neu).pdf"
    file.write_bytes(STATUTE)
    added = await typed(
        "add", str(file), "--title", "Räumsatzung", "--url", "https://auenfurt.example/r.pdf", "--category", "Recht"
    )
    assert added.exit_code == 0, added.output
    assert added.stdout == "files:raeumsatzung-neu: 'Räumsatzung', 2 pages, 228 characters, findable in a moment\n"
    async with hosted(
        CATALOGUE, answer, source, search, settings=settings,
        objects=use.objects, vectors=use.vectors, embeddings=use.embeddings, state=use.state,
    ) as url:  # fmt: skip

        async def there() -> bool:
            return bool(await found(url, "Räumpflicht Befreiung Gebühr"))

        await eventually(there, "the file is found")
        (hit,) = await found(url, "Räumpflicht Befreiung Gebühr")
        assert (hit["id"], hit["source"], hit["url"]) == (
            "files:raeumsatzung-neu", "files", "https://auenfurt.example/r.pdf",
        )  # fmt: skip
        assert hit["categories"] == ["Recht"]
        assert "_page" not in str(hit["facts"])
        assert {passage["page"] for passage in hit["passages"] if FEE in passage["text"]} == {2}
        async with aiohttp.ClientSession() as session:
            asked = {"q": "Was kostet die Befreiung von der Räumpflicht?"}
            async with session.get(f"{url}/api/answer", params=asked) as got:
                assert '"page":2' in (await got.text()).replace(" ", "")
            async with session.get(f"{url}/source?page={hit['id']}&revision=1&lang=en&quote={FEE}") as got:
                shown = await got.text()
        assert f'<mark id="quote">{FEE}</mark>' in shown
        assert shown.index("Page 1") < shown.index("für alle Anlieger") < shown.index("Page 2") < shown.index("<mark")

        assert (await typed("add", str(file), "--title", "Räumsatzung", "--url", "https://auenfurt.example/r.pdf",
                            "--category", "Recht")).stdout == "files:raeumsatzung-neu: unchanged\n"  # fmt: skip
        removed = await typed("remove", "files:raeumsatzung-neu")
        assert removed.exit_code == 0, removed.output

        async def gone() -> bool:
            return not await there()

        await eventually(gone, "the file is gone")
        twice = await typed("remove", "raeumsatzung-neu")
        assert "is no file in the search" in str(twice.exception)


async def test_an_erased_file_leaves_the_storage_and_what_others_share_stays(
    use: Backends, typed: Typed, settings: Settings, tmp_path: Path
) -> None:
    bucket = settings.xnext.bucket
    file, other = tmp_path / "brief.md", tmp_path / "kopie.md"
    file.write_text("# Brief\n\nDer erste Stand.")
    assert (await typed("add", str(file))).exit_code == 0
    both = "# Brief\n\nDer Stand, den beide haben."
    for one in (file, other):
        one.write_text(both)
        assert (await typed("add", str(one))).exit_code == 0

    async def indexed() -> bool:
        return sum([row.key.endswith(".json") async for row in use.objects.list(bucket, "revisions/")]) == 3

    await eventually(indexed, "three revisions are kept")
    said = await typed("remove", "files:brief", "--erase")
    assert said.exit_code == 0, said.output
    assert "2 revisions and 4 objects are erased; its content stays for files:kopie" in said.stdout
    stored = [await use.objects.get(bucket, row.key) async for row in use.objects.list(bucket)]
    assert not [data for data in stored if b"erste Stand" in data or b"files:brief" in data]
    assert both.encode() in stored
    page = (await revision("files:kopie", 1, use)).page
    assert page.file is not None
    assert await blocks_of(page.file, use)

    async def noted() -> bool:
        return (await counting(use))["files:brief"].removed

    await eventually(noted, "that it was removed stays noted")
    again = await typed("remove", "files:kopie")
    assert again.exit_code == 0, again.output
    said = await typed("remove", "files:kopie", "--erase")
    assert "files:kopie: 1 revisions and 3 objects are erased" in said.stdout
    assert [row.key async for row in use.objects.list(bucket) if not row.key.endswith(".removed")] == []
    assert (await typed("remove", "files:kopie", "--erase")).exit_code == 1


async def test_an_index_built_anew_holds_what_files_say(use: Backends, typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "hunde.md"
    file.write_text("# Hunde\n\nDie Anmeldung eines Hundes kostet 20 Euro.\n", encoding="utf-8")
    assert "files:hunde: 'Hunde', 47 characters" in (await typed("add", str(file))).stdout

    async def kept() -> bool:
        return "files:hunde" in await counting(use)

    await eventually(kept, "the revision is kept")
    page = (await revision("files:hunde", 1, use)).page
    assert page.file is not None
    assert page.file.media_type == "text/markdown"
    document = await document_with_file(page, 1, use)
    assert [block.text for block in document.sections[0].blocks] == [
        "Hunde",
        "Die Anmeldung eines Hundes kostet 20 Euro.",
    ]


async def test_files_that_cannot_be_read_are_said_and_the_others_added(
    use: Backends, typed: Typed, tmp_path: Path
) -> None:
    (tmp_path / "gut.txt").write_text("Das Amt ist offen.", encoding="utf-8")
    (tmp_path / "scan.pdf").write_bytes(pdf([], image=True))
    (tmp_path / "brief.docx").write_bytes(b"PK\x03\x04" + bytes(99))
    done = await typed("add", "gut.txt", "scan.pdf", "brief.docx", "fehlt.pdf")
    assert done.exit_code == 1
    assert done.stdout.startswith("files:gut: 'gut', 18 characters")
    assert done.stderr.splitlines() == [
        "scan.pdf: the PDF is a scan without a text layer (page 1); have it read by OCR first",
        "brief.docx: the file is an Office file or a ZIP archive; save it as PDF",
        "fehlt.pdf: cannot be read (No such file or directory)",
    ]
    assert (await typed("add", "gut.txt", "scan.pdf", "--title", "x")).exit_code == 2
    assert (await typed("add", "gut.txt", "--url", "javascript:alert(1)")).exit_code == 2
    assert "is no id" in (await typed("add", "gut.txt", "--id", "../x")).stderr


async def test_an_event_whose_file_lies_is_rejected_and_one_that_is_late_is_tried_again(use: Backends) -> None:
    with pytest.raises(Retry, match="no object 'files/x'"):
        await blocks_of(File(object_key="files/x", content_hash="0" * 64), use)
    await use.objects.put(use.settings.xnext.bucket, "files/x", b"anderes")
    with pytest.raises(Reject, match="its hash is another"):
        await blocks_of(File(object_key="files/x", content_hash="0" * 64), use)


def test_a_page_without_a_file_keeps_its_hash() -> None:
    assert b"file" not in Page(id="cms:1", source="cms", title="T").content()


async def test_a_process_of_its_own_bounds_what_a_file_costs() -> None:
    many = b"\n".join(b"BT /F1 9 Tf %d %d Td (x) Tj ET" % (at * 7 % 560, at * 13 % 800) for at in range(100_000))
    with pytest.raises(Reject, match="more than 1 s"):
        await documents.read(pdf(many), limits=Limits(seconds=1))
    with pytest.raises(Reject, match="memory"):
        await documents.read(b"<p>x" * 2_000_000, "text/html", Limits(memory=220 * 2**20))
    with pytest.raises(Reject, match="more than 10"):
        await documents.read(b"ein langer Text", limits=Limits(bytes=10))


async def test_a_reader_that_is_ended_from_outside_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def killed(*words: Any, **more: Any) -> asyncio.subprocess.Process:
        process = await start(*words, **more)
        started.append(process)
        process.kill()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", killed)
    with pytest.raises(Retry, match="ended from outside"):
        await documents.read(b"Text")
    assert started[0].returncode == -9


async def test_a_reader_ends_with_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def noted(*words: Any, **more: Any) -> asyncio.subprocess.Process:
        started.append(await start(*words, **more))
        return started[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    reading = asyncio.create_task(documents.read((PAPERS / "5932071.pdf").read_bytes()))

    async def running() -> bool:
        return bool(started)

    await eventually(running, "the reader runs")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert started[0].returncode == -9


async def test_a_councils_paper_is_read_whole() -> None:
    read = await documents.read((PAPERS / "6414694.pdf").read_bytes())
    assert (read.media_type, read.pages, read.scans) == ("application/pdf", 12, ())
    assert {block.page for block in read.blocks} == set(range(1, 13))
