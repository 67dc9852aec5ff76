"""Linear sRGB from lightness and chroma, with chroma reduced to the sRGB gamut at that lightness.

Colors are held in the compressed coordinates of CIELAB: fy = (L* + 16) / 116, dx = a* / 500, dz = -b* / 200, so that
fx = fy + dx and fz = fy + dz (CIE 15:2004). White is the sum of the columns of the sRGB matrix, so that dx = dz = 0
is exactly R = G = B = Y.
"""

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color import RGB_TO_XYZ, XYZ_TO_RGB, lightness_to_luminance

Array = npt.NDArray[Any]

DELTA = 6 / 29
"""Compressed value below which CIELAB is linear."""

_FROM_X, _, _FROM_Z = (XYZ_TO_RGB * RGB_TO_XYZ.sum(axis=1)).T.tolist()
_TOLERANCE = 1e-6
_LIGHTNESS_CELLS, _HUE_CELLS = 256, 512
_CELLS_AT_ONCE = 8
_STRONGEST = 200.0
_BISECTIONS = 14
_LARGEST_CORRECTION = 1.1


def compress(luminance: Array) -> Array:
    """fy (float32) of relative luminance Y (0..1)."""
    Y = np.asarray(luminance, np.float64)
    return np.where(Y > DELTA**3, np.cbrt(Y), Y / (3 * DELTA**2) + 4 / 29).astype(np.float32)


def linear_rgb(fy: Array, Y: Array, difference: Array, out: Array) -> Array:
    """Linear sRGB, float32 planes (3, n, W), not limited to 0..1; written to and returned as out[:3].

    fy, Y: float32 (2 n, W), the same n rows twice. difference: float32 (2 n, W), dx of these rows, then dz.
    out: float32 (5, n, W), the last two planes scratch.
    """
    excess, straight = out[3:].reshape(difference.shape), out[:2].reshape(difference.shape)
    cv2.add(fy, difference, dst=excess)
    # The straight piece is the tangent of the cube at DELTA: cube values above it, add the tangent below it.
    cv2.threshold(excess, DELTA, 0, cv2.THRESH_TRUNC, dst=straight)
    cv2.addWeighted(excess, 1, straight, -1, DELTA, dst=excess)
    cv2.addWeighted(straight, 3 * DELTA**2, Y, -1, -3 * DELTA**3, dst=straight)
    cv2.add(straight, cv2.multiply(cv2.multiply(excess, excess), excess), dst=excess)
    X, Z = out[3:]
    Y = Y[: out.shape[1]]
    for channel in range(3):
        # X and Z are the excess over Y, in units of white: 0 for gray.
        cv2.scaleAdd(X, _FROM_X[channel], Y, dst=out[channel])
        cv2.scaleAdd(Z, _FROM_Z[channel], out[channel], dst=out[channel])
    return out[:3]


def _room(rgb: Array, Y: Array) -> Array:
    """Factor by which rgb - Y, float32 (3, 1, n), can be multiplied before a channel leaves 0..1."""
    offset = rgb - Y
    limit = np.where(offset > 0, 1 - Y, Y)
    return (limit / np.maximum(np.abs(offset), 1e-12)).min(axis=0)


@cache
def chroma_limits() -> Array:
    """Largest chroma sqrt(a*^2 + b*^2) in sRGB: float32 (lightness cells, hue cells), values at the cell centers."""
    L = (np.arange(_LIGHTNESS_CELLS) + 0.5) * (100 / _LIGHTNESS_CELLS)
    hue = (np.arange(_HUE_CELLS) + 0.5) * (2 * np.pi / _HUE_CELLS)
    Y = lightness_to_luminance(L).astype(np.float32)
    fy = compress(Y)
    waves = np.stack([np.cos(hue) / 500, -np.sin(hue) / 200]).astype(np.float32)
    # A few rows at a time: the first photograph waits for this, and within the cache it takes half the time.
    rows = [slice(first, first + _CELLS_AT_ONCE) for first in range(0, _LIGHTNESS_CELLS, _CELLS_AT_ONCE)]
    return np.concatenate([_limits_at(fy[some], Y[some], waves) for some in rows])


def _limits_at(fy: Array, Y: Array, waves: Array) -> Array:
    """Largest chroma (n, hues) at n lightnesses, by bisection. waves: dx and dz of a unit of chroma (2, hues)."""
    shape = len(fy), waves.shape[1]
    direction = np.repeat(waves, len(fy), axis=0)
    fy, Y = (np.tile(np.repeat(plane[:, None], shape[1], axis=1), (2, 1)) for plane in (fy, Y))
    inside, outside = np.zeros(shape, np.float32), np.full(shape, _STRONGEST, np.float32)
    planes = np.empty((5, *shape), np.float32)
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        rgb = linear_rgb(fy, Y, direction * np.tile(middle, (2, 1)), planes)
        fits = (rgb.min(axis=0) >= 0) & (rgb.max(axis=0) <= 1)
        inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
    return inside


def _first_scale(fy: Array, difference: Array) -> Array:
    """Approximate factor (1, n) that brings difference (2, n) into gamut, from the nearest cell of the table."""
    chroma, hue = cv2.cartToPolar(500 * difference[:1], -200 * difference[1:])
    # fy goes from 4/29 at black to 1 at white, evenly with L*.
    row = np.clip((fy - 4 / 29) * (_LIGHTNESS_CELLS * 29 / 25), 0, _LIGHTNESS_CELLS - 1).astype(np.int32)
    column = (hue * (_HUE_CELLS / (2 * np.pi))).astype(np.int32) % _HUE_CELLS
    return np.minimum(chroma_limits().reshape(-1).take(row * _HUE_CELLS + column) / chroma, 1)


def fit_gamut(rgb: Array, fy: Array, Y: Array, difference: Array) -> Array:
    """Bring colors into sRGB by scaling a*b* toward gray; keeps L* and hue angle. rgb is changed in place and returned.

    rgb: float32 (3, n, W), contiguous, the result of `linear_rgb` for the other three, float32 (2 n, W) each.
    """
    fits = cv2.inRange(rgb.reshape(-1, rgb.shape[2]), (-_TOLERANCE,), (1 + _TOLERANCE,)).reshape(rgb.shape)
    fits = cv2.bitwise_and(cv2.bitwise_and(fits[0], fits[1]), fits[2])
    if cv2.countNonZero(fits) == fits.size:
        return rgb
    outside = np.flatnonzero(fits == 0)
    fy, Y, difference = (plane.reshape(2, -1).take(outside, axis=1) for plane in (fy, Y, difference))
    difference *= _first_scale(fy[:1], difference)
    colors = linear_rgb(fy, Y, difference, np.empty((5, 1, len(outside)), np.float32))
    # The last few percent follow the straight line to gray, which keeps Y, and so L*, exactly.
    colors = Y[0] + (colors - Y[0]) * np.minimum(_room(colors, Y[:1]), _LARGEST_CORRECTION)
    for channel, plane in enumerate(rgb):
        plane.reshape(-1)[outside] = colors[channel, 0]
    return rgb
