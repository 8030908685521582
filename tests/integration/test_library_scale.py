"""A file of a hundred megabytes in bounded memory, and a reader forgotten among its millions of rows."""

import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from events.library import ReaderErased
from functions.library import dayfiles
from functions.library.forget import erase_reader, report
from functions.library.loans import today
from functions.library.pseudonyms import Ring
from infra.worker.provision import provision
from shared.backends import Backends
from shared.jetstream import JetStreamBus
from shared.settings import Settings
from tests.integration.librarian import secrets_in

ROWS = 4_000_000
DAYS = 60
_CODE = """
import asyncio, sys
from pathlib import Path
from functions.library.importer import Import
from functions.library.table import Layout
from shared.backends import Backends
from shared.memory import peak_memory
from shared.settings import Settings

async def run():
    use = Backends(Settings(_env_file=None))
    def say(text):
        print(peak_memory() // 2**20, text, flush=True)
    await Import(use, Layout(), say, report=Path(sys.argv[2])).run([Path(sys.argv[1])])
    await use.close()
asyncio.run(run())
"""


@pytest.mark.heavy
async def test_memory_does_not_grow_with_the_file_and_an_erasure_reaches_every_row(
    settings: Settings, tmp_path: Path
) -> None:
    chance, file = random.Random(5), tmp_path / "loans.csv"
    days = [(today() - timedelta(days=number)).isoformat() for number in range(DAYS)]
    with file.open("w") as handle:
        handle.write("reader,title,day\n")
        for _ in range(ROWS):
            reader, title = int(chance.random() ** 2 * 80_000), int(chance.random() ** 2 * 20_000)
            handle.write(f"{100_000_000 + reader},{title},{days[int(chance.random() * DAYS)]}\n")
    assert file.stat().st_size > 90e6
    use = Backends(settings, secrets=secrets_in(tmp_path / "secrets"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")},
        "STADTFUNK_SECRETS_DIR": str(tmp_path / "secrets"),
        "STADTFUNK_NATS__URL": settings.nats.url,
        "STADTFUNK_OBJECTS__ENDPOINT": str(settings.objects.endpoint),
        "STADTFUNK_OBJECTS__ACCESS_KEY": settings.objects.access_key.get_secret_value(),
        "STADTFUNK_OBJECTS__SECRET_KEY": settings.objects.secret_key.get_secret_value(),
        "STADTFUNK_LIBRARY__BUCKET": settings.library.bucket,
    }
    command = [sys.executable, "-c", _CODE, str(file), str(tmp_path / "refused.csv")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: ASYNC221
    peaks = [int(line.split()[0]) for line in done.stdout.splitlines() if ": line " in line]
    assert len(peaks) == ROWS / 500_000
    # MB: after two chunks it has what it needs, whatever comes.
    assert peaks[-1] < 1.25 * peaks[1], peaks
    assert peaks[-1] < 1000, peaks

    bus = JetStreamBus(settings.nats)
    await bus.connect()
    await provision(bus.jetstream, {}, settings.nats)
    await bus.close()
    await dayfiles.settle(use)
    before = (await dayfiles.read(use)).num_rows
    readers = await Ring(use).every("100000003")
    theirs = (await dayfiles.count(use, readers, today())).rows
    assert theirs > 100
    erased = ReaderErased(request_id=uuid4().hex, readers=readers, day=today())
    await erase_reader(erased, use)
    proof = (await report(use, erased.request_id)).searched[0]
    assert (proof.searched, proof.removed, proof.left) == (DAYS, theirs, 0)
    assert (await dayfiles.read(use)).num_rows == before - theirs
    await use.close()
