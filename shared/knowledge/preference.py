"""Pages in easy language before all others, for who asks for them; what is not about the query stays where it is."""

from shared.knowledge.index import View
from shared.knowledge.reranking import Ranked

# Of the best document's score. On those of the demo city's 30 queries that something fits, easy pages of the thing have
# .5 to 1 (one has .3), those of other things up to .43 (one has .52). Cosines do not tell them apart.
_SHARE = 0.45


async def easy_first(ranked: Ranked, view: View) -> Ranked:
    """The documents, those in easy language that fit nearly as well as the best before all others.

    Raises:
        BackendError: Milvus is away.
    """
    fitting = [rows for score, rows in ranked if score >= _SHARE * ranked[0][0]]
    shown = await view.with_passages(await view.current(fitting), most=1)
    easy = {str(rows[0]["doc"]) for rows in shown if rows and rows[0]["easy"]}
    return sorted(ranked, key=lambda document: str(document[1][0]["doc"]) not in easy)  # stable: else as they were
