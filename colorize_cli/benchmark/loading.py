"""Loading what is timed: a model with its trained weights, or with random ones where it has none."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
from colorize_cli.errors import NotCached, WeightsMissing
from colorize_cli.inference.colorizer import Colorizer
from colorize_cli.registry import get


@dataclass(frozen=True)
class Weights:
    """The checkpoint to load; ``trained`` is False for random weights, which are good for timing only."""

    path: str | Path | None
    trained: bool


def find(model: str, weights: str | None, folder: Path) -> Weights:
    """Return the weights of a model, or random ones written into ``folder`` where it has none.

    Raises :class:`ModelError` where ``weights`` is given and cannot be used.
    """
    from colorize_cli.checkpoints.locate import find_weights

    try:
        # A benchmark downloads nothing that nobody asked for.
        return Weights(find_weights(get(model), weights, offline=weights is None), trained=True)
    except (WeightsMissing, NotCached):
        if weights is not None:
            raise
    entry = get(model)
    path = folder / f"{model}-untrained.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        network = entry.build()
        save_checkpoint(path, network.state_dict(), CheckpointInfo(model, entry.default_variant, recipe="untrained"))
    return Weights(path, trained=False)


def load(model: str, weights: Weights, device: str, precision: str, size: int | None) -> Colorizer:
    """Load a model; raises :class:`DeviceError` for a device or precision that is not available."""
    hints = scattered_hints() if get(model).needs_hints else None
    return Colorizer(model, weights=weights.path, device=device, precision=precision, size=size, hints=hints)


def scattered_hints() -> Image.Image:
    """Return hints for models that do not work without: a tenth of the pixels, of random color."""
    rng = np.random.default_rng(0)
    rgba = rng.integers(0, 256, (256, 256, 4), np.uint8)
    rgba[..., 3] = 255 * (rng.random((256, 256)) < 0.1)
    return Image.fromarray(rgba)


def temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder for random weights and generated scans that vanishes with its context."""
    return tempfile.TemporaryDirectory(prefix="colorize-bench-")
