"""Copy the weights of a finished training run to ``weights/``: set their default decoding, update the index.

python tools/bundle.py run/best.safetensors --vividness 0.75
python tools/bundle.py run/best.safetensors --share gan

``--share MODEL`` stores the tensors that are the same in the bundled weights of that model there alone. Bundle that
model first: a file is bound to the other one's sha256.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from colorize_cli import registry
from colorize_cli.checkpoints.file import load_checkpoint, save_checkpoint
from colorize_cli.checkpoints.locate import bundled_folder
from colorize_cli.checkpoints.verify import verify, write_index
from colorize_cli.errors import UsageProblem
from colorize_cli.files import sha256_of


def shared_names(state: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> list[str]:
    """Return the names of the tensors that are bit for bit the same in both, sorted."""
    return sorted(
        name
        for name, tensor in state.items()
        if name in other and other[name].dtype == tensor.dtype and torch.equal(other[name], tensor)
    )


def bundle(
    checkpoint: Path,
    vividness: Annotated[float | None, typer.Option(help="Default vividness, 0 to 1, for models that have it.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Default temperature, for models that have it.")] = None,
    size: Annotated[int | None, typer.Option(help="Pixels to colorize at.")] = None,
    fit: Annotated[str | None, typer.Option(help="How a photo is brought to that size.")] = None,
    mirror: Annotated[bool | None, typer.Option(help="Average the answers for a photo and its mirror image.")] = None,
    share: Annotated[str | None, typer.Option(help="Model whose bundled weights hold part of these.")] = None,
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
    chosen = {name: value for name, value in (("size", size), ("fit", fit), ("mirror", mirror)) if value is not None}
    info = replace(found.info, input={**found.info.input, **chosen}, shared={})
    if "threshold" in state:
        # Of trees: they are fitted to lightnesses 0.4 apart, and float16 resolves 0.06; columns are few.
        state["threshold"] = state["threshold"].half()
        if int(state["feature"].max()) < 256:
            state["feature"] = state["feature"].to(torch.uint8)
    if share is not None:
        other = bundled_folder() / str(registry.get(share).bundled)
        names = shared_names(state, load_checkpoint(other).state)
        info = replace(info, shared={other.name: {"sha256": sha256_of(other), "tensors": names}})
        state = {name: tensor for name, tensor in state.items() if name not in names}
    save_checkpoint(bundled_folder() / entry.bundled, state, info)
    write_index()
    result = verify(entry)
    print(f"{result.path}: {result.size / 2**20:.1f} MiB, sha256 {result.sha256}")


if __name__ == "__main__":
    typer.run(bundle)
