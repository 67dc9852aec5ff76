"""Networks as ONNX files, for programs that run without PyTorch, checked against PyTorch in onnxruntime.

The file has one input ``lightness``, float32 (batch, 1, size, size), L* of 0..100, and one output ``ab``, float32
(batch, 2, h, w), a*b* in Lab units at the resolution at which the network predicts. The batch is free.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from colorize_cli.errors import LibraryMissing, ModelError, UsageProblem
from colorize_cli.files import write_bytes
from colorize_cli.models.network import ColorizationNet

OPSET = 18
TOLERANCE = 0.01
"""Largest difference allowed between PyTorch and onnxruntime, in Lab units: far below one level of an 8-bit file."""


@dataclass(frozen=True)
class Exported:
    """A checked ONNX file: its path, its size in bytes, and the largest difference found, in Lab units."""

    path: Path
    size: int
    difference: float


class _Chroma(nn.Module):
    """The method ``chroma`` of a network as the forward that the exporter looks for."""

    def __init__(self, network: ColorizationNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, lightness: Tensor) -> Tensor:
        return self.network.chroma(lightness).float()


def check_target(path: Path) -> None:
    """Raise :class:`UsageProblem` for a file that exists or is not named ``.onnx``."""
    if path.suffix.lower() != ".onnx":
        raise UsageProblem(f"{path} is no .onnx file.", "Name a file that ends in .onnx.")
    if path.exists():
        raise UsageProblem(f"{path} exists.", "Remove it, or name another file.")


def export_onnx(network: ColorizationNet, path: Path, *, size: int, metadata: dict[str, str]) -> Exported:
    """Write a network as ONNX to ``path`` and check it against PyTorch; ``metadata`` goes into the file.

    ``size``: side of the square it will be given, in pixels. Raises :class:`UsageProblem` (:func:`check_target`),
    :class:`LibraryMissing` without onnx and onnxruntime, :class:`ModelError` where the check fails (no file is left)
    and :class:`OutputError` where it cannot be written.
    """
    check_target(path)
    data = _onnx_bytes(network.eval().cpu(), size, metadata)
    difference = _difference(network, data, size)
    if not difference <= TOLERANCE:
        raise ModelError(
            f"onnxruntime differs from PyTorch by {difference:.3g} Lab units; no file was written.",
            "Try another version of onnx, onnxruntime or torch.",
        )
    write_bytes(path, data, overwrite=False)
    return Exported(path, len(data), difference)


def _onnx_bytes(network: ColorizationNet, size: int, metadata: dict[str, str]) -> bytes:
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise LibraryMissing(
            f"ONNX export needs {error.name}.", "`pip install onnx onnxruntime onnxscript`."
        ) from error
    example = _lightness(2, size)
    with warnings.catch_warnings(), torch.inference_mode(False):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Chroma(network).eval(),
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["lightness"],
            output_names=["ab"],
            dynamic_shapes={"lightness": {0: torch.export.Dim("batch", min=1, max=1024)}},
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def _lightness(batch: int, size: int) -> Tensor:
    """L* (N, 1, size, size) with soft shapes and some noise: a network sees edges, and every value of the range."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(batch, 1, 6, 6, generator=random) * 100
    soft = nn.functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)
    return (soft + torch.randn(soft.shape, generator=random) * 2).clamp(0, 100)


def _difference(network: ColorizationNet, data: bytes, size: int) -> float:
    """Return the largest difference in Lab units, over batches of one and of three."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    largest = 0.0
    for batch in (1, 3):
        lightness = _lightness(batch, size)
        (found,) = session.run(["ab"], {"lightness": lightness.numpy()})
        with torch.inference_mode():
            expected = network.chroma(lightness).float().numpy()
        if found.shape != expected.shape or not np.isfinite(found).all():
            return float("inf")
        largest = max(largest, float(np.abs(found - expected).max()))
    return largest
