"""The retrieval core on real servers of its own, in a temporary folder: NATS, Milvus and the embedding model."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from infra.stack import servers
from infra.stack.ports import free_port
from infra.stack.process import Process
from shared.backends import Backends
from shared.knowledge.evaluation import Question, Said, Text, evaluate, fill, read, sampled
from shared.knowledge.index import Index
from shared.knowledge.measures import Measures
from shared.settings import EmbeddingSettings, NatsSettings, Settings, VectorSettings


async def judge(
    documents: Path, questions: Path, sample: int | None, said: Said
) -> tuple[dict[str, Measures], dict[str, object]]:
    """Index the documents, ask at most ``sample`` questions a language: measures by language, and on what.

    Raises:
        StadtfunkError: a file is wrong, or a server does not start or goes away.
    """
    texts = read(documents, Text)
    asked = sampled(read(questions, Question), sample)
    async with _servers() as use:
        index = Index("evaluation", use.vectors, use.embeddings, use.state)
        passages = await fill(index, texts, said)
        measured = await evaluate(index, asked, said)
        return measured, {
            "documents": len(texts),
            "passages": passages,
            "questions": len(asked),
            "model": use.embeddings.model_id,
        }


@asynccontextmanager
async def _servers() -> AsyncIterator[Backends]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stadtfunk-evaluate-")))
        ports: dict[str, int] = {}
        provides: dict[str, str] = {}
        for make in (servers.nats_server, servers.milvus, servers.embeddings):
            server = make(folder / make.__name__, lambda name: ports.setdefault(name, free_port()))
            process = Process(server, folder / f"{server.name}.log")
            stack.callback(process.stop)
            await process.start()
            provides |= server.provides
        settings = Settings(
            _env_file=None,
            nats=NatsSettings(url=provides["STADTFUNK_NATS__URL"]),
            vectors=VectorSettings(uri=provides["STADTFUNK_VECTORS__URI"]),
            embeddings=EmbeddingSettings(url=provides["STADTFUNK_EMBEDDINGS__URL"]),
        )
        use = Backends(settings)
        stack.push_async_callback(use.close)
        yield use
