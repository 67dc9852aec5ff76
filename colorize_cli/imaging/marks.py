"""A small visible label on a result; many archives require one on colorized copies."""

import contextlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.photo import Photo

Position = Literal["bottom-right", "bottom-left", "top-right", "top-left", "below"]
POSITIONS: tuple[str, ...] = get_args(Position)
DEFAULT_POSITION = "bottom-right"

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

# Wide coverage first; Pillow searches the system's font folders.
_SYSTEM_FONTS = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial Unicode.ttf", "Arial.ttf"),
    *("arial.ttf", "NotoSansCJK-Regular.ttc", "YuGothR.ttc", "msyh.ttc", "malgun.ttf"),
)
_NO_CHARACTER = "\U0010ffff"
_SHARE = 0.03
_SMALLEST = 10
_WIDEST = 0.9
_SHADE = 0.55
"""Darkening of the box behind a corner text, so that it is legible on sky and snow."""


def check_letters(text: str, font: Path | None = None) -> None:
    """Raise :class:`UsageProblem` if the font cannot be read or lacks a letter of ``text``, which would show as a box.

    Without ``font``, common system fonts are also tried.
    """
    missing = _missing(text, _font_with(text, font))
    if missing:
        raise UsageProblem(
            f"No font for --label has the letters '{missing[:10]}'.", "Give a font that has them: --label-font FILE.ttf"
        )


@lru_cache(maxsize=64)
def _font_with(text: str, font: Path | None) -> Path | str | None:
    """Return the font for a text: the given one, else Pillow's own (None), or a system font that has its letters."""
    if font is not None or not _missing(text, None):
        return font
    for name in _SYSTEM_FONTS:
        with contextlib.suppress(UsageProblem):
            if not _missing(text, name):
                return name
    return None


def _missing(text: str, font: Path | str | None) -> str:
    """Return the letters of a text that a font lacks."""
    letters = _font(font, _SMALLEST)
    nothing = _shape(letters, _NO_CHARACTER)
    return "".join(
        letter
        for letter in dict.fromkeys(text)
        if not letter.isspace() and letter.isprintable() and _shape(letters, letter) == nothing
    )


def _shape(font: Font, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


def _font(file: Path | str | None, size: int) -> Font:
    if file is None:
        return ImageFont.load_default(size)
    try:
        return ImageFont.truetype(file, size)
    except (OSError, ValueError) as error:
        raise UsageProblem(f"'{file}' is not a font: {error}.", "Give a TrueType or OpenType file.") from None


def labelled(rgb: np.ndarray, text: str, position: str = DEFAULT_POSITION, font: Path | None = None) -> np.ndarray:
    """Return ``rgb``, uint8 or uint16 (H, W, 3), with ``text`` in a corner, or in a white margin added ``below``.

    Letters are 3 % of the shorter side high, at least 10 pixels, but smaller if the text would not fit. Pixels
    outside the box are those of ``rgb``, which is not modified. ``font``: a TrueType or OpenType file instead
    of Pillow's own.
    """
    height, width = rgb.shape[:2]
    mask = _fitting(
        text, max(_SMALLEST, round(_SHARE * min(height, width))), round(_WIDEST * width), _font_with(text, font)
    )
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


def labelled_page(
    rgb: np.ndarray, photo: Photo, text: str, position: str, font: Path | None = None
) -> tuple[np.ndarray, Photo]:
    """Return the labelled result ``rgb`` of ``photo`` (see :func:`labelled`), and ``photo`` with its alpha extended
    to the same size: a margin is opaque.
    """
    rgb = labelled(rgb, text, position, font)
    margin = rgb.shape[0] - photo.height
    if photo.alpha is not None and margin:
        opaque = np.iinfo(photo.alpha.dtype).max
        photo = replace(photo, alpha=np.pad(photo.alpha, ((0, margin), (0, 0)), constant_values=opaque))
    return rgb, photo


def _fitting(text: str, size: int, widest: int, font: Path | str | None) -> np.ndarray:
    """Return the text as coverage, float32 0..1, with a rim; ``size`` is the height of its letters in pixels."""
    mask = _drawn(text, size, font)
    while mask.shape[1] > widest and size > 1:
        size = max(1, min(size - 1, size * widest // mask.shape[1]))
        mask = _drawn(text, size, font)
    return mask


@lru_cache(maxsize=64)
def _drawn(text: str, size: int, file: Path | str | None) -> np.ndarray:
    font = _font(file, size)
    left, top, right, bottom = (round(edge) for edge in ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
        (0, 0), text, font=font, anchor="ls"))  # fmt: skip
    # The same height for "ace" and "Ag", so that labels of one kind look alike.
    top, bottom = min(top, -size), max(bottom, size // 4)
    rim = max(1, size // 3)
    canvas = Image.new("L", (right - left + 2 * rim, bottom - top + rim))
    ImageDraw.Draw(canvas).text((rim - left, rim // 2 - top), text, font=font, fill=255, anchor="ls")
    return np.asarray(canvas, np.float32) / 255
