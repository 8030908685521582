"""``stadtfunk zammad topics``: the vectors of the topics' wordings, kept beside their files."""

import asyncio

import numpy as np
import typer

from functions.zammad import vectorfile
from functions.zammad.topicfiles import read
from functions.zammad.whitening import unit
from shared.backends import Backends
from shared.settings import Settings

app = typer.Typer(help="The topics that citizens write about.")


@app.command("topics")
def prepare_topics() -> None:
    """Compute the vectors of new wordings by the settings' model, so that no start has to wait for them."""

    async def run() -> str:
        use = Backends(Settings())
        try:
            model = use.embeddings
            wordings = tuple(dict.fromkeys(wording for topic in read() for wording in topic.wordings))
            known = dict(vectorfile.load(model.model_id))
            new = [wording for wording in wordings if vectorfile.key(wording) not in known]
            for wording, vector in zip(new, await model.embed(new, "query"), strict=True):
                known[vectorfile.key(wording)] = unit(np.array(vector, np.float32))
            rows = np.array([known[vectorfile.key(wording)] for wording in wordings])
            file = vectorfile.save(model.model_id, wordings, rows)
        finally:
            await use.close()
        return f"{len(wordings)} wordings in {file}, {len(new)} of them new"

    typer.echo(asyncio.run(run()))
