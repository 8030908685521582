"""`stadtfunk bench NAME|all`: benchmarks, each beside a peer or the raw limit of the same run."""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Annotated, Any

import typer

import infra.bench
from infra.cli.output import AsJson, err, fail, show_json, show_table

app = typer.Typer()


@app.command("bench")
def bench(
    name: Annotated[str, typer.Argument(help="A benchmark, or 'all'.")],
    quick: Annotated[bool, typer.Option(help="Fewer rounds: a look, not a figure to quote.")] = False,
    seconds: Annotated[float | None, typer.Option(min=1, help="How long to offer searches (of 'load').")] = None,
    folder: Annotated[Path, typer.Option(help="Where each result is written as JSON.")] = Path("build/bench"),
    as_json: AsJson = False,
) -> None:
    """Run benchmarks; every figure is measured now, on this machine."""
    known = sorted(module.name for module in pkgutil.iter_modules(infra.bench.__path__) if module.name[0] != "_")
    if name != "all" and name not in known:
        fail(f"unknown benchmark '{name}'; known: {', '.join(known)}, all")
    if seconds is not None and name != "load":
        fail("--seconds is of 'load'; the others take as long as their rounds")
    lasting = {} if seconds is None else {"seconds": seconds}
    results: dict[str, Any] = {}
    for one in known if name == "all" else [name]:
        module = importlib.import_module(f"infra.bench.{one}")
        err.print(f"{one}: {(module.__doc__ or '').strip().splitlines()[0]}", markup=False)
        results[one] = module.run(quick=quick, **lasting)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{one}.json").write_text(json.dumps(results[one], indent=2) + "\n", encoding="utf-8")
        if not as_json:
            show_table(one, ["Figure", "Value"], [(k, _said(v)) for k, v in results[one].items()])
    if as_json:
        show_json(results if name == "all" else results[name])


def _said(value: object) -> str:
    return (
        f"{value:,.3f}"
        if isinstance(value, float)
        else json.dumps(value)
        if isinstance(value, (dict, list))
        else str(value)
    )
