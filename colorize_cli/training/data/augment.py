"""Crop a square from a training photograph; :mod:`.aging` ages it afterwards."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.recipe import Augmentation

Array = npt.NDArray[Any]


def cropped(lab: Array, size: int, how: Augmentation, rng: np.random.Generator) -> Array:
    """Return a square of a decoded photo, Lab uint8 (size, size, 3) as OpenCV stores it.

    ``lab``: uint8 (H, W, 3). The square depends only on the generator's state.
    """
    if how.area is None and how.padding is not None:
        square = _padded(lab, size, how.padding)
    else:
        square = _resized(_crop(lab, how, rng), size)
    return np.ascontiguousarray(square[:, ::-1] if rng.random() < how.flip else square)


def plain(lab: Array, size: int) -> tuple[Array, Array]:
    """Return L* float32 (size, size), 0..100, and a*b* float32 (2, size, size), Lab units, of the stretched photo."""
    square = _resized(lab, size)
    lightness = square[..., 0].astype(np.float32) * np.float32(100 / 255)
    return lightness, np.ascontiguousarray(square[..., 1:].transpose(2, 0, 1), np.float32) - 128


def _crop(lab: Array, how: Augmentation, rng: np.random.Generator) -> Array:
    if how.area is None:
        return lab
    height, width = lab.shape[:2]
    area = rng.uniform(*how.area) * min(height, width) ** 2
    stretch = math.exp(rng.uniform(-1, 1) * math.log(how.aspect))
    rows = max(1, min(height, round(math.sqrt(area / stretch))))
    columns = max(1, min(width, round(math.sqrt(area * stretch))))
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    return lab[top : top + rows, left : left + columns]


def _padded(lab: Array, size: int, lightness: float) -> Array:
    """Fit the whole photo into the square, keeping its aspect ratio, centered on a neutral of the given L*."""
    longest = max(lab.shape[:2])
    height, width = (max(1, round(side * size / longest)) for side in lab.shape[:2])
    top, left = (size - height) // 2, (size - width) // 2
    smaller = longest > size
    content = cv2.resize(
        np.ascontiguousarray(lab), (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
    square = np.empty((size, size, 3), np.uint8)
    square[:] = round(lightness * 2.55), 128, 128
    square[top : top + height, left : left + width] = content
    return square


def _resized(lab: Array, size: int) -> Array:
    if lab.shape[:2] == (size, size):
        return lab
    smaller = min(lab.shape[:2]) > size
    return cv2.resize(
        np.ascontiguousarray(lab), (size, size), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
