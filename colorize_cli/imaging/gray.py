"""Convert samples of any kind (color, profile, ink) to the gray with the same L*."""

import io

import numpy as np
from PIL import Image, ImageCms

from colorize_cli.imaging.color import luminance_table
from colorize_cli.imaging.metadata import icc
from colorize_cli.imaging.tone import apply_gray_table, is_neutral, luminance_gray
from colorize_cli.imaging.toning import color_score


def reduce_to_gray(samples: np.ndarray, profile_data: bytes | None) -> tuple[np.ndarray, float, list[str]]:
    """Return gray (see :class:`Photo`), the amount of color in the source beyond any toning, and notes.

    ``samples``: uint8 or uint16, (H, W) gray, (H, W, 3) RGB or (H, W, 4) CMYK with 0 for no ink; ``profile_data``: the
    embedded ICC profile. An unusable profile is noted and the samples are taken as sRGB.
    """
    profile = None
    notes: list[str] = []
    if profile_data:
        try:
            profile = icc.parse_profile(profile_data)
        except ValueError:
            notes.append("its color profile is damaged; the values are taken as sRGB")
    if samples.ndim == 3 and samples.shape[2] == 4:
        return _from_cmyk(samples, profile, notes)
    if samples.ndim == 2:
        return _from_gray(samples, profile, notes), 0.0, notes
    if is_neutral(samples):
        gray = np.ascontiguousarray(samples[..., 0])
        return _from_gray(gray, profile, notes), 0.0, notes
    return _from_rgb(samples, profile, notes)


def _from_gray(gray: np.ndarray, profile: icc.Profile | None, notes: list[str]) -> np.ndarray:
    """Return the gray values under their profile; unchanged, in their own depth, if that is sRGB's tone curve."""
    if profile is None:
        return gray
    levels = 256 if gray.dtype == np.uint8 else 65536
    try:
        luminance = icc.gray_luminance(profile, levels)
    except Exception:  # hostile or tabular profiles: try Little CMS, then ignore the profile
        if profile.space in ("GRAY", "RGB "):
            converted = _gray_by_cms(profile, levels)
            if converted is not None:
                return apply_gray_table(gray, converted)
        notes.append("its color profile does not fit a gray picture; the values are taken as sRGB")
        return gray
    if icc.is_srgb_gray(luminance):
        return gray
    return apply_gray_table(gray, luminance)


def _from_rgb(rgb: np.ndarray, profile: icc.Profile | None, notes: list[str]) -> tuple[np.ndarray, float, list[str]]:
    """Return the luminance of RGB samples under their profile."""
    if profile is None:
        return luminance_gray(rgb), color_score(rgb), notes
    levels = 256 if rgb.dtype == np.uint8 else 65536
    try:
        if profile.space == "GRAY":
            notes.append("its gray profile does not fit a color picture; the values are taken as sRGB")
            return luminance_gray(rgb), color_score(rgb), notes
        curves = icc.rgb_luminance(profile, levels)
        return luminance_gray(rgb, None if icc.is_srgb(curves) else curves), color_score(rgb), notes
    except Exception:
        converted = _convert_by_cms(rgb if levels == 256 else (rgb >> 8).astype(np.uint8), profile, "RGB")
    if converted is None:
        notes.append("its color profile cannot be used; the values are taken as sRGB")
        return luminance_gray(rgb), color_score(rgb), notes
    if levels == 65536:
        notes.append("its color profile uses lookup tables: tones were converted at 8 bits")
    return luminance_gray(converted), color_score(converted), notes


def _from_cmyk(cmyk: np.ndarray, profile: icc.Profile | None, notes: list[str]) -> tuple[np.ndarray, float, list[str]]:
    """Return the luminance of inks by their profile, or by the plain complement if there is none."""
    if cmyk.dtype == np.uint16:
        notes.append("16-bit CMYK was read at 8 bits")
        cmyk = (cmyk >> 8).astype(np.uint8)
    rgb = _convert_by_cms(cmyk, profile, "CMYK") if profile is not None and profile.space == "CMYK" else None
    if rgb is None:
        notes.append("CMYK without a usable profile: inks were converted without color management")
        rgb = np.asarray(Image.fromarray(cmyk, "CMYK").convert("RGB"))
    else:
        notes.append("CMYK was converted through its profile")
    if is_neutral(rgb):
        return np.ascontiguousarray(rgb[..., 0]), 0.0, notes
    return luminance_gray(rgb), color_score(rgb), notes


def _convert_by_cms(samples: np.ndarray, profile: icc.Profile, mode: str) -> np.ndarray | None:
    """Return uint8 samples converted to sRGB by Little CMS (relative, black point compensated), None on failure."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile.data))
        target = ImageCms.ImageCmsProfile(io.BytesIO(icc.srgb_profile()))
        transform = ImageCms.buildTransform(
            source,
            target,
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        image = Image.fromarray(np.ascontiguousarray(samples), mode)
        converted = ImageCms.applyTransform(image, transform)
    except Exception:
        return None
    return np.asarray(converted) if converted is not None else None


def _gray_by_cms(profile: icc.Profile, levels: int) -> np.ndarray | None:
    """Return the luminance, float64 (levels,), of gray values under a tabular profile, from 256 converted steps."""
    ramp = np.arange(256, dtype=np.uint8)[None]
    mode = "L" if profile.space == "GRAY" else "RGB"
    converted = _convert_by_cms(ramp if mode == "L" else np.repeat(ramp[..., None], 3, axis=2), profile, mode)
    if converted is None:
        return None
    luminance = luminance_table(16)[luminance_gray(converted)[0]]
    return np.interp(np.linspace(0, 255, levels), np.arange(256), luminance)
