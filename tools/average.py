"""Average the weights of checkpoints of one architecture, as a stage with ``mean_of`` does within one run.

python tools/average.py fine/last.safetensors people/last.safetensors large/last.safetensors -o mean.safetensors
"""

from pathlib import Path
from typing import Annotated

import typer

from colorize_cli.checkpoints.file import load_checkpoint, save_checkpoint
from colorize_cli.errors import UsageProblem
from colorize_cli.models.network import mean_weights


def average(checkpoints: list[Path], output: Annotated[Path, typer.Option("-o", "--output")]) -> None:
    """Write the mean of the weights, with the metadata of the last file."""
    found = [load_checkpoint(path) for path in checkpoints]
    kinds = {(each.info.model, each.info.variant) for each in found}
    if len(kinds) > 1:
        raise UsageProblem(
            f"The checkpoints have different architectures: {sorted(kinds)}.", "Give checkpoints of one architecture."
        )
    save_checkpoint(output, mean_weights([each.state for each in found]), found[-1].info)


if __name__ == "__main__":
    typer.run(average)
