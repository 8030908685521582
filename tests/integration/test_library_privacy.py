"""No reader's id in any store: marked ids go in by every door, then every file, line, span and figure is searched."""

import asyncio
import gzip
import io
import json
import zipfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from hashlib import md5, sha1, sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pyarrow.parquet as pq
import pytest
from aiohttp import web

from events.library import LoanRecorded, SettlingAsked, TrainingAsked
from events.subjects import subject_of
from functions.library import dayfiles
from functions.library.forget import erase_reader, erasure_report, forget
from functions.library.fresh import settle_loans
from functions.library.importer import Import
from functions.library.loans import loans, record_loan, today
from functions.library.pseudonyms import Ring, pseudonym
from functions.library.table import Layout
from functions.library.train import train
from shared import telemetry
from shared.backends import Backends
from shared.bus import enveloped
from shared.jetstream import JetStreamBus
from shared.settings import Settings, TelemetrySettings
from tests.integration.librarian import library, secrets_in
from tests.polling import eventually

STRANGER = "whsec_" + b64encode(b"another secret of some length...").decode()


class Mark:
    """A reader's id that occurs nowhere else, and what a careless house would make of it."""

    def __init__(self) -> None:
        self.id = f"Leser{uuid4().hex.upper()}"
        forms = [self.id, self.id.lower(), self.id.upper(), b64encode(self.id.encode())[:-4].decode()]
        digests = [make(form.encode()).hexdigest() for form in forms[:3] for make in (md5, sha1, sha256)]
        self.needles = [form.encode() for form in (*forms, *digests)] + [self.id.encode("utf-16-le")]

    def in_(self, data: bytes) -> bool:
        """Whether it stands there, in any form; in packed data too."""
        return any(needle in one for one in _unpacked(data) for needle in self.needles)


def _unpacked(data: bytes) -> list[bytes]:
    found = [data]
    if data[:4] == b"PAR1":
        found.append(json.dumps(pq.read_table(io.BytesIO(data)).to_pylist(), default=str).encode())
    elif data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found += [archive.read(name) for name in archive.namelist()]
    elif data[:2] == b"\x1f\x8b":
        found.append(gzip.decompress(data))
    return found


@pytest.fixture
async def spans(settings: Settings) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A collector's address, and what arrives there."""
    arrived: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        arrived.append(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    yield f"http://127.0.0.1:{port}", arrived
    await asyncio.to_thread(telemetry.shutdown)
    await runner.cleanup()


async def test_no_reader_is_found_in_any_store(
    settings: Settings,
    stack_folder: Path,
    tmp_path: Path,
    spans: tuple[str, list[bytes]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    mark, title = Mark(), f"titel-{uuid4().hex}"
    settings = settings.model_copy(update={"telemetry": TelemetrySettings(otlp_endpoint=spans[0], log_level="debug")})
    use = Backends(settings, secrets=secrets_in(tmp_path / "secrets"))
    await use.objects.ensure_bucket(settings.library.bucket)
    said: list[str] = []
    answers: list[Any] = []
    async with library(use, loans, record_loan, forget, erase_reader, erasure_report) as system:
        # By HTTP: a good one, and every way to be refused.
        answers.append(await system.tell((mark.id, title, today()), (mark.id, "t2", today() - timedelta(days=370))))
        for body in (
            {"loans": [{"reader": mark.id, "title": title, "day": "gestern"}]},
            {"loans": [{"reader": mark.id, "title": title, "day": "1999-01-01"}]},
            {"loans": [{"reader": mark.id * 9, "title": title, "day": str(today())}]},
            {"loans": [{"reader": [mark.id], "title": "", "day": str(today())}]},
            {"loans": mark.id, mark.id: mark.id},
            '{"loans": [{"reader": "' + mark.id,
            {"loans": [{"reader": mark.id, "title": "x" * 200_000, "day": str(today())}]},
        ):
            status, answer = await system.send("/library/loans", body)
            assert 400 <= status < 500
            answers.append(answer)
        answers.append(await system.send("/library/loans", {"loans": mark.id}, secret=STRANGER))
        # A bug on the way: the master secret is gone.
        master = (tmp_path / "secrets" / "library-master").rename(tmp_path / "secrets" / "gone")
        status, answer = await system.tell((mark.id, title, today()))
        assert status >= 500
        answers.append(answer)
        master.rename(tmp_path / "secrets" / "library-master")

        # By file: good and bad rows, stopped in the middle, and once more.
        file = tmp_path / "nightly.csv"
        lines = [f"{mark.id},i{number},{today()}" for number in range(30)]
        lines[10:10] = [f"{mark.id}", f'"{mark.id},x,{today()}', f"{mark.id},t,morgen", f"x,{mark.id},2999-01-01"]
        file.write_text("reader,title,day\n" + "\n".join(lines) + "\n")

        class Stopped(Exception):
            pass

        def say(text: str) -> None:
            said.append(text)
            if len(said) == 2:
                raise Stopped

        report = tmp_path / "refused.csv"
        with pytest.raises(Stopped):
            await Import(use, Layout(), say, report=report, chunk=10).run([file])
        await Import(use, Layout(), said.append, report=report, chunk=10).run([file])
        assert report.exists()

        # A dead letter, with an event of the reader in it.
        mine = await Ring(use).every(mark.id)
        now = pseudonym(mark.id, *await Ring(use).key(today()))  # at the turn of a year the last one is tomorrow's
        bus = JetStreamBus(settings.nats)
        loan = LoanRecorded(reader=now, title=title, day=today())
        broken = enveloped(loan, id=uuid4().hex, source="/test")
        await bus.store(subject_of(LoanRecorded.type, loan.reader), broken.data[:-9], broken.headers())

        counts: list[tuple[int, int]] = []

        async def told() -> bool:
            counts.append(((await dayfiles.read(use)).num_rows, (await use.erasure.left(mine)).dead))
            return counts[-1] == (32, 1)

        try:
            await eventually(told, "32 loans and a dead letter")
        except AssertionError as error:
            raise AssertionError(f"loans and dead letters: {list(dict.fromkeys(counts))}") from error
        await settle_loans(SettlingAsked(), use)
        # What is stored is seen by this search: else it would prove nothing.
        assert _files(stack_folder / "nats", lambda data: title.encode() in data)
        assert await _found(use, title.encode())
        assert await _found(use, now.encode())

        assert await train(TrainingAsked(), use) is not None
        assert [stored async for stored in use.objects.list(settings.library.bucket, "models/")]

        answers.append(await system.send("/library/forget", {"reader": mark.id * 9}))
        status, asked = await system.send("/library/forget", {"reader": mark.id})
        assert status == 202

        async def reported() -> Any:
            status, found = await system.ask(f"/library/forget/report?request_id={asked['request_id']}")
            return found if status == 200 else None

        answers.append(await eventually(reported, "the report"))
        async with aiohttp.ClientSession() as session, session.get(f"{system.url}/metrics") as metrics:
            answers.append(await metrics.text())
        await bus.close()
    await asyncio.to_thread(telemetry.shutdown)
    captured = capfd.readouterr()

    assert _files(stack_folder, mark.in_) == []
    keys = [stored.key async for stored in use.objects.list(settings.library.bucket)]
    assert keys
    for key in keys:
        data = await use.objects.get(settings.library.bucket, key)
        assert not mark.in_(data), key
        assert not mark.in_(key.encode()), key
        assert not any(one.encode() in part for part in _unpacked(data) for one in mine), key
    assert spans[1]
    assert not any(mark.in_(body) for body in spans[1])
    assert "loans" in captured.err
    for text in (captured.out, captured.err, json.dumps(answers, default=str), "\n".join(said), report.read_text()):
        assert not mark.in_(text.encode())
        assert not any(one in text for one in mine)
    # The messages are overwritten on the broker's disk, not only unlisted; nobody else borrowed this title.
    assert _files(stack_folder / "nats", lambda data: title.encode() in data) == []
    await use.close()


def _files(folder: Path, has: Callable[[bytes], bool]) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and has(path.read_bytes())]


async def _found(use: Backends, needle: bytes) -> bool:
    bucket = use.settings.library.bucket
    async for stored in use.objects.list(bucket):
        if any(needle in part for part in _unpacked(await use.objects.get(bucket, stored.key))):
            return True
    return False
