"""Fit a picture of any shape to the input of a model, and crop the prediction back to the picture.

Positions are continuous coordinates in which the first pixel covers 0..1, so that a prediction at half or a quarter
of the input resolution refers to the same places and nothing shifts by half a cell.
"""

from dataclasses import dataclass
from typing import Any, get_args

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.entry import Fit

Array = npt.NDArray[Any]

ALIGNMENT = 4
"""Content boxes start and end on multiples of this, so that predictions at 1/2 and 1/4 have no mixed border cells."""

RECTANGLE_STEP = 32
"""Sides of a rectangular canvas are multiples of this: five halvings, as deep as common encoders go."""


@dataclass(frozen=True)
class Placement:
    """Position of a picture on the canvas given to a model; all sizes are (height, width) in pixels.

    canvas: size of the model input. top, left, height, width: the box on the canvas
    that holds the picture; the rest is padding.
    """

    canvas: tuple[int, int]
    top: int
    left: int
    height: int
    width: int


def resize(plane: Array, height: int, width: int) -> Array:
    """Resize (H, W), float32, uint8 or uint16: each axis by area when it shrinks, linearly when it grows."""
    # Halving is many times faster than any other area ratio and leaves little to do. An odd axis is halved
    # linearly if it will be halved again: positions stay exact, and so do areas except in the first averaging.
    while all(old >= (4 if old % 2 else 2) * new for old, new in zip(plane.shape, (height, width), strict=True)):
        half = (plane.shape[1] + 1) // 2, (plane.shape[0] + 1) // 2
        odd = plane.shape[0] % 2 or plane.shape[1] % 2
        plane = cv2.resize(plane, half, interpolation=cv2.INTER_LINEAR if odd else cv2.INTER_AREA)
    for size in ((width, plane.shape[0]), (width, height)):
        now = plane.shape[::-1]
        if size != now:
            shrinks = size[0] < now[0] or size[1] < now[1]
            plane = cv2.resize(plane, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return plane


def _short_side(picture: int, long: int, size: int) -> int:
    """Length of the shorter side when the longer becomes `size`, rounded to the alignment, at least one unit."""
    unit = ALIGNMENT if size % ALIGNMENT == 0 else 1
    return min(size, max(unit, round(picture * size / long / unit) * unit))


def _start(canvas: int, content: int) -> int:
    """Offset that centers the content, on a multiple of the alignment where the content is aligned."""
    unit = ALIGNMENT if canvas % ALIGNMENT == 0 and content % ALIGNMENT == 0 else 1
    return (canvas - content) // 2 // unit * unit


def _placement(picture: tuple[int, int], size: int, how: Fit) -> Placement:
    if how not in get_args(Fit):
        raise ValueError(f"how must be one of {', '.join(get_args(Fit))}, not {how!r}")
    if size < 1 or min(picture) < 1:
        raise ValueError(f"cannot fit a picture of {picture} into {size}")
    if how == "stretch":
        return Placement((size, size), 0, 0, size, size)
    long = max(picture)
    if how == "native":
        scale = min(1.0, size / long)
        height, width = (max(1, round(side * scale)) for side in picture)
        return Placement((height, width), 0, 0, height, width)
    height, width = (_short_side(side, long, size) for side in picture)
    canvas = (size, size)
    if how == "rectangle":
        step = RECTANGLE_STEP
        canvas = (-(-height // step) * step, -(-width // step) * step)
    return Placement(canvas, _start(canvas[0], height), _start(canvas[1], width), height, width)


def fit(plane: Array, size: int, how: Fit = "letterbox", *, fill: float | None = None) -> tuple[Array, Placement]:
    """Fit a picture (H, W), float32, uint8 or uint16, into the input of a model; the dtype stays.

    letterbox: longer side = `size`, the shape kept (to `ALIGNMENT` pixels), padded to (size, size), centered.
    letterbox-white: the same, padded with white: 255, 65535, or L* 100 in float32.
    rectangle: the same as letterbox, but each side is padded only to the next multiple of 32, which saves time.
    stretch: resized to (size, size) regardless of shape.
    native: unchanged, reduced if its longer side exceeds `size`; no padding.

    fill: value of the padding; None repeats the border of the picture, which adds no edges.
    """
    placement = _placement((plane.shape[0], plane.shape[1]), size, how)
    content = resize(plane, placement.height, placement.width)
    below = placement.canvas[0] - placement.top - placement.height
    right = placement.canvas[1] - placement.left - placement.width
    if (placement.height, placement.width) == placement.canvas:
        return content, placement
    borders = placement.top, below, placement.left, right
    if fill is None and how == "letterbox-white":
        fill = float(np.iinfo(plane.dtype).max) if np.issubdtype(plane.dtype, np.integer) else 100.0
    if fill is None:
        return cv2.copyMakeBorder(content, *borders, borderType=cv2.BORDER_REPLICATE), placement
    return cv2.copyMakeBorder(content, *borders, borderType=cv2.BORDER_CONSTANT, value=(fill,)), placement


def _cells(start: int, length: int, canvas: int, predicted: int) -> tuple[Array, Array, Array]:
    """Neighbors and weight to resample the box start..start+length of one axis, given at `predicted` cells a canvas."""
    scale = predicted / canvas
    first, last = start * scale, (start + length) * scale
    count = max(1, round(last - first))
    position = first + (np.arange(count) + 0.5) * (last - first) / count - 0.5
    # Cells partly in the padding are ignored, unless the content is thinner than one cell.
    lowest, highest = np.ceil(first - 1e-6), np.floor(last + 1e-6) - 1
    if lowest > highest:
        lowest = highest = np.floor((first + last) / 2)
    position = np.clip(position, lowest, highest)
    before = np.floor(position).astype(np.intp)
    after = np.minimum(before + 1, predicted - 1)
    return before, after, (position - before).astype(np.float32)


def unfit(ab: Array, placement: Placement) -> Array:
    """Crop a prediction (C, S', S'') float32 to (C, h, w) float32, covering exactly the picture.

    S' and S'' may be any fraction of the model's canvas. Box borders that fall between cells are
    resampled linearly, from cells inside the picture only. h, w are the cells the picture covers, at least 1.
    """
    rows_before, rows_after, row_weight = _cells(placement.top, placement.height, placement.canvas[0], ab.shape[1])
    columns_before, columns_after, column_weight = _cells(
        placement.left, placement.width, placement.canvas[1], ab.shape[2]
    )
    ab = np.asarray(ab, np.float32)
    row_weight = row_weight[:, None]
    ab = ab[:, rows_before] * (1 - row_weight) + ab[:, rows_after] * row_weight
    return ab[:, :, columns_before] * (1 - column_weight) + ab[:, :, columns_after] * column_weight
