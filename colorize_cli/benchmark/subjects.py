"""What is timed: a model with its trained weights, or with random ones where it has none, and generated scans.

The scans are deterministic gray JPEG pictures that compress like scans of photographs. A picture is a sum of smooth
noise over octaves, each half the size and half the contrast of the one before, as photographs have it (amplitude falls
as one over frequency), a few straight edges, and film grain.
"""

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
from colorize_cli.errors import NotCached, OutputError, WeightsMissing
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


SIZES = (2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 20.0, 24.0)
"""Megapixels of the pictures of a generated folder, in turn."""

QUALITY = 90
_GRAIN = 4.4
_CONTRAST = 0.13
_OCTAVES = 7


def scan(megapixels: float, seed: int = 0) -> np.ndarray:
    """Return a gray picture, uint8 (H, W), of about this size and of the shape 4:3; the same for the same seed."""
    height = max(8, round((megapixels * 0.75e6) ** 0.5 / 8) * 8)
    width = max(8, round(megapixels * 1e6 / height / 8) * 8)
    random = np.random.default_rng(seed)
    picture = np.full((height, width), 0.5, np.float32)
    for octave in range(_OCTAVES):
        rows = 3 << octave
        coarse = random.standard_normal((rows, rows * 4 // 3)).astype(np.float32) * np.float32(
            _CONTRAST / (1 << octave)
        )
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(6):
        center, reach = random.integers(0, (width, height)), height // 5
        corners = (center + random.integers(-reach, reach + 1, (3, 2))).astype(np.int32)
        cv2.fillConvexPoly(picture, corners, float(random.uniform(0.2, 0.8)), lineType=cv2.LINE_8)
    picture *= 255
    _add_grain(picture, random)
    return cv2.convertScaleAbs(np.clip(picture, 8, 247, out=picture))


def _add_grain(picture: np.ndarray, random: np.random.Generator) -> None:
    """Add grain in place: one tile of noise, softened as a lens and a scanner soften it, repeated at random offsets."""
    tile = cv2.GaussianBlur(random.standard_normal((512, 512)).astype(np.float32), (0, 0), 0.6)
    tile = np.multiply(tile, _GRAIN / tile.std(), dtype=np.float32)
    for top in range(0, picture.shape[0], 512):
        for left in range(0, picture.shape[1], 512):
            part = picture[top : top + 512, left : left + 512]
            part += np.roll(tile, random.integers(0, 512, 2), (0, 1))[: part.shape[0], : part.shape[1]]


def jpeg(gray: np.ndarray) -> bytes:
    """Return a gray picture, uint8 (H, W), as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, "JPEG", quality=QUALITY, dpi=(600, 600))
    return buffer.getvalue()


def write_scans(folder: Path, count: int, sizes: tuple[float, ...] = SIZES) -> Iterator[Path]:
    """Write ``count`` scans into a folder, one after another of each size, and yield their paths.

    Raises :class:`OutputError` where the disk does not take them.
    """
    for number in range(count):
        megapixels = sizes[number % len(sizes)]
        path = folder / f"scan-{number:04d}-{megapixels:g}mp.jpg"
        try:
            path.write_bytes(jpeg(scan(megapixels, seed=number)))
        except OSError as error:
            raise OutputError(
                f"Generated scans cannot be written to {folder}: {error.strerror}.",
                "Set TMPDIR to a folder with free space, or name a folder of photographs.",
            ) from error
        yield path
