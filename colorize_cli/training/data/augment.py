"""Augmentation: a random crop of the Lab picture, and an input aged like an old photograph.

Ageing touches the lightness the network is given; the a*b* it is to answer stay those of the clean photo. Every choice
comes from the generator passed in, so that a sample is a function of its seed alone.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.recipe import Augmentation

Array = npt.NDArray[Any]


def augmented(lab: Array, size: int, how: Augmentation, rng: np.random.Generator) -> tuple[Array, Array]:
    """Turn a decoded photo into one training sample.

    ``lab``: uint8 (H, W, 3) as OpenCV stores it. Returns L* float32 (size, size) in 0..100, as the input, and a*b*
    float32 (2, size, size) in Lab units, as the target.
    """
    if how.area is None and how.padding is not None:
        square = _padded(lab, size, how.padding)
    else:
        square = _resized(_crop(lab, how, rng), size)
    if rng.random() < how.flip:
        square = square[:, ::-1]
    lightness = square[..., 0].astype(np.float32) * np.float32(100 / 255)
    ab = np.ascontiguousarray(square[..., 1:].transpose(2, 0, 1), np.float32) - 128
    return aged(lightness, how, rng), ab


def plain(lab: Array, size: int) -> tuple[Array, Array]:
    """Return L* and a*b* of the whole photo stretched to the square, shapes and units as :func:`augmented` returns."""
    return augmented(lab, size, Augmentation(area=None, aspect=1.0, flip=0.0), np.random.default_rng(0))


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
    """Fit the whole photo into the square with its shape kept, centered on a neutral of the given L*."""
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


def aged(lightness: Array, how: Augmentation, rng: np.random.Generator) -> Array:
    """Age L* float32 (H, W), 0..100, as chance and ``how`` have it: optics, fading, film, the scan's JPEG."""
    x = np.ascontiguousarray(lightness)
    if rng.random() < how.blur:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < how.tone:
        x = (x - 50) * np.float32(rng.uniform(0.65, 1.15)) + np.float32(50 + rng.uniform(-8, 8))
    if rng.random() < how.gamma:
        x = 100 * np.clip(x / 100, 0, 1) ** np.float32(math.exp(rng.uniform(-0.35, 0.35)))
    if rng.random() < how.vignette:
        x = x + (rng.choice((0.0, 100.0)) - x) * _corners(x.shape) * np.float32(rng.uniform(0.1, 0.35))
    if rng.random() < how.grain:
        x = x + _grain(x.shape, rng)
    x = np.clip(x, 0, 100).astype(np.float32)
    if rng.random() < how.jpeg:
        x = _compressed(x, int(rng.integers(25, 86)))
    return x


def _grain(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    noise = rng.standard_normal(shape, np.float32) * np.float32(rng.uniform(1, 6))
    if rng.random() < 0.5:
        noise = cv2.GaussianBlur(noise, (0, 0), 0.7) * np.float32(1.8)
    return noise


def _corners(shape: tuple[int, ...]) -> Array:
    """Squared distance from the middle, 0 there and 1 in the corners."""
    rows, columns = (np.linspace(-1, 1, edge, dtype=np.float32) ** 2 for edge in shape)
    return (rows[:, None] + columns) / 2


def _compressed(x: Array, quality: int) -> Array:
    levels = np.rint(x * 2.55).astype(np.uint8)
    _, data = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: Array = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32)
    return decoded * np.float32(100 / 255)
