"""``python -m infra.plates train | evaluate | unmarked``: how the committed plate detector was made and measured."""

import json
from pathlib import Path
from typing import Annotated

import typer

from infra.plates import measuring
from infra.plates.frames import read

MODEL = Path(__file__).parent.parent / "vision" / "plates" / "plates.onnx"
Truth = Annotated[Path, typer.Option("--frames", help="the list of annotated frames, as plates.jsonl")]
app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def train(
    frames: Truth,
    *,
    out: Annotated[Path, typer.Option(help="the ONNX file; the weights are put beside it")] = MODEL,
    steps: int = 20_000,
    minutes: Annotated[float, typer.Option(help="stop after so long, with the schedule shortened to it")] = 1e9,
    batch: int = 32,
    side: int = 640,
    workers: int = 2,
    seed: int = 1,
    rate: float = 2e-3,
    start: Annotated[Path | None, typer.Option(help="weights to go on from")] = None,
) -> None:
    """Train on every frame that is not held out, write the model, measure it on those that are."""
    import torch

    from infra.plates.export import export
    from infra.plates.training import train as run

    training, measured = read(frames)
    network = run(
        training,
        steps=steps,
        minutes=minutes,
        batch=batch,
        side=side,
        workers=workers,
        seed=seed,
        start=start,
        rate=rate,
        said=typer.echo,
    )
    torch.save(network.state_dict(), out.with_suffix(".pt"))
    digest = export(network, out)
    detect = measuring.detector(out, threads=max(1, workers))
    for scale in (1.0, 0.5):
        for row in measuring.table(measured, measuring.found(measured, detect, scale=scale)):
            typer.echo(json.dumps({"scale": scale, **row}))
    typer.echo(f"{digest} {out.stat().st_size} bytes")


@app.command()
def evaluate(frames: Truth, model: Path = MODEL, scale: float = 1.0, threads: int = 1) -> None:
    """The figures of a model on the frames that no training saw."""
    _, measured = read(frames)
    for row in measuring.table(
        measured, measuring.found(measured, measuring.detector(model, threads=threads), scale=scale)
    ):
        typer.echo(json.dumps(row))


@app.command()
def unmarked(frames: Truth, model: Path = MODEL, threshold: float = 0.25, threads: int = 1) -> None:
    """What a model finds in the training frames that nobody annotated: to be looked at, and put into unmarked.jsonl."""
    training, _ = read(frames)
    for frame, (boxes, scores) in zip(
        training, measuring.found(training, measuring.detector(model, threads=threads)), strict=True
    ):
        new = [
            [*(round(float(value)) for value in box), round(float(score), 2)]
            for box, score in zip(boxes, scores, strict=True)
            if score >= threshold and not any(measuring.overlap(box, other) > 0.1 for other in frame.plates)
        ]
        if new:
            typer.echo(json.dumps({"file": frame.name, "boxes": new}))


app()
