"""``colorize models download|path|remove|convert|push|export``: checkpoints between the Hub, its cache and the disk."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colorize_cli.cli.options import AcceptLicense, Model, Overwrite, Quiet, Weights, with_options
from colorize_cli.cli.terminal.console import Console, Results
from colorize_cli.cli.terminal.help_groups import OptionsCommand
from colorize_cli.errors import UsageProblem, WeightsMissing
from colorize_cli.option import Option

if TYPE_CHECKING:
    from colorize_cli.entry import HubFile, ModelEntry

Name = Annotated[str, Option("Name of the model", metavar="MODEL", argument=True)]
Which = Annotated[str | None, Option("Checkpoint to use", metavar="CHECKPOINT|hf://...", unset="the model's first")]


def register(app: typer.Typer) -> None:
    """Add these commands to ``colorize models``."""
    for command in (download, path, remove, convert, push, export):
        app.command(command.__name__, cls=OptionsCommand)(with_options(command))


def download(
    name: Name,
    weights: Which = None,
    accept_license: AcceptLicense = False,
    quiet: Quiet = False,
) -> None:
    """Download a published checkpoint from the Hugging Face Hub, verify it, and print its path."""
    from huggingface_hub.utils import disable_progress_bars

    from colorize_cli.checkpoints.verify import verify
    from colorize_cli.registry import get

    entry = get(name)
    file = _published(entry, weights)
    console = Console(quiet=quiet)
    size = f", {file.size / 1e6:.0f} MB" if file.size else ""
    console.say(f"{file}{size}, license: {file.licence or 'see its card'}")
    if quiet:
        disable_progress_bars()
    found = verify(entry, str(file) if weights and weights.startswith("hf://") else _key(entry, file),
                   accept_license=accept_license)  # fmt: skip
    console.say(f"Verified (sha256 {found.sha256}).")
    Results().path(found.path)


def path(name: Name, weights: Weights = None) -> None:
    """Print the path of the weights that would be used, without accessing the network."""
    from colorize_cli.checkpoints.locate import find_weights
    from colorize_cli.registry import get

    Results().path(find_weights(get(name), weights, offline=True))


def remove(name: Name, weights: Which = None, quiet: Quiet = False) -> None:
    """Delete a downloaded checkpoint from the cache, and downloads that were refused."""
    from colorize_cli.checkpoints.hub.download import remove as delete
    from colorize_cli.checkpoints.hub.pins import quarantined
    from colorize_cli.registry import get

    file = _published(get(name), weights)
    console = Console(quiet=quiet)
    refused = quarantined(file)
    freed = delete(file)
    for path in refused:
        console.say(f"Removed '{path}', which was not the published file.")
    console.say(f"{freed / 1e6:.1f} MB freed." if freed else f"{file} is not in the cache.")


def convert(
    source: Annotated[Path, Option("Original file: .pth, .bin or .safetensors", metavar="FILE", argument=True)],
    model: Annotated[str, Option("Model of the checkpoint", flags=("--model", "-m"), metavar="MODEL")],
    output: Annotated[Path, Option("File to write", flags=("--output", "-o"), metavar="FILE.safetensors")],
    variant: Annotated[str | None, Option("Architecture", metavar="NAME", unset="the model's first")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Convert a checkpoint that its authors published to the format of colorize."""
    from colorize_cli.checkpoints.foreign import convert as turn
    from colorize_cli.registry import get

    turn(source, get(model), output, variant=variant, overwrite=overwrite)
    Results().path(output)


def push(
    checkpoint: Annotated[
        Path, Option("Checkpoint, or the folder of a training run", metavar="FILE|FOLDER", argument=True)
    ],
    repo: Annotated[str, Option("Repository; created if it does not exist", metavar="OWNER/NAME", argument=True)],
    license: Annotated[str, Option("License of the weights, by its name on the Hub", metavar="NAME")] = "other",
    picture: Annotated[
        tuple[Path, ...], Option("Sample picture for the card; may be repeated", metavar="FILE", many=True)
    ] = (),
    private: Annotated[bool, Option("Create the repository as private")] = False,
) -> None:
    """Publish a checkpoint and its card on the Hugging Face Hub. Needs HF_TOKEN."""
    from colorize_cli.checkpoints.hub.push import push as upload

    file = checkpoint / "best.safetensors" if checkpoint.is_dir() else checkpoint
    url = upload(file, repo, licence=license, pictures=list(picture or ()), private=private)
    Results().line(f"{url}\n".encode())


def _published(entry: "ModelEntry", weights: str | None) -> "HubFile":
    from colorize_cli.checkpoints.locate import published_file

    file = published_file(entry, weights)
    if file is not None:
        return file
    if weights is not None:
        known = ", ".join(entry.hub) or "none"
        raise UsageProblem(f"'{weights}' is not a published checkpoint of {entry.name}.", f"Choose from: {known}.")
    if entry.original is not None:
        raise WeightsMissing(
            f"The weights of {entry.name} are published outside the Hub ({entry.original.licence}).",
            f"Download {entry.original.url} and run "
            f"`colorize models convert {os.fspath(entry.original.file)} -m {entry.name} -o {entry.name}.safetensors`.",
        )
    raise WeightsMissing(f"No checkpoint of {entry.name} is published on the Hub.", "See `colorize models show`.")


def _key(entry: "ModelEntry", file: "HubFile") -> str:
    return next(key for key, known in entry.hub.items() if known == file)


def export(
    target: Annotated[Path, Option("File to write", metavar="FILE.onnx", argument=True)],
    model: Model = "gan",
    weights: Weights = None,
    size: Annotated[
        int | None, Option("Side at which the file is checked", metavar="PIXELS", unset="the model's")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Export a network as ONNX and compare it with PyTorch: L* (batch, 1, height, width) in, a*b* out."""
    import torch

    from colorize_cli.checkpoints.onnx import check_model, check_target, export_onnx
    from colorize_cli.inference.colorizer import Colorizer
    from colorize_cli.registry import get

    check_model(get(model))
    check_target(target)
    colorizer = Colorizer(model, weights=weights, device="cpu", precision="fp32", size=size)
    provenance = colorizer.provenance()
    made = export_onnx(
        colorizer.network.to(memory_format=torch.contiguous_format),
        target,
        size=colorizer.size,
        metadata={
            "model": provenance.model,
            "weights_sha256": provenance.weights_sha256,
            "version": provenance.version,
            "input": "L* 0..100",
            "output": "a*b* in Lab units",
        },
    )
    Console(quiet=quiet).say(
        f"{made.size / 1e6:.1f} MB; onnxruntime and PyTorch differ by at most {made.difference:.2g} Lab units."
    )
    Results().path(made.path)
