"""A training photograph: decoded to uint8 Lab, checked for color to learn from, and a square cropped from it.

:mod:`.aging` ages the square afterwards.
"""

from __future__ import annotations

import math
import re
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.color_photos import PhotoRef, decode_color
from colorize_cli.errors import OwnResult, PhotoError
from colorize_cli.recipe import Augmentation

Array = npt.NDArray[Any]

GRAY_CHROMA = 2.0
"""Mean |a*| and |b*|, Lab units, below which a photo counts as gray."""
TONED_SPREAD = 1.5
"""Standard deviation of a* and of b* below which a photo has a uniform tint: a toned print, not a color photo."""
SMALLEST_SIDE = 32
_SYNSET = re.compile(r"n\d{8}")


class NotUsable(Exception):
    """A photo that training leaves out; the argument is the reason to count."""


def decode_rgb(data: bytes, side: int | None = None) -> Array:
    """Decode a photo, upright, to sRGB uint8 (H, W, 3), its short side reduced to at most ``side`` pixels.

    Raises :class:`NotUsable` ("unreadable") for anything that is not a complete picture of at least 32 pixels per side.
    """
    try:
        rgb: Array = decode_color(data, "the photo", at_least=None if side is None else 2 * side)
    except OwnResult as error:
        raise NotUsable("result of colorize") from error
    except PhotoError as error:
        raise NotUsable("unreadable") from error
    short = min(rgb.shape[:2])
    if short < SMALLEST_SIDE:
        raise NotUsable("unreadable")
    if side is not None and short > side:
        height, width = (max(side, round(edge * side / short)) for edge in rgb.shape[:2])
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(rgb)


def decode_lab(data: bytes, side: int) -> Array:
    """Decode a photo to Lab uint8 (H, W, 3) as OpenCV stores it (L* * 255 / 100, a* + 128, b* + 128).

    Raises :class:`NotUsable`: "unreadable", or "gray" for no color or a uniform tint.
    """
    lab = cv2.cvtColor(decode_rgb(data, side), cv2.COLOR_RGB2LAB)
    if is_gray(lab):
        raise NotUsable("gray")
    return np.asarray(lab, np.uint8)


def is_gray(lab: Array) -> bool:
    """Whether Lab uint8 (H, W, 3) has too little color to learn from."""
    thin = lab[::2, ::2, 1:].astype(np.float32) - 128
    return bool(np.abs(thin).mean() < GRAY_CHROMA or thin.reshape(-1, 2).std(0).max() < TONED_SPREAD)


def source_of(ref: PhotoRef) -> str:
    """Name of the collection a photo belongs to: its top-level folder, "" if there is none."""
    return ref.folders[0] if ref.folders else ""


def label_of(ref: PhotoRef) -> str:
    """Class of a photo by its folders, "" if there are none.

    A WordNet number (``n02123394-persian-cat/``, ``n02123394/images/``) is the class at any depth, so that the
    same object in two collections is one class; otherwise the whole path is the class, ``sports/tennis``.
    """
    for folder in reversed(ref.folders):
        if found := _SYNSET.match(folder):
            return found.group()
    return "/".join(ref.folders)


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
