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
    """Compute the vectors of all topics' wordings by the settings' model, so that no start has to wait for them."""

    async def run() -> str:
        use = Backends(Settings())
        try:
            model = use.embeddings
            wordings = tuple(dict.fromkeys(wording for topic in read() for wording in topic.wordings))
            vectors = unit(np.array(await model.embed(wordings, "query"), np.float32))
            file = vectorfile.save(model.model_id, wordings, vectors)
        finally:
            await use.close()
        return f"{len(wordings)} wordings in {file}"

    typer.echo(asyncio.run(run()))
