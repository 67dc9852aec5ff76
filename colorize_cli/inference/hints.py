"""Color hints: an image that gives the right color in some places of a photograph."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from colorize_cli.entry import ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.files import nearest_file
from colorize_cli.imaging.codecs.decode_pillow import quiet_pillow
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.imaging.geometry import Placement

Hints = tuple[np.ndarray, np.ndarray]
"""a*b* (H, W, 2) in Lab units, 0 where there is no hint, and the mask (H, W), 1 where there is one; float32."""


@dataclass(frozen=True, eq=False)
class SoftHints:
    """Colors that are trusted in part, cell by cell of a photograph.

    ``ab``: float32 (rows, columns, 2), Lab units. ``lightness``: L* (rows, columns), 0..100, of what each color belongs
    to. ``confidence``: float32 (rows, columns), 0 (none) to 1.
    """

    ab: np.ndarray
    lightness: np.ndarray
    confidence: np.ndarray


HINT_CHROMA = 8.0
"""Chroma, Lab units, from which a pixel of an opaque picture is a hint: above what JPEG adds to gray."""


def read_hints(source: str | Path | Image.Image) -> Hints:
    """Return the hints of a picture: where it is opaque, or in a picture without transparency where it is colored.

    A picture with transparent pixels has hints where it is at least half opaque, neutral ones included. Any other, such
    as the photograph itself with colored strokes painted on it, has them where the chroma is at least ``HINT_CHROMA``.
    Raises :class:`UsageProblem` for what is missing, is not an image, or has no hint in it.
    """
    try:
        with quiet_pillow():
            picture = source if isinstance(source, Image.Image) else Image.open(source)
            rgba = np.asarray(picture.convert("RGBA"))
    except FileNotFoundError as error:
        near = nearest_file(str(source))
        remedy = f"Did you mean '{near}'?" if near else "Check --hints."
        raise UsageProblem(f"There is no hints image '{source}'.", remedy) from error
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UsageProblem(f"The hints image '{source}' cannot be read.", "Name an image file with --hints.") from error
    ab = srgb_to_lab(rgba[..., :3].astype(np.float32) / 255)[..., 1:].astype(np.float32)
    if (rgba[..., 3] == 255).all():
        mask = np.hypot(ab[..., 0], ab[..., 1]) >= HINT_CHROMA
        if not mask.any():
            raise UsageProblem(
                "The hints image is gray everywhere.",
                "Paint colored strokes on it; gray strokes need an image that is transparent elsewhere.",
            )
    else:
        mask = rgba[..., 3] >= 128
        if not mask.any():
            raise UsageProblem(
                "The hints image is transparent everywhere.", "Paint strokes on it, or leave out --hints."
            )
    return ab * mask[..., None], mask.astype(np.float32)


def known_pixels(ab: np.ndarray, share: float, seed: Sequence[int] | int) -> Hints:
    """Return a random ``share`` (0 to 1) of a picture's true a*b* (H, W, 2) as hints, the same for the same seed."""
    mask = (np.random.default_rng(seed).random(ab.shape[:2]) < share).astype(np.float32)
    return (ab * mask[..., None]).astype(np.float32), mask


def require_hints(entry: ModelEntry, given: bool) -> None:
    """Raise :class:`UsageProblem` where a model that only spreads given colors is to work without any."""
    if entry.needs_hints and not given:
        raise UsageProblem(
            f"Model {entry.name!r} spreads given colors and needs some.",
            "Add an image with colored strokes: --hints hints.png.",
        )


def hints_digest(hints: Hints) -> str:
    """Return what a result records of its hints: the beginning of their sha256 (hex)."""
    return hashlib.sha256(hints[0].tobytes() + hints[1].tobytes()).hexdigest()[:16]


def resize_hints(hints: Hints, height: int, width: int) -> Hints:
    """Resize hints: a smaller pixel is a hint where any of it is, with the mean color of those; sharp when enlarged."""
    mean, share = hint_shares(hints, height, width)
    return mean, (share > 0).astype(np.float32)


def hint_shares(hints: Hints, height: int, width: int) -> Hints:
    """Return the mean color (height, width, 2) of what is a hint in each pixel, and its share (height, width), 0..1."""
    ab, mask = hints
    both = np.dstack([*cv2.split(ab), mask])
    smaller = min(width, both.shape[1]), min(height, both.shape[0])
    if smaller != both.shape[1::-1]:
        both = cv2.resize(both, smaller, interpolation=cv2.INTER_AREA)
    both = cv2.resize(both, (width, height), interpolation=cv2.INTER_NEAREST)
    given = both[..., 2] > 0
    mean = np.where(given[..., None], both[..., :2] / np.maximum(both[..., 2:], 1e-6), 0)
    return mean.astype(np.float32), both[..., 2].astype(np.float32)


def fit_hints(hints: Hints, placement: Placement) -> Hints:
    """Lay hints over a fitted photograph, whatever their size: a*b* (2, h, w), mask (1, h, w) on the model's canvas."""
    ab, mask = resize_hints(hints, placement.height, placement.width)
    canvas = np.zeros((3, *placement.canvas), np.float32)
    rows = slice(placement.top, placement.top + placement.height)
    columns = slice(placement.left, placement.left + placement.width)
    canvas[:2, rows, columns], canvas[2, rows, columns] = ab.transpose(2, 0, 1), mask
    return canvas[:2], canvas[2:]
