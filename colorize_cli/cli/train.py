"""``colorize train PHOTOS... -m MODEL -o run/``: parse, train, report."""

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from colorize_cli.cli.options import Json, Quiet, with_options
from colorize_cli.cli.terminal.console import Console, Results
from colorize_cli.option import Option
from colorize_cli.training.train_options import RUN, TrainOptions

PushToHub = Annotated[
    str | None,
    Option("Publish the best checkpoint and its card on the Hub", RUN, metavar="OWNER/NAME", in_file=False),
]


@with_options
def train(options: TrainOptions, push_to_hub: PushToHub = None, json: Json = False, quiet: Quiet = False) -> None:
    """Train a model on color photographs.

    Writes best.safetensors, figures, sample pictures and curves into the run's folder.
    """
    if push_to_hub is not None:
        from colorize_cli.checkpoints.hub.push import check_destination

        check_destination(push_to_hub)  # not after hours of training
    from colorize_cli.training.ranks import current
    from colorize_cli.training.run import train as run
    from colorize_cli.training.terminal import TrainingProgress

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
