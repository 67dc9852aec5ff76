"""Tell color from toning: how far the colors of a scan exceed what toning, fading and a cast do to a gray print.

Sepia, cyanotype, yellowed paper and a scanner's cast give each pixel a color that depends on its lightness and changes
slowly over the sheet. Misaligned channels add a color in proportion to the gradient of the lightness. A surface (a
cubic in L*, a quadric in x and y, the gradient of L*) is fitted to these; the residual is color. It is measured on a
small, slightly blurred picture, in which JPEG's chroma noise has averaged out. Strongly toned prints vary more (stains,
uneven baths), so the limits rise with the mean chroma. They were chosen on 720 color and 50 old photographs: see
``docs/lab/colorizing-log.md``.
"""

import cv2
import numpy as np

from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.imaging.color_aside import is_color_aside

_SIDE = 96
_SAMPLED_ROWS = 4 * _SIDE
_FEWEST_PIXELS = 64
_BLUR = 0.7
# Limits of the residual in Lab units, for gray and per unit of mean chroma: over the whole picture, and in the
# strongest 1 % (a hand-tinted face).
_RMS, _RMS_SLOPE = 1.35, 0.08
_TOP, _TOP_SLOPE = 3.45, 0.25
_STRONGEST_TONE = 25.0
_NOT_IN_COLOR = 1.0


def color_score(rgb: np.ndarray) -> float:
    """Return how colored ``rgb``, uint8 or uint16 (H, W, 3) sRGB, is beyond any toning; above 1 it is a color picture.

    0 for gray, and for pictures of a few pixels, which are too small to tell. Color that is only beside or on top of a
    gray picture (a color target, a mount, a stamp) does not count: see :mod:`~colorize_cli.imaging.color_aside`.
    """
    height, width = rgb.shape[:2]
    scale = _SIDE / max(height, width)
    rows = rgb[:: max(1, height // _SAMPLED_ROWS)]
    small = cv2.resize(
        np.ascontiguousarray(rows),
        (max(1, round(width * min(1, scale))), max(1, round(height * min(1, scale)))),
        interpolation=cv2.INTER_AREA,
    )
    if small.shape[0] * small.shape[1] < _FEWEST_PIXELS:
        return 0.0
    top = 255 if rgb.dtype == np.uint8 else 65535
    lab = srgb_to_lab(small.astype(np.float32) / top).astype(np.float64)
    ab = lab[..., 1:].reshape(-1, 2)
    surface = _surface(lab[..., 0])
    residual = ab - surface @ np.linalg.lstsq(surface, ab, rcond=None)[0]
    residual = cv2.GaussianBlur(residual.reshape(*small.shape[:2], 2), (0, 0), _BLUR)
    chroma = np.hypot(residual[..., 0], residual[..., 1])
    tone = min(float(np.hypot(ab[:, 0], ab[:, 1]).mean()), _STRONGEST_TONE)
    rms = float(np.sqrt(np.mean(chroma**2))) / (_RMS + _RMS_SLOPE * tone)
    strongest = float(np.percentile(chroma, 99)) / (_TOP + _TOP_SLOPE * tone)
    score = max(rms, strongest)
    return min(score, _NOT_IN_COLOR) if score > _NOT_IN_COLOR and is_color_aside(lab, _surface) else score


def _surface(lightness: np.ndarray) -> np.ndarray:
    """Return the terms of the surface (H * W, 11) at each pixel: powers of L*, x and y, and the gradient of L*."""
    height, width = lightness.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    level = lightness / 50 - 1
    slopes = [np.gradient(level, axis=axis) if level.shape[axis] > 1 else np.zeros_like(level) for axis in (0, 1)]
    terms = (np.ones_like(level), level, level**2, level**3, x, y, x * y, x**2, y**2, *slopes)
    return np.stack([term.ravel() for term in terms], axis=1)
