"""``python -m infra.zammad --port 8091``: serve the demo help desk on this machine."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from infra.cli.output import fail
from infra.zammad.app import create_app
from infra.zammad.world import FILE, load_world
from shared.errors import StadtfunkError
from shared.secrets import Secrets


def main(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8091,
    world: Annotated[Path, typer.Option(help="The help desk's groups, agents, answers and tickets.")] = FILE,
    webhook: Annotated[str | None, typer.Option(help="Address that triggers tell.")] = None,
    secrets_dir: Annotated[
        Path | None,
        typer.Option(envvar="STADTFUNK_SECRETS_DIR", help="Holds zammad-token, the bot's, and zammad-webhook."),
    ] = None,
    portal: Annotated[str | None, typer.Option(help="Address of the platform's pages, to be linked.")] = None,
    state: Annotated[Path | None, typer.Option(help="File that keeps tickets over a restart.")] = None,
    public_url: Annotated[str | None, typer.Option(help="How it is reached, e.g. behind a proxy.")] = None,
    retry_seconds: Annotated[float, typer.Option(help="Before a refused webhook is repeated first.")] = 10.0,
) -> None:
    """Serve a help desk as Zammad would."""
    secrets = Secrets(secrets_dir)
    try:
        app = create_app(
            load_world(world),
            (public_url or f"http://127.0.0.1:{port}").rstrip("/"),
            token=secrets.get("zammad-token"),
            webhook=webhook,
            webhook_token=secrets.get("zammad-webhook") if webhook else None,
            unit_s=retry_seconds,
            state=state,
            portal=f"{portal.rstrip('/')}/" if portal else None,
        )
    except StadtfunkError as error:
        fail(str(error))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=2)


if __name__ == "__main__":
    typer.run(main)
