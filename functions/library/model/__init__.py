"""The recommendation model: co-loans and content, blended into one list of neighbours a title.

    model = await store.live(use)                      # None before the first training; kept in memory by version
    for one in model.recommend(["t17", "t4"], 20):     # a basket of title ids; a few ms, no I/O
        one.title, one.score, one.because, one.readers, one.by, one.loans

What is served is what is evaluated: truncated lists, kept as Parquet with a model card. ``by`` is "loans" when
the larger part of a score comes from co-loans, "content" when it comes from what the catalogue says, "popular"
when the basket had nothing to say. Beneath stands one rule: two titles are neighbours by loans only when at least
five distinct readers had both (``LEAST_READERS``); otherwise content or popularity speak.

``interactions`` loans as a matrix; ``popularity``, ``knn``, ``ease``, ``content`` the algorithms;
``validation`` splits and tuning; ``blend`` the training; ``neighbours`` what is served; ``measures`` the figures;
``learning`` one training with its comparison; ``card`` the model card; ``store`` versions, and which one is live.
"""

from functions.library.model.neighbours import LEAST_READERS, Model, Scored

__all__ = ["LEAST_READERS", "Model", "Scored"]
