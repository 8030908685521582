"""Files of loans into day files, and catalogue files into events: real S3 and NATS."""

import csv
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from pymarc import Field, Indicators, Record, Subfield, XMLWriter

from events.library import TitleChanged, TitleRemoved
from functions.library import dayfiles, importer, tombstones
from functions.library.importer import IMPORTS, Done, Import
from functions.library.loans import today
from functions.library.pseudonyms import Ring
from functions.library.records import changes
from functions.library.table import Layout, TableError
from shared.backends import Backends
from shared.secrets import Secrets
from shared.settings import Settings

MASTER = "a master secret of the tests, long enough"


@pytest.fixture
async def use(settings: Settings, tmp_path: Path) -> AsyncIterator[Backends]:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "library-master").write_text(MASTER)
    backends = Backends(settings, secrets=Secrets(folder))
    yield backends
    await backends.close()


class Told(list[str]):
    """What the importer says."""

    def __call__(self, text: str) -> None:
        self.append(text)

    @property
    def text(self) -> str:
        return "\n".join(self)


def loans_of(count: int, *, days: int = 20) -> list[tuple[str, str, date]]:
    chance = random.Random(7)
    found = {
        (f"R{chance.randrange(90):05d}", f"t{chance.randrange(50)}", today() - timedelta(days=chance.randrange(days)))
        for _ in range(count)
    }
    return sorted(found)


def written(file: Path, rows: list[tuple[str, str, date]]) -> Path:
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["reader", "title", "day"])
        writer.writerows(rows)
    return file


async def test_a_folder_of_nightly_files_is_read_once(use: Backends, tmp_path: Path) -> None:
    rows, told = loans_of(400), Told()
    folder = tmp_path / "nightly"
    folder.mkdir()
    written(folder / "a.csv", rows[:250])
    written(folder / "b.csv", rows[200:])  # overlaps
    run = Import(use, Layout(), told, report=tmp_path / "refused.csv", chunk=100)
    events = await run.run([folder])
    assert [event.loans for event in events] == [250, len(rows[200:])]
    assert (events[0].refused, events[0].first_day) == (0, min(day for *_, day in rows[:250]))
    assert await run.run([folder]) == []
    assert "was imported before" in told.text
    assert len(await run.run([folder / "a.csv"], again=True)) == 1
    await dayfiles.settle(use)
    assert (await dayfiles.read(use)).num_rows == len(rows)
    assert not (tmp_path / "refused.csv").exists()


async def test_a_file_read_in_another_way_takes_no_place_of_parts_that_are_being_merged(
    use: Backends, tmp_path: Path
) -> None:
    day, file = today(), tmp_path / "loans.csv"
    file.write_text(f"reader,copy,title,day\nA1,c1,t1,{day}\nA2,c2,t2,{day}\n")
    wrong, right = Layout({"title": "copy"}), Layout()
    await Import(use, wrong, Told(), report=tmp_path / "r.csv").run([file])
    before = {part.key async for part in dayfiles.parts(use)}
    # Were the parts of the same name, a merge of the old ones would remove the new ones.
    await Import(use, right, Told(), report=tmp_path / "r.csv").run([file])
    assert before < {part.key async for part in dayfiles.parts(use)}
    assert set((await dayfiles.read(use))["title"].to_pylist()) == {"c1", "c2", "t1", "t2"}


async def test_what_is_kept_of_a_file_is_bounded(
    use: Backends, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "_KNOWN", 10)
    monkeypatch.setattr(importer, "_REPORTED", 25)
    file, told = tmp_path / "loans.csv", Told()
    lines = [f"A{n},t{n},{today()}" if n % 2 else f"A{n},t{n},gestern" for n in range(200)]
    file.write_text("reader,title,day\n" + "\n".join(lines) + "\n")
    (event,) = await Import(use, Layout(), told, report=tmp_path / "refused.csv", chunk=20).run([file])
    assert (event.loans, event.refused) == (100, 100)
    assert (await dayfiles.read(use)).num_rows == 100
    assert len((tmp_path / "refused.csv").read_text().splitlines()) == 1 + 25
    assert "100 rows refused (see " in told.text
    assert "which tells the first 25)" in told.text


async def test_a_killed_import_goes_on_and_counts_once(use: Backends, tmp_path: Path) -> None:
    rows = loans_of(600)
    file = written(tmp_path / "loans.csv", rows)

    class Killed(Exception):
        pass

    def say(text: str) -> None:
        if "line 301" in text:
            raise Killed

    with pytest.raises(Killed):
        await Import(use, Layout(), say, report=tmp_path / "r.csv", chunk=100).run([file])
    told = Told()
    (event,) = await Import(use, Layout(), told, report=tmp_path / "r.csv", chunk=100).run([file])
    assert "goes on after line 301" in told.text
    assert event.loans == len(rows)
    assert (await dayfiles.read(use)).num_rows == len(rows)


def test_the_process_is_killed_between_parts_and_record(
    settings: Settings, tmp_path: Path
) -> None:  # fmt: skip
    rows = loans_of(1500, days=20)
    file = written(tmp_path / "loans.csv", rows)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")},
        "STADTFUNK_NATS__URL": settings.nats.url,
        "STADTFUNK_OBJECTS__ENDPOINT": str(settings.objects.endpoint),
        "STADTFUNK_OBJECTS__ACCESS_KEY": settings.objects.access_key.get_secret_value(),
        "STADTFUNK_OBJECTS__SECRET_KEY": settings.objects.secret_key.get_secret_value(),
        "STADTFUNK_LIBRARY__BUCKET": settings.library.bucket,
        "STADTFUNK_SECRET_LIBRARY_MASTER": MASTER,
    }
    code = f"""
import asyncio
from pathlib import Path
from functions.library import dayfiles, importer
from functions.library.importer import Import
from functions.library.table import Layout
from shared.backends import Backends
from shared.settings import Settings

async def run():
    use = Backends(Settings(_env_file=None))
    await Import(use, Layout(), print, report=Path({str(tmp_path / "r.csv")!r}), chunk=500).run([Path({str(file)!r})])
    print("rows", (await dayfiles.read(use)).num_rows)
    await use.close()
asyncio.run(run())
"""
    command = [sys.executable, "-u", "-c", code]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        line = first.stdout.readline()  # one chunk is in; the next is being written
        first.send_signal(signal.SIGKILL)
    assert "line 501" in line
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert "goes on after line" in done.stdout
    assert f"rows {len(rows)}\n" in done.stdout


BAD = """Leser;Titel;Datum
Kartenleser11;t1;{today}
Kartenleser12;t2
Kartenleser13;t3;gestern
;t4;{today}
Kartenleser14;;{today}
Kartenleser15;t5;01.01.1999
Kartenleser16;"t6;{today}
Kartenleser17;t7;{german}
Kartenleser18;"t8";{today}T10:00:00
Kartenleser19;t9;2999-01-01
"""


async def test_bad_rows_are_told_by_line_and_reason_and_good_ones_are_in(use: Backends, tmp_path: Path) -> None:
    day = today()
    file, report, told = tmp_path / "bad.csv", tmp_path / "refused.csv", Told()
    text = BAD.format(today=day, german=f"{day:%d.%m.%Y}")
    file.write_bytes(
        text.encode()
        + b"Kartenleser20;\xff\xfe;x\n"
        + b"Kartenleser21;"
        + b"x" * 70_000
        + b"\n"
        + f"Kartenleser22;t10;{day}".encode()
    )
    (event,) = await Import(use, Layout(), told, report=report).run([file])
    assert (event.loans, event.refused) == (4, 9)
    assert {row["title"] for row in (await dayfiles.read(use)).to_pylist()} == {"t1", "t7", "t8", "t10"}
    lines = report.read_text().splitlines()
    assert lines[0] == "file,line,reason"
    assert 'bad.csv,3,"has 2 fields, 3 are needed"' in lines
    assert "bad.csv,13,is longer than 65536 bytes" in lines
    assert "Kartenleser" not in report.read_text() + told.text


@pytest.mark.parametrize(
    ("content", "layout", "said"),
    [
        (b"a,b,c\n1,2,3\n", Layout(), "there is no column for the reader; it has a, b, c. Name it with --column"),
        (b"a,title,day\n1,2,3\n", Layout({"reader": "z"}), "no column 'z'"),
        (b"Kartenleser,t1,2026-01-01\n", Layout(), "its first line does not look like a header"),
        ("reader,title,day\n".encode("utf-16"), Layout(), "UTF-16; save it as UTF-8"),
        (b"\x1f\x8bnot gzip", Layout(), "cannot be read to its end"),
        (b"", Layout(), "there is no column for the reader"),
    ],
)
async def test_a_file_that_is_none_is_refused_with_the_way_out(
    use: Backends, tmp_path: Path, content: bytes, layout: Layout, said: str
) -> None:
    file = tmp_path / ("a.csv.gz" if content.startswith(b"\x1f") else "a.csv")
    file.write_bytes(content)
    with pytest.raises(TableError) as caught:
        await Import(use, layout, Told(), report=tmp_path / "r.csv").run([file])
    assert said in str(caught.value)
    assert "Kartenleser" not in str(caught.value)


async def test_windows_text_is_read_and_an_erased_reader_does_not_come_back(use: Backends, tmp_path: Path) -> None:
    file, told = tmp_path / "w.csv", Told()
    file.write_bytes(f"reader,title,day\nMüller,Größe,{today()}\nBert,t,{today()}\n".encode("cp1252"))
    key = await Ring(use).key(today())
    assert key
    readers = await Ring(use).every("müller")
    await tombstones.set_up(use, readers, today())
    (event,) = await Import(use, Layout(), told, report=tmp_path / "r.csv").run([file])
    assert "read as Windows-1252" in told.text
    assert event.loans == 2
    assert [row["title"] for row in (await dayfiles.read(use)).to_pylist()] == ["t"]
    assert Done.model_validate_json((await use.state.bucket(IMPORTS).get(event.digest)).value).finished  # type: ignore[union-attr]


def marc() -> Record:
    record = Record(leader="00000nam a2200000 a 4500")
    record.add_field(Field(tag="001", data="ppn1"))  # type: ignore[no-untyped-call]
    record.add_field(Field(tag="008", data="200101s2019    gw     j            ger  "))  # type: ignore[no-untyped-call]

    def add(tag: str, *pairs: tuple[str, str]) -> None:
        subfields = [Subfield(code, value) for code, value in pairs]
        record.add_field(Field(tag=tag, indicators=Indicators(" ", " "), subfields=subfields))  # type: ignore[no-untyped-call]

    add("245", ("a", "Die Insel der Möwen :"), ("b", "Roman /"))
    add("100", ("a", "Brandt, Ada,"))
    add("650", ("a", "Meer"))
    add("689", ("a", "Meer"))
    add("520", ("a", "Ein Sommer am Meer."))
    add("852", ("b", "Hafen"))
    add("264", ("c", "[2019]"))
    return record


ISLAND = {
    "id": "ppn1", "title": "Die Insel der Möwen : Roman", "author": "Brandt, Ada", "subjects": ("Meer",),
    "blurb": "Ein Sommer am Meer.", "language": "ger", "medium": "book", "age_group": "children", "year": 2019,
    "branches": ("Hafen",), "series": "",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["mrc", "xml", "csv"])
def test_catalogue_files_become_events(tmp_path: Path, kind: str) -> None:
    file, told = tmp_path / f"a.{kind}", Told()
    if kind == "mrc":
        gone = Record(leader="00000dam a2200000 a 4500")
        gone.add_field(Field(tag="001", data="ppn2"))  # type: ignore[no-untyped-call]
        file.write_bytes(marc().as_marc() + gone.as_marc() + b"00030nothing of the kind\x1d")
    elif kind == "xml":
        with file.open("wb") as handle:
            writer = XMLWriter(handle)
            writer.write(marc())
            writer.close(close_fh=False)
    else:
        file.write_text(
            "id;title;author;subjects;blurb;language;medium;age_group;year;branches\n"
            'ppn1;Die Insel der Möwen : Roman;"Brandt, Ada";Meer|Meer;'
            "Ein Sommer am Meer.;ger;book;children;2019;Hafen\n"
            ";ohne Nummer;;;;;;;;\n"
        )
    found = list(changes(file, told))
    assert isinstance(found[0], TitleChanged)
    assert found[0].model_dump(exclude={"revision"}) == ISLAND
    assert [type(one) for one in found[1:]] == ([TitleRemoved] if kind == "mrc" else [])
    assert bool(told) == (kind != "xml")


def test_a_catalogue_file_without_a_title_column_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x\n1,2\n")
    with pytest.raises(TableError, match="no column for the title; name one of them title"):
        list(changes(tmp_path / "a.csv", Told()))
