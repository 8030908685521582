"""The second look of a search: a rerank model reads the query with the best documents and puts them in its order."""

from shared.errors import BackendError, Reject
from shared.knowledge.index import View
from shared.rerank import Rerank
from shared.vectors import Row

Ranked = list[tuple[float, list[Row]]]  # documents best first: (score, its rows best first)


async def reranked(ranked: Ranked, view: View, query: str, rerank: Rerank | None) -> Ranked:
    """The documents with the best of them reordered, each judged by its best passage; the scores stay at the places.

    No search fails or waits long for this: without a model, or where it is away, slow or refuses, the order stays
    (``stadtfunk_backend_failed_total{backend="rerank"}`` counts it).

    Raises:
        BackendError: Milvus is away.
    """
    if rerank is None or len(ranked) < 2:
        return ranked
    best, rest = ranked[: rerank.texts], ranked[rerank.texts :]
    passages = await view.with_passages(await view.current([rows for _, rows in best]), most=1)
    # A document without a passage was removed since, and is nobody's hit.
    judged = [(rows, shown[0]) for (_, rows), shown in zip(best, passages, strict=True) if shown]
    try:
        scores = await rerank.rank(query, [_text(shown) for _, shown in judged])
    except (BackendError, Reject):
        return ranked
    order = sorted(range(len(judged)), key=lambda at: -scores[at])  # stable: equals stay as they were
    return [(place, judged[at][0]) for (place, _), at in zip(best, order, strict=False)] + rest


def _text(row: Row) -> str:
    """A passage with what it stands under, as a reader would see it."""
    return "\n".join(part for part in (str(row["title"]), str(row["heading"]), str(row["text"])) if part)
