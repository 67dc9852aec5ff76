"""``colorize models download|path|remove|convert|push|export``: checkpoints between the Hub, its cache and the disk."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results
from colorize_cli.errors import UsageProblem, WeightsMissing

if TYPE_CHECKING:
    from colorize_cli.entry import HubFile, ModelEntry

Name = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.",
                                     autocompletion=common.complete_model)]  # fmt: skip
Which = Annotated[
    str | None,
    typer.Option("--weights", help="Which one. [default: the model's first]", metavar="CHECKPOINT|hf://...",
                 show_default=False),
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add these commands to ``colorize models``."""
    for command in (download, path, remove, convert, push):
        app.command(command.__name__)(command)


def download(
    name: Name,
    weights: Which = None,
    accept_license: common.AcceptLicense = False,
    quiet: common.Quiet = False,
) -> None:
    """Fetch a published checkpoint from the Hugging Face Hub, check it, and print where it lies."""
    from huggingface_hub.utils import disable_progress_bars

    from colorize_cli.checkpoints.verify import verify
    from colorize_cli.registry import get

    entry = get(name)
    file = _published(entry, weights)
    console = Console(quiet=quiet)
    size = f", {file.size / 1e6:.0f} MB" if file.size else ""
    console.say(f"{file}{size}, licence {file.licence or 'as its card says'}")
    if quiet:
        disable_progress_bars()
    found = verify(entry, str(file) if weights and weights.startswith("hf://") else _key(entry, file),
                   accept_license=accept_license)  # fmt: skip
    console.say(f"sound (sha256 {found.sha256})")
    Results().path(found.path)


def path(name: Name, weights: common.Weights = None) -> None:
    """Print where the weights that would be used lie, without asking the Hub."""
    from colorize_cli.checkpoints.locate import find_weights
    from colorize_cli.registry import get

    Results().path(find_weights(get(name), weights, offline=True))


def remove(name: Name, weights: Which = None, quiet: common.Quiet = False) -> None:
    """Delete a downloaded checkpoint from the cache."""
    from colorize_cli.checkpoints.hub.download import remove as delete
    from colorize_cli.registry import get

    file = _published(get(name), weights)
    freed = delete(file)
    Console(quiet=quiet).say(f"{freed / 1e6:.1f} MB freed." if freed else f"{file} is not in the cache.")


def convert(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="The original file: .pth, .bin or .safetensors.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The model it belongs to.",
                                       autocompletion=common.complete_model)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.safetensors", help="What to write.")],
    variant: Annotated[str | None, typer.Option(help="Architecture. [default: the model's first]",
                                                show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:  # fmt: skip
    """Turn a checkpoint as its authors published it into one of this program."""
    from colorize_cli.checkpoints.foreign import convert as turn
    from colorize_cli.registry import get

    turn(source, get(model), output, variant=variant, overwrite=overwrite)
    Results().path(output)


def push(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="The checkpoint, or the run that made it.")],
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository; made where it does not exist.")],
    license: Annotated[str, typer.Option(help="Licence of the weights, as the Hub names it.")] = "other",
    picture: Annotated[list[Path] | None, typer.Option(help="An example for the card; may be repeated.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
) -> None:
    """Publish a checkpoint of this program with its card on the Hugging Face Hub. Needs HF_TOKEN."""
    from colorize_cli.checkpoints.hub.push import push as upload

    file = checkpoint / "best.safetensors" if checkpoint.is_dir() else checkpoint
    url = upload(file, repo, licence=license, pictures=picture or [], private=private)
    Results().line(f"{url}\n".encode())


def _published(entry: "ModelEntry", weights: str | None) -> "HubFile":
    from colorize_cli.checkpoints.locate import published_file

    file = published_file(entry, weights)
    if file is not None:
        return file
    if weights is not None:
        known = ", ".join(entry.hub) or "none"
        raise UsageProblem(f"'{weights}' is no published checkpoint of {entry.name}.", f"There are: {known}.")
    if entry.original is not None:
        raise WeightsMissing(
            f"The weights of {entry.name} are published outside the Hub ({entry.original.licence}).",
            f"Fetch {entry.original.url} and run "
            f"`colorize models convert {os.fspath(entry.original.file)} -m {entry.name} -o {entry.name}.safetensors`.",
        )
    raise WeightsMissing(f"No checkpoint of {entry.name} is published on the Hub.", "`colorize models show` says more.")


def _key(entry: "ModelEntry", file: "HubFile") -> str:
    return next(key for key, known in entry.hub.items() if known == file)


def export(
    target: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="The file to write.")],
    model: common.Model = "gan",
    weights: common.Weights = None,
    size: Annotated[
        int | None,
        typer.Option(help="Side in pixels at which the file is checked. [default: the model's]", show_default=False),
    ] = None,
    quiet: common.Quiet = False,
) -> None:
    """Write a network as ONNX, checked against PyTorch: L* (batch, 1, height, width) in, a*b* out."""
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
