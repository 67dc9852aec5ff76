"""Color hints: a picture that is transparent except where the user says what color belongs there."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from colorize_cli.errors import UnreadablePhoto, UsageProblem
from colorize_cli.imaging.color import srgb_to_lab


def read_hints(source: str | Path | Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Return the hints of a picture with transparency: a*b* (H, W, 2), Lab units, and the mask (H, W), both float32.

    A pixel is a hint where it is at least half opaque; elsewhere both are 0. Raises :class:`UnreadablePhoto`, and
    :class:`UsageProblem` for a picture without transparency or without any hint.
    """
    try:
        picture = source if isinstance(source, Image.Image) else Image.open(source)
        if "A" not in picture.getbands() and "transparency" not in picture.info:
            raise UsageProblem("The picture of hints has no transparency.", "Only its opaque pixels are hints.")
        rgba = np.asarray(picture.convert("RGBA"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UnreadablePhoto(f"The hints {source} cannot be read.", "Check --hints.") from error
    mask = (rgba[..., 3] >= 128).astype(np.float32)
    if not mask.any():
        raise UsageProblem("The picture of hints is transparent everywhere.", "Paint hints, or leave --hints out.")
    ab = srgb_to_lab(rgba[..., :3].astype(np.float32) / 255)[..., 1:].astype(np.float32)
    return ab * mask[..., None], mask


def hints_digest(hints: tuple[np.ndarray, np.ndarray]) -> str:
    """Return what a result records of its hints: the beginning of their sha256 (hex)."""
    return hashlib.sha256(hints[0].tobytes() + hints[1].tobytes()).hexdigest()[:16]


def fit_hints(hints: tuple[np.ndarray, np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Bring hints to a model's square: a*b* (2, size, size) averaged over the hinted pixels, mask (1, size, size)."""
    ab, mask = hints
    both = np.dstack([ab, mask])
    shrinks = min(mask.shape) >= size
    resized = cv2.resize(both, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST)
    share = resized[..., 2]
    given = share > 0
    mean = np.where(given[..., None], resized[..., :2] / np.maximum(share, 1e-6)[..., None], 0)
    return mean.transpose(2, 0, 1).astype(np.float32), given[None].astype(np.float32)
