"""``colorize train PHOTOS... -m MODEL -o run/``: parse, train, report."""

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results


def train(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTOS", help="Folders and .zip archives of color photographs.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="The run's folder.")],
    model: common.Model = "gan",
    variant: Annotated[
        str | None, typer.Option(help="Architecture of the model. [default: its first]", show_default=False)
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="How to train. [default: the variant's first]", show_default=False)
    ] = None,
    stages: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Stages of the recipe. [default: all]", show_default=False)
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(
            help="Epochs of all stages together, in the recipe's proportions; fractions are allowed. "
            "[default: the recipe's]",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Photos a step.", show_default=False)] = None,
    accumulate: Annotated[int, typer.Option(help="Parts a batch is worked off in, to save memory.")] = 1,
    lr: Annotated[
        float | None, typer.Option(help="Learning rate; rates of single layers keep their ratio.", show_default=False)
    ] = None,
    size: Annotated[int | None, typer.Option(help="Pixels of the square trained on.", show_default=False)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Decoding processes. [default: cores, at most 8]", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    init: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Begin with these weights.", show_default=False)
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="pretrained|scratch|imagenet|hub|MODEL|FILE",
            help="Where the encoder's first weights come from. [default: the recipe's]",
            show_default=False,
        ),
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|ZIP",
            help="Photos to validate on. [default: a share of PHOTOS, chosen by content]",
            show_default=False,
        ),
    ] = None,
    validation_share: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of PHOTOS to validate on, without --validation.")
    ] = 0.03,
    save_every: Annotated[float, typer.Option(metavar="MINUTES", help="How often the state is saved.")] = 5.0,
    max_steps: Annotated[
        int | None, typer.Option(help="Stop after so many steps in all; --resume goes on.", show_default=False)
    ] = None,
    early_stopping: Annotated[
        int | None,
        typer.Option(
            metavar="EPOCHS",
            help="End a stage after so many epochs without a better validation PSNR.",
            show_default=False,
        ),
    ] = None,
    keep_every: Annotated[
        int | None,
        typer.Option(
            metavar="EPOCHS",
            help="Keep the weights of every so many epochs, as epoch-0001.safetensors and so on, to compare them.",
            show_default=False,
        ),
    ] = None,
    cache_gb: Annotated[float, typer.Option(help="Disk for decoded photos while training; 0 for none.")] = 4.0,
    smoke: Annotated[bool, typer.Option("--smoke", help="A short trial of everything; weights of no use.")] = False,
    push_to_hub: Annotated[
        str | None,
        typer.Option("--push-to-hub", metavar="OWNER/NAME", help="Publish the best checkpoint and its card there."),
    ] = None,
    seed: common.Seed = 0,
    device: common.Device = "auto",
    precision: common.Precision = "auto",
    json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Train a model on color photographs. The folder gets best.safetensors, figures, pictures and curves."""
    from colorize_cli.training.train_options import TrainOptions

    options = TrainOptions(
        photos=tuple(photos), output=output, model=model, variant=variant, recipe=recipe,
        stages=tuple(name.strip() for name in stages.split(",")) if stages else (), epochs=epochs,
        batch_size=batch_size, accumulate=accumulate, lr=lr, size=size, workers=workers, resume=resume, init=init,
        encoder=encoder, validation=validation, validation_share=validation_share, save_every=save_every,
        max_steps=max_steps, cache_gb=cache_gb, smoke=smoke, early_stopping=early_stopping,
        keep_every=keep_every, seed=seed or 0, device=device, precision=precision,
    )  # fmt: skip
    if push_to_hub is not None:
        from colorize_cli.checkpoints.hub.push import check_destination

        check_destination(push_to_hub)  # not after hours of training
    from colorize_cli.training.progress import TrainingProgress
    from colorize_cli.training.ranks import current
    from colorize_cli.training.run import train as run

    ranks = current()
    result = run(options, TrainingProgress(quiet or not ranks.first))
    if not ranks.first:
        return
    if push_to_hub is not None:
        from colorize_cli.checkpoints.hub.push import push

        folder = Path(result.folder)
        Console(quiet=quiet).say(push(folder / "best.safetensors", push_to_hub, pictures=sorted(folder.glob("*.png"))))
    results = Results()
    if json:
        results.line((json_module.dumps(asdict(result), indent=2) + "\n").encode("ascii"))
    else:
        results.path(Path(result.folder) / "best.safetensors")
