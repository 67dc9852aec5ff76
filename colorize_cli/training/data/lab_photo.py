"""Decode a photograph to the uint8 Lab picture used in training, and check that it has color to learn from."""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.color_photos import PhotoRef, decode_color
from colorize_cli.errors import OwnResult, PhotoError

Array = npt.NDArray[np.uint8]

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
        rgb: npt.NDArray[Any] = decode_color(data, "the photo", at_least=None if side is None else 2 * side)
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


def is_gray(lab: npt.NDArray[Any]) -> bool:
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
