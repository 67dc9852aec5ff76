"""Color spaces: sRGB, linear light, CIE XYZ, CIELAB and CIELUV, by the exact formulas.

Conventions of all functions: the last axis holds the three channels, sRGB and linear light are in 0..1, L* in
0..100; float32 stays float32, everything else is computed in float64. The illuminant is D65 (2 degree
observer). Matrix, white point and thresholds are the rounded ones that scikit-image and most of the literature use,
so that figures are comparable; formulas: IEC 61966-2-1 (sRGB), CIE 15:2004 (CIELAB, CIELUV).
"""

from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Depth = Literal[8, 16]

RGB_TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
XYZ_TO_RGB = np.linalg.inv(RGB_TO_XYZ)
WHITE = np.array([0.95047, 1.0, 1.08883])
"""X, Y, Z of D65."""

_EPSILON, _SLOPE, _OFFSET = 0.008856, 7.787, 16 / 116
_UV_WHITE = 4 * WHITE[0] / (WHITE @ [1, 15, 3]), 9 * WHITE[1] / (WHITE @ [1, 15, 3])


def _floating(values: npt.ArrayLike) -> Array:
    array = np.asarray(values)
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)


def srgb_to_linear(srgb: npt.ArrayLike) -> Array:
    """Linear light of sRGB-encoded values in 0..1 (any shape)."""
    encoded = _floating(srgb)
    return np.where(encoded > 0.04045, ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4, encoded / 12.92)


def linear_to_srgb(linear: npt.ArrayLike) -> Array:
    """sRGB-encoded values of linear light (any shape); values outside 0..1 are not clipped."""
    light = _floating(linear)
    return np.where(light > 0.0031308, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055, light * 12.92)


def linear_to_xyz(linear: npt.ArrayLike) -> Array:
    """CIE XYZ (Y = 1 for white) of linear sRGB (..., 3)."""
    light = _floating(linear)
    return light @ RGB_TO_XYZ.T.astype(light.dtype)


def xyz_to_linear(xyz: npt.ArrayLike) -> Array:
    """Linear sRGB (..., 3) of CIE XYZ, not clipped: components outside 0..1 are out of gamut."""
    tristimulus = _floating(xyz)
    return tristimulus @ XYZ_TO_RGB.T.astype(tristimulus.dtype)


def _compress(ratio: Array) -> Array:
    """CIE f(t): cube root, continued by a straight line near black."""
    return np.where(ratio > _EPSILON, np.cbrt(ratio), _SLOPE * ratio + _OFFSET)


def _expand(compressed: Array) -> Array:
    """Inverse of CIE f(t)."""
    return np.where(compressed > _EPSILON ** (1 / 3), compressed**3, (compressed - _OFFSET) / _SLOPE)


def luminance_to_lightness(luminance: npt.ArrayLike) -> Array:
    """L* (0..100) of relative luminance Y (0..1), any shape."""
    return 116 * _compress(_floating(luminance)) - 16


def lightness_to_luminance(lightness: npt.ArrayLike) -> Array:
    """Relative luminance Y (0..1) of L* (0..100), any shape."""
    return _expand((_floating(lightness) + 16) / 116)


def xyz_to_lab(xyz: npt.ArrayLike) -> Array:
    """CIELAB (..., 3) of CIE XYZ."""
    tristimulus = _floating(xyz)
    f = _compress(tristimulus / WHITE.astype(tristimulus.dtype))
    fx, fy, fz = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis=-1)


def lab_to_xyz(lab: npt.ArrayLike) -> Array:
    """CIE XYZ (..., 3) of CIELAB."""
    colors = _floating(lab)
    fy = (colors[..., 0] + 16) / 116
    f = np.stack([fy + colors[..., 1] / 500, fy, fy - colors[..., 2] / 200], axis=-1)
    return _expand(f) * WHITE.astype(colors.dtype)


def srgb_to_lab(srgb: npt.ArrayLike) -> Array:
    """CIELAB (..., 3) of sRGB in 0..1."""
    return xyz_to_lab(linear_to_xyz(srgb_to_linear(srgb)))


def lab_to_srgb(lab: npt.ArrayLike) -> Array:
    """sRGB (..., 3) of CIELAB, not clipped: components outside 0..1 are out of gamut."""
    return linear_to_srgb(xyz_to_linear(lab_to_xyz(lab)))


def ab_to_uv(lightness: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Array, Array]:
    """CIELUV u*, v* of the color with this L* (0..100) and these a*, b*; L* is the same in both spaces."""
    planes = np.broadcast_arrays(_floating(lightness), _floating(a), _floating(b))
    xyz = lab_to_xyz(np.stack(planes, axis=-1))
    denominator = xyz @ np.array([1, 15, 3], xyz.dtype)
    # Black has no chromaticity: u* and v* are 0 for any quotient.
    denominator = np.where(denominator > 0, denominator, 1)
    scale = 13 * planes[0]
    return scale * (4 * xyz[..., 0] / denominator - _UV_WHITE[0]), scale * (
        9 * xyz[..., 1] / denominator - _UV_WHITE[1]
    )


def lab_to_luv(lab: npt.ArrayLike) -> Array:
    """CIELUV (..., 3) of CIELAB."""
    colors = _floating(lab)
    u, v = ab_to_uv(colors[..., 0], colors[..., 1], colors[..., 2])
    return np.stack([colors[..., 0], u, v], axis=-1)


def depth_of(gray: Array) -> Depth:
    """8 for uint8, 16 for uint16; any other dtype is a TypeError."""
    if gray.dtype == np.uint8:
        return 8
    if gray.dtype == np.uint16:
        return 16
    raise TypeError(f"gray must be uint8 or uint16, not {gray.dtype}")


@cache
def luminance_table(depth: Depth) -> Array:
    """Relative luminance Y (float64, read-only) of every sRGB gray value: 256 entries at 8 bit, 65,536 at 16."""
    table = srgb_to_linear(np.linspace(0, 1, 1 << depth))
    table.flags.writeable = False
    return table


@cache
def lightness_table(depth: Depth) -> Array:
    """L* (float32, 0..100, read-only) of every sRGB gray value: 256 entries at 8 bit, 65,536 at 16."""
    table = luminance_to_lightness(luminance_table(depth)).astype(np.float32)
    table.flags.writeable = False
    return table


def lightness(gray: Array) -> Array:
    """L* (float32, 0..100) of sRGB gray values, uint8 or uint16, any shape; exact."""
    return np.take(lightness_table(depth_of(gray)), gray)


def gray_of_lightness(lightness: npt.ArrayLike, depth: Depth) -> Array:
    """The sRGB gray value (uint8 or uint16) nearest to L* (0..100, clipped), any shape."""
    top = (1 << depth) - 1
    # float32 barely resolves 16-bit levels, so rounding is done in float64.
    encoded = linear_to_srgb(lightness_to_luminance(np.asarray(lightness, np.float64)))
    return np.rint(np.clip(encoded, 0, 1) * top).astype(np.uint8 if depth == 8 else np.uint16)


def luminance(rgb: Array) -> Array:
    """Relative luminance Y (float32, 0..1) of sRGB values (..., 3), uint8 or uint16; exact."""
    table = luminance_table(depth_of(rgb)).astype(np.float32)
    return np.take(table, rgb) @ RGB_TO_XYZ[1].astype(np.float32)
