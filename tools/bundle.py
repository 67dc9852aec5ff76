"""Copy the weights of a finished training run to ``weights/``: set their default decoding, update the index.

python tools/bundle.py run/best.safetensors --vividness 0.75
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from colorize_cli import registry
from colorize_cli.checkpoints.file import load_checkpoint, save_checkpoint
from colorize_cli.checkpoints.locate import bundled_folder
from colorize_cli.checkpoints.verify import verify, write_index
from colorize_cli.errors import UsageProblem


def bundle(
    checkpoint: Path,
    vividness: Annotated[float | None, typer.Option(help="Default vividness, 0 to 1, for models that have it.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Default temperature, for models that have it.")] = None,
) -> None:
    """Copy a checkpoint into the bundled weights of its model and verify it there."""
    found = load_checkpoint(checkpoint)
    entry = registry.get(found.info.model)
    if entry.bundled is None or found.info.smoke:
        raise UsageProblem(f"{checkpoint} cannot be bundled: its model ships without weights, or it is a smoke run.")
    state = dict(found.state)
    for name, value in (("vividness", vividness), ("temperature", temperature)):
        if value is not None:
            if f"decode.default_{name}" not in state:
                raise UsageProblem(f"{entry.name} has no {name} to choose.")
            state[f"decode.default_{name}"] = torch.tensor(value)
    save_checkpoint(bundled_folder() / entry.bundled, state, found.info)
    write_index()
    result = verify(entry)
    print(f"{result.path}: {result.size / 2**20:.1f} MiB, sha256 {result.sha256}")


if __name__ == "__main__":
    typer.run(bundle)
