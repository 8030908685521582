"""``python -m infra.cms --port 8090``: serve the demo city, or another city's file, on this machine."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from infra.cli.output import fail
from infra.cms.app import create_app
from infra.cms.city import load_city
from infra.cms.services import read_services
from infra.cms.webhook import Notifier
from shared.errors import StadtfunkError
from shared.secrets import Secrets


def main(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8090,
    city: Annotated[Path | None, typer.Option(help="A services.jsonl; left out: the demo city.")] = None,
    webhook: Annotated[str | None, typer.Option(help="Address that is told of changes.")] = None,
    search: Annotated[str | None, typer.Option(help="Address of the search page, linked from every page.")] = None,
    secrets_dir: Annotated[
        Path | None, typer.Option(envvar="STADTFUNK_SECRETS_DIR", help="Holds cms-webhook, the signing secret.")
    ] = None,
    public_url: Annotated[str | None, typer.Option(help="How readers reach it, e.g. behind a proxy.")] = None,
    live_seconds: Annotated[int, typer.Option(min=1, help="How often the garages' page changes.")] = 180,
) -> None:
    """Serve a city's pages as its content management systems would."""
    try:
        pages = read_services(city) if city else load_city()
        notifier = Notifier(webhook, Secrets(secrets_dir).get("cms-webhook")) if webhook else None
    except StadtfunkError as error:
        fail(str(error))
    base = (public_url or f"http://127.0.0.1:{port}").rstrip("/")
    app = create_app(pages, base, notifier=notifier, search=search, live_s=live_seconds)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=2)


if __name__ == "__main__":
    typer.run(main)
