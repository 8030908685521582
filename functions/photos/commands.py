"""What an operator does with photos: ``stadtfunk photos …``."""

import typer

__all__ = ["app"]

app = typer.Typer(help="Anonymising photos.", no_args_is_help=True)


@app.callback()
def photos() -> None:
    """Anonymising photos."""
