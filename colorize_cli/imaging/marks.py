"""A small visible notice on a result: many archives publish colorized copies only with one."""

from dataclasses import replace
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from colorize_cli.imaging.photo import Photo

Position = Literal["bottom-right", "bottom-left", "top-right", "top-left", "below"]
POSITIONS: tuple[str, ...] = get_args(Position)

_SHARE = 0.03
_SMALLEST = 10
_WIDEST = 0.9
_SHADE = 0.55
"""How far the box behind the text of a corner is darkened, so that it can be read on sky and snow."""


def labelled(rgb: np.ndarray, text: str, position: str = "bottom-right") -> np.ndarray:
    """Return ``rgb``, uint8 or uint16 (H, W, 3), with ``text`` in a corner, or in a white margin added ``below``.

    Letters are 3 % of the shorter side high, at least 10 pixels, and smaller where the text would not fit. Pixels
    outside of the box are those of ``rgb``, which is not changed itself.
    """
    height, width = rgb.shape[:2]
    mask = _fitting(text, max(_SMALLEST, round(_SHARE * min(height, width))), round(_WIDEST * width))
    top_value = 255 if rgb.dtype == np.uint8 else 65535
    if position == "below":
        result = np.concatenate([rgb, np.full((mask.shape[0], width, 3), top_value, rgb.dtype)])
        left = max(0, (width - mask.shape[1]) // 2)
        paper, ink = 1.0, 0.0
        box = result[height:, left : left + mask.shape[1]]
    else:
        result = rgb.copy()
        vertical, horizontal = position.split("-")
        gap = mask.shape[0] // 4
        tall, wide = (min(length, side) for length, side in zip(mask.shape, (height, width), strict=True))
        top = min(gap, height - tall) if vertical == "top" else max(0, height - tall - gap)
        left = min(gap, width - wide) if horizontal == "left" else max(0, width - wide - gap)
        box = result[top : top + tall, left : left + wide]
        paper, ink = 1 - _SHADE, 1.0
    alpha = mask[: box.shape[0], : box.shape[1], None]
    ground = box.astype(np.float32) * paper
    box[:] = np.rint(ground + alpha * (ink * top_value - ground)).astype(rgb.dtype)
    return result


def labelled_page(rgb: np.ndarray, photo: Photo, text: str, position: str) -> tuple[np.ndarray, Photo]:
    """Return what :func:`labelled` makes of the result ``rgb`` of ``photo``, and ``photo`` with its transparency grown
    to the same size: a margin is opaque.
    """
    rgb = labelled(rgb, text, position)
    margin = rgb.shape[0] - photo.height
    if photo.alpha is not None and margin:
        opaque = np.iinfo(photo.alpha.dtype).max
        photo = replace(photo, alpha=np.pad(photo.alpha, ((0, margin), (0, 0)), constant_values=opaque))
    return rgb, photo


def _fitting(text: str, size: int, widest: int) -> np.ndarray:
    """Return the text as coverage, float32 0..1, with a rim; ``size`` is the height of its letters in pixels."""
    mask = _drawn(text, size)
    while mask.shape[1] > widest and size > 1:
        size = max(1, min(size - 1, size * widest // mask.shape[1]))
        mask = _drawn(text, size)
    return mask


@lru_cache(maxsize=64)
def _drawn(text: str, size: int) -> np.ndarray:
    font = ImageFont.load_default(size)
    left, top, right, bottom = (round(edge) for edge in ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
        (0, 0), text, font=font, anchor="ls"))  # fmt: skip
    # As high for "ace" as for "Ag", so that labels of one kind look alike.
    top, bottom = min(top, -size), max(bottom, size // 4)
    rim = max(1, size // 3)
    canvas = Image.new("L", (right - left + 2 * rim, bottom - top + rim))
    ImageDraw.Draw(canvas).text((rim - left, rim // 2 - top), text, font=font, fill=255, anchor="ls")
    return np.asarray(canvas, np.float32) / 255
