"""Embedded ICC profiles: exact tone curves of gray and matrix profiles, and the sRGB profile that results carry.

Tag layouts and curve formulas: ICC.1:2022, sections 9 and 10 (curveType, parametricCurveType, XYZType).
Profiles built on tables (CMYK, many scanners) are left to Little CMS through Pillow.
"""

import struct
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import ImageCms

from colorize_cli.imaging.color import luminance_table
from colorize_cli.imaging.tone import SRGB_LUMINANCE

# Y row of the Bradford matrix from the D50 of the profile connection space to the D65 of sRGB (ICC.1 annex E).
_D50_TO_D65_Y = np.array([-0.0283697, 1.0099954, 0.0210414])

_TO_D50 = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""The Bradford cone responses, in which white points are adapted (ICC.1 annex E)."""
_D50 = np.array([0.9642, 1.0, 0.8249])

Primaries = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""Chromaticities x, y of white, red, green and blue."""
SRGB_PRIMARIES: Primaries = ((0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))


@dataclass(frozen=True)
class Profile:
    """A parsed profile. ``space``: "GRAY", "RGB " or "CMYK"; ``name``: its description, for messages.

    ``tags``: the raw tag data by signature.
    """

    data: bytes
    space: str
    tags: dict[str, bytes]

    @property
    def is_tabular(self) -> bool:
        """Whether colors use a multidimensional lookup table, which cannot be read as curves."""
        return any(tag in self.tags for tag in ("A2B0", "A2B1", "D2B0", "D2B1"))


def parse_profile(data: bytes) -> Profile:
    """Return the profile in ``data``. Raises ValueError if it is not a profile."""
    if len(data) < 132 or data[36:40] != b"acsp":
        raise ValueError("not an ICC profile")
    (count,) = struct.unpack_from(">I", data, 128)
    tags: dict[str, bytes] = {}
    for index in range(min(count, 200)):
        if len(data) < 144 + 12 * index:
            raise ValueError("ICC tag table ends early")
        signature, offset, size = struct.unpack_from(">4sII", data, 132 + 12 * index)
        tags[signature.decode("latin-1")] = data[offset : offset + size]
    return Profile(data, data[16:20].decode("latin-1"), tags)


def _curve(tag: bytes, levels: int) -> np.ndarray:
    """Return the linear light, float64 (levels,), of evenly spaced values by a curv or para tag."""
    x = np.arange(levels) / (levels - 1)
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        values = np.frombuffer(tag, ">u2", count, 12)
        if count == 1:
            return x ** (float(values[0]) / 256)
        return np.interp(x, np.arange(count) / (count - 1), values / 65535)
    if tag[:4] != b"para":
        raise ValueError("unknown tone curve")
    (kind,) = struct.unpack_from(">H", tag, 8)
    g, *rest = (value / 65536 for value in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12))
    a, b, c, d, e, f = (rest + [0.0] * 6)[:6]
    if kind == 0:
        a, b, d, e = 1.0, 0.0, -1.0, 0.0
    elif kind in (1, 2):
        # Below -b/a the result is the constant c (0 in kind 1).
        c, d, e, f = 0.0, -b / a if a else 0.0, c if kind == 2 else 0.0, c if kind == 2 else 0.0
    curved = np.maximum(a * x + b, 0.0) ** g + e
    return np.where(x >= d, curved, c * x + f)


def gray_luminance(profile: Profile, levels: int) -> np.ndarray:
    """Return the luminance, float64 (levels,) 0..1, of each gray value under a gray or RGB profile.

    A gray picture with an RGB profile is read as neutral pixels of that profile. Raises ValueError if the profile
    holds no plain curves.
    """
    if profile.space == "GRAY" and "kTRC" in profile.tags:
        return _curve(profile.tags["kTRC"], levels)
    if profile.space == "RGB ":
        curves = rgb_luminance(profile, levels).sum(axis=0)
        return curves / curves[-1]
    raise ValueError(f"no gray curve in a profile for {profile.space}")


def rgb_luminance(profile: Profile, levels: int) -> np.ndarray:
    """Return the luminance, float64 (3, levels), contributed by each value of each channel under an RGB matrix profile.

    Raises ValueError if the profile does not consist of three curves and a matrix.
    """
    if profile.space != "RGB " or profile.is_tabular:
        raise ValueError("not a matrix profile")
    try:
        columns = [np.frombuffer(profile.tags[f"{c}XYZ"], ">i4", 3, 8) / 65536 for c in "rgb"]
        curves = np.stack([_curve(profile.tags[f"{c}TRC"], levels) for c in "rgb"])
    except KeyError as error:
        raise ValueError(f"profile without {error}") from None
    weights = np.array([float(_D50_TO_D65_Y @ column) for column in columns])
    if not weights.sum() > 0.1:
        raise ValueError("a matrix without luminance")
    return curves * (weights / weights.sum())[:, None]


def profile_of(gamma: float | None, primaries: Primaries) -> bytes:
    """Return an ICC matrix profile with this gamma (None: the curve of sRGB) and these chromaticities.

    Raises ValueError or ArithmeticError for impossible values.
    """
    if gamma is not None and not 0.1 <= gamma <= 10:
        raise ValueError("no gamma of a picture")
    xyz = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries])
    columns = xyz[1:] * np.linalg.solve(xyz[1:].T, xyz[0])[:, None]
    scale = (_TO_D50 @ _D50) / (_TO_D50 @ xyz[0])
    adapted = columns @ (np.linalg.inv(_TO_D50) @ np.diag(scale) @ _TO_D50).T
    if not (np.isfinite(adapted).all() and np.abs(adapted).max() < 10):
        raise ValueError("no chromaticities of real colors")
    curve = (3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045) if gamma is None else (0, gamma)
    kind, *numbers = curve
    para = b"para\0\0\0\0" + struct.pack(f">HH{len(numbers)}i", int(kind), 0, *(round(n * 65536) for n in numbers))
    tags = {f"{c}XYZ": _xyz(column) for c, column in zip("rgb", adapted, strict=True)}
    tags |= {"wtpt": _xyz(_D50)} | {f"{c}TRC": para for c in "rgb"}
    offset, table, body = 132 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name.encode() + struct.pack(">II", offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = bytearray(132)
    struct.pack_into(">I", head, 0, offset + len(body))
    head[8:12], head[12:24], head[36:40] = b"\x04\x20\0\0", b"mntrRGB XYZ ", b"acsp"
    struct.pack_into(">3i", head, 68, *(round(n * 65536) for n in _D50))
    struct.pack_into(">I", head, 128, len(tags))
    return bytes(head) + table + body


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def is_srgb_gray(luminance: np.ndarray) -> bool:
    """Return whether these luminances of gray values match sRGB to within a fifth of an 8-bit level."""
    levels = len(luminance)
    reference = luminance_table(8 if levels == 256 else 16)
    step = np.maximum(np.gradient(reference) * (levels - 1) / 255, 1e-9)
    return bool(np.all(np.abs(luminance - reference) < 0.2 * step + 2e-5))


def is_srgb(curves: np.ndarray) -> bool:
    """Return whether the luminances (3, levels) of an RGB profile match sRGB."""
    ends = np.abs(curves[:, -1] - np.array(SRGB_LUMINANCE)).max()
    return bool(ends < 2e-3) and all(is_srgb_gray(curve / curve[-1]) for curve in curves)


@cache
def srgb_profile() -> bytes:
    """Return the sRGB profile embedded in results: the same bytes in every run, without a date."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    data[84:100] = bytes(16)
    return bytes(data)
