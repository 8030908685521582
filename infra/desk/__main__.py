"""``python -m infra.desk --port 8093 --portal http://127.0.0.1:8080``: staff pages without a sign-in service."""

from typing import Annotated

import typer
import uvicorn

from infra.desk.app import create_app


def main(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")],
    portal: Annotated[str, typer.Option(help="Address of the house.")],
) -> None:
    """Let whoever sits at this machine see what staff see."""
    uvicorn.run(
        create_app(f"http://127.0.0.1:{port}", portal.rstrip("/")), host="127.0.0.1", port=port,
        log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
