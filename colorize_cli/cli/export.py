"""``colorize models export``: a network as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results


def export(
    target: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="The file to write.")],
    model: common.Model = "gan",
    weights: common.Weights = None,
    size: Annotated[
        int | None, typer.Option(help="Side of its input in pixels. [default: the model's]", show_default=False)
    ] = None,
    quiet: common.Quiet = False,
) -> None:
    """Write a network as ONNX, checked against PyTorch: L* (batch, 1, size, size) in, a*b* out."""
    import torch

    from colorize_cli.inference.colorizer import Colorizer
    from colorize_cli.models.export import check_target, export_onnx

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
