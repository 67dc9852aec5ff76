"""Networks as ONNX files, for programs that run without PyTorch, checked against PyTorch in onnxruntime.

The file has one input ``lightness``, float32 (batch, 1, height, width), L* of 0..100, and one output ``ab``, float32
(batch, 2, h, w), a*b* in Lab units at the resolution at which the network predicts. Batch, height and width are free.
"""

import inspect
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from colorize_cli.entry import ModelEntry
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
    """The method ``chroma`` of a network as the forward that the exporter looks for.

    Choices of decoding are the checkpoint's own, as numbers: the exporter cannot branch on what a buffer holds.
    """

    def __init__(self, network: ColorizationNet) -> None:
        super().__init__()
        self.network = network
        decoder = getattr(network, "decode", None)
        names = list(inspect.signature(network.chroma).parameters)[1:]
        defaults = {name: getattr(decoder, f"default_{name}", None) for name in names}
        self.options = {name: float(value) for name, value in defaults.items() if value is not None}

    def forward(self, lightness: Tensor) -> Tensor:
        return self.network.chroma(lightness, **self.options).float()


def check_model(entry: ModelEntry) -> None:
    """Raise :class:`UsageProblem` for a model whose network has no ONNX form."""
    if entry.no_onnx:
        raise UsageProblem(f"Model {entry.name!r} cannot be exported: {entry.no_onnx}.", "Choose another -m.")


def check_target(path: Path) -> None:
    """Raise :class:`UsageProblem` for a file that exists or is not named ``.onnx``."""
    if path.suffix.lower() != ".onnx":
        raise UsageProblem(f"{path} is not an .onnx file.", "Name a file that ends in .onnx.")
    if path.exists():
        raise UsageProblem(f"{path} exists.", "Remove it, or name another file.")


def export_onnx(network: ColorizationNet, path: Path, *, size: int, metadata: dict[str, str]) -> Exported:
    """Write a network as ONNX to ``path`` and check it against PyTorch; ``metadata`` goes into the file.

    ``size``: longer side at which it is checked, in pixels; it takes any. Raises :class:`UsageProblem`
    (:func:`check_target`), :class:`LibraryMissing` without onnx and onnxruntime, :class:`ModelError` where the check
    fails (no file is left) and :class:`OutputError` where it cannot be written.
    """
    check_target(path)
    data = _onnx_bytes(network.eval().cpu(), metadata)
    difference = _difference(network, data, size)
    if not difference <= TOLERANCE:
        raise ModelError(
            f"onnxruntime differs from PyTorch by {difference:.3g} Lab units; no file was written.",
            "Try another version of onnx, onnxruntime or torch.",
        )
    write_bytes(path, data, overwrite=False)
    return Exported(path, len(data), difference)


def _onnx_bytes(network: ColorizationNet, metadata: dict[str, str]) -> bytes:
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise LibraryMissing(
            f"ONNX export needs {error.name}.", "`pip install onnx onnxruntime onnxscript`."
        ) from error
    # Sides that are neither equal nor those it is checked with: the exporter must not take them for constants.
    example = _lightness(2, 96, 160)
    with warnings.catch_warnings(), torch.inference_mode(False):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Chroma(network).eval(),
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["lightness"],
            output_names=["ab"],
            dynamic_shapes={"lightness": dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)},
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def _lightness(batch: int, height: int, width: int) -> Tensor:
    """L* (N, 1, H, W) with soft shapes and some noise: a network sees edges, and every value of the range."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(batch, 1, 6, 6, generator=random) * 100
    soft = nn.functional.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)
    return (soft + torch.randn(soft.shape, generator=random) * 2).clamp(0, 100)


def _difference(network: ColorizationNet, data: bytes, size: int) -> float:
    """Return the largest difference in Lab units: a square alone, and three pictures of 4:3."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    largest = 0.0
    for batch, height, width in ((1, size, size), (3, max(32, size * 3 // 4 // 32 * 32), size)):
        lightness = _lightness(batch, height, width)
        (found,) = session.run(["ab"], {"lightness": lightness.numpy()})
        with torch.inference_mode():
            expected = network.chroma(lightness).float().numpy()
        if found.shape != expected.shape or not np.isfinite(found).all():
            return float("inf")
        largest = max(largest, float(np.abs(found - expected).max()))
    return largest
