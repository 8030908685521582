"""More searches than the machine can answer, against the host's own process on real servers."""

import sys
from pathlib import Path

import pytest

from functions.xnext.index import index_of
from infra.bench import load
from infra.bench._offer import TRUSTED, offer
from infra.cms.city import load_city
from infra.stack.ports import free_port
from infra.stack.servers import QUIET, Server
from infra.stack.standins import answers
from shared.backends import Backends
from shared.knowledge.passages import Document, Section
from shared.settings import Settings
from tests.conftest import Launch

ROOT = Path(__file__).parents[2]
SECONDS = 4.0


def host(settings: Settings, folder: Path) -> Server:
    """``stadtfunk serve`` with the project's own catalogue, on a test's backends."""
    port = free_port()
    return Server(
        name="host",
        command=(sys.executable, "-m", "infra.cli", "serve"),
        environment={
            **QUIET,
            **TRUSTED,
            "PYTHONPATH": str(ROOT),
            "STADTFUNK_CATALOGUE": str(ROOT / "serverless.yaml"),
            "STADTFUNK_HOST__PORT": str(port),
            "STADTFUNK_NATS__URL": settings.nats.url,
            "STADTFUNK_VECTORS__URI": settings.vectors.uri,
            "STADTFUNK_EMBEDDINGS__URL": settings.embeddings.url,
            "STADTFUNK_XNEXT__COLLECTION": settings.xnext.collection,
        },
        folder=folder,
        ports=(port,),
        ready=lambda: answers(f"http://127.0.0.1:{port}/healthz"),
        provides={},
    )


async def test_what_is_too_much_is_refused_and_nothing_fails(
    settings: Settings, launch: Launch, tmp_path: Path
) -> None:
    use = Backends(settings)
    try:
        index = index_of(use)
        for page in [page for page in load_city().pages if page.public][:4]:
            sections = (Section(html=page.description()),)
            await index.write(Document(id=page.id, revision=1, title=page.name, sections=sections))
        await use.vectors.flush(index.collection)
    finally:
        await use.close()
    running = launch(host(settings, tmp_path / "host"))
    queries = load.distinct_queries(round(load.PER_SECOND * SECONDS))
    before = load.megabytes(running.pid or 0)
    outcome = await offer(f"http://127.0.0.1:{running.port}/api/search", queries, load.PER_SECOND, SECONDS)
    assert not outcome.errors
    assert outcome.offered == load.PER_SECOND * SECONDS
    assert outcome.served
    assert outcome.degraded == 0
    assert len(outcome.shed) > len(outcome.served)
    # Few are inside at a time (Little's law), whatever the machine: sixteen at work and their queue would be eighty.
    assert sum(outcome.served) / SECONDS < 50
    assert load.megabytes(running.pid or 0) < before + 150  # the first search loads what later ones have
    # What is over leaves nothing behind: the next one is answered at once.
    after = await offer(f"http://127.0.0.1:{running.port}/api/search", queries, 1.0, 2.0)
    assert len(after.served) == 2


@pytest.mark.heavy
@pytest.mark.timeout(1200)
def test_a_minute_of_it_on_the_whole_stack() -> None:
    figures = load.run()
    assert figures["offered"] == 12_000
    assert figures["errors"] == {}
    assert figures["degraded"] == 0
    for part in ("host_mb", "vectors_mb", "embeddings_mb"):
        memory = figures[part]
        assert isinstance(memory, dict)
        assert memory["most"] < memory["before"] + 200, part
