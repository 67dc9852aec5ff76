"""Tell color from toning: how far the colors of a scan exceed what toning, fading and a cast do to a gray print.

Sepia, cyanotype, yellowed paper and a scanner's cast give each pixel a color that depends on its lightness and changes
slowly over the sheet. Misaligned channels add a color in proportion to the gradient of the lightness. A surface (a
cubic in L*, a quadric in x and y, the gradient of L*) is fitted to these; the residual is color. It is measured on a
small, slightly blurred picture, in which JPEG's chroma noise has averaged out. Strongly toned prints vary more (stains,
uneven baths), so the limits rise with the mean chroma. Color that is only beside or on a gray picture does not count:
targets and captions along an edge, mounts, stamps, stains of the paper, tape.

The limits were chosen on 720 color and 50 old photographs, those of color beside a picture on 868 color photographs, 50
old ones and 420 generated scans: see ``docs/lab/colorizing-log.md``.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from colorize_cli.imaging.color import srgb_to_lab

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
# Color beside or on a gray picture.
_LIMIT, _LIMIT_SLOPE = 3.0, 0.15
"""Residual chroma, Lab units, from which a pixel stands out, for gray and for each unit of mean chroma."""
_ROUNDS, _DROPPED_A_ROUND, _NEVER_DROPPED = 8, 0.08, 2.5
_SPECKS = 0.006
"""Share of the picture that may stand out elsewhere."""
_AGED_HUES, _AGED_STRENGTH, _AGED_AREA = (75.0, 128.0), 16.0, 0.1
"""Hue angles, degrees, and chroma of paper that has yellowed unevenly, and the share of it that is let pass."""
_CAPTION_BAND, _TARGET_BAND, _TARGET_STRENGTH = 0.15, 0.25, 12.0
_AGED_BESIDE_BAND, _AGED_BESIDE_INK, _CAPTION_EDGE, _AGED_BESIDE_CAPTION = 0.02, 0.005, 0.37, 0.07
_INK_STRENGTH, _THIN_INK_STRENGTH, _THIN_INK_EDGE, _INK_AREA, _ONE_HUE, _SPECK_PIXELS = 21.5, 14.0, 0.34, 0.16, 0.8, 12
_STAINS = ((0.185, 0.18), (0.17, 0.21), (0.14, 0.35))
"""Sharpest edge and largest share of the picture of soft stains; their strength is bounded too."""
_STAIN_STRENGTH = 25.0
_TAPE_HUES, _TAPE_AREA, _TAPE_CORNERS, _TAPE_FILLED = (55.0, 110.0), 0.16, 0.87, 0.5
"""Hue angles, degrees, of tape and brown paper; largest share of the picture under it; how much of its rectangle its
outline fills (an ellipse: 0.79), and how much of that outline stands out."""


def color_score(rgb: np.ndarray) -> float:
    """Return how colored ``rgb``, uint8 or uint16 (H, W, 3) sRGB, is beyond any toning; above 1 it is a color picture.

    0 for gray, and for pictures of a few pixels, which are too small to tell. Color that is only beside or on top of a
    gray picture (a color target, a mount, a stamp) does not count.
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
    return min(score, _NOT_IN_COLOR) if score > _NOT_IN_COLOR and _is_color_aside(lab) else score


def _surface(lightness: np.ndarray) -> np.ndarray:
    """Return the terms of the surface (H * W, 11) at each pixel: powers of L*, x and y, and the gradient of L*."""
    height, width = lightness.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    level = lightness / 50 - 1
    slopes = [np.gradient(level, axis=axis) if level.shape[axis] > 1 else np.zeros_like(level) for axis in (0, 1)]
    terms = (np.ones_like(level), level, level**2, level**3, x, y, x * y, x**2, y**2, *slopes)
    return np.stack([term.ravel() for term in terms], axis=1)


def _is_color_aside(lab: np.ndarray) -> bool:
    """Return whether the color of a small picture, float (H, W, 3) L*a*b*, is only beside or on a gray one.

    In a color photograph color varies with the content nearly everywhere. Color aside does not: once the tone of the
    greater part has been fitted (from which outliers are dropped step by step), what stands out is in a band along one
    side, around rectangles that are gray inside, or in one or two strong blobs of one hue each; or it changes more
    softly than any content, or is the pale yellow of aged paper, or a rectangle of tape. Local color with the edges of
    the picture (a hand-tinted face) is none of these.
    """
    residual, limit = _residual(lab)
    strength = np.hypot(residual[..., 0], residual[..., 1])
    outstanding = strength > limit
    hue = np.degrees(np.arctan2(residual[..., 1], residual[..., 0]))
    aged = outstanding & (hue > _AGED_HUES[0]) & (hue < _AGED_HUES[1]) & (strength <= _AGED_STRENGTH)
    colored = outstanding & ~aged
    if colored.mean() <= _SPECKS and outstanding.mean() <= _AGED_AREA:
        return True
    return (
        _is_beside(colored, strength, float(aged.mean()))
        or _is_stain(outstanding, strength)
        or _is_ink(colored, residual, float(aged.mean()))
        or _is_tape(outstanding, residual)
        or any(_is_mounted(part) for part in _without_a_target(lab))
    )


def _is_beside(colored: np.ndarray, strength: np.ndarray, aged: float) -> bool:
    """Return whether all color is a caption or a target along one side; ``aged``: share of yellowed paper besides."""
    strong, edge = _strength_and_edge(strength, colored)
    if _in_band(colored, _CAPTION_BAND):
        return aged <= _AGED_BESIDE_BAND or (aged <= _AGED_BESIDE_CAPTION and edge >= _CAPTION_EDGE)
    return strong >= _TARGET_STRENGTH and aged <= _AGED_BESIDE_BAND and _in_band(colored, _TARGET_BAND)


def _is_stain(outstanding: np.ndarray, strength: np.ndarray) -> bool:
    """Return whether color comes and goes more softly than any content."""
    strong, edge = _strength_and_edge(strength, outstanding)
    share = float(outstanding.mean())
    return strong <= _STAIN_STRENGTH and any(edge <= sharpest and share <= largest for sharpest, largest in _STAINS)


def _strength_and_edge(strength: np.ndarray, region: np.ndarray) -> tuple[float, float]:
    """Return the chroma of the strongest tenth of a region, and its sharpest slopes in units of that a pixel."""
    if not region.any():
        return 0.0, 0.0
    strong = float(np.percentile(strength[region], 90))
    slopes = np.hypot(
        cv2.Sobel(strength, cv2.CV_64F, 1, 0, scale=0.125), cv2.Sobel(strength, cv2.CV_64F, 0, 1, scale=0.125)
    )
    rim = cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return strong, float(np.percentile(slopes[rim], 90)) / max(strong, 1.0)


def _residual(lab: np.ndarray, inside: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """Return the chroma (H, W, 2) that the tone of the greater part leaves, and the limit from which it stands out."""
    terms, ab = _surface(lab[..., 0]), lab[..., 1:].reshape(-1, 2)
    counted = np.ones(len(ab), bool) if inside is None else inside.ravel()
    kept = counted
    for number in range(1, _ROUNDS + 1):
        rest = ab - terms @ np.linalg.lstsq(terms[kept], ab[kept], rcond=None)[0]
        rest = cv2.GaussianBlur(rest.reshape(*lab.shape[:2], 2), (0, 0), _BLUR)
        strength = np.hypot(rest[..., 0], rest[..., 1]).ravel()
        kept = counted & (
            strength < max(_NEVER_DROPPED, float(np.quantile(strength[counted], 1 - _DROPPED_A_ROUND * number)))
        )
    tone = min(float(np.hypot(ab[kept, 0], ab[kept, 1]).mean()), _STRONGEST_TONE)
    return rest, _LIMIT + _LIMIT_SLOPE * tone


def _in_band(outstanding: np.ndarray, depth: float) -> bool:
    """Return whether all that stands out, but for specks, lies within a share ``depth`` of one side."""
    for profile in (outstanding.mean(1), outstanding.mean(0)):
        for line in (profile, profile[::-1]):
            if line[int(depth * len(line)) :].sum() / len(line) <= _SPECKS:
                return True
    return False


def _is_ink(colored: np.ndarray, residual: np.ndarray, aged: float) -> bool:
    """Return whether one or two compact blobs, each of one hue, strong or with sharp edges, are all the color."""
    strength = np.hypot(residual[..., 0], residual[..., 1])
    joined = cv2.morphologyEx(colored.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes = np.zeros(colored.shape, bool)
    strongest = 0.0
    for number in sorted(range(1, count), key=lambda number: -statistics[number, cv2.CC_STAT_AREA])[:2]:
        x, y, width, height, pixels = statistics[number]
        boxes[y : y + height, x : x + width] = True
        blob = (labels == number) & colored
        hue = (residual[blob] / strength[blob][:, None]).mean(0)
        if pixels > _SPECK_PIXELS and float(np.hypot(*hue)) < _ONE_HUE:
            return False
        strongest = max(strongest, float(np.percentile(strength[blob], 90)))
    if float((colored & ~boxes).mean()) > _SPECKS or float(boxes.mean()) > _INK_AREA:
        return False
    _, edge = _strength_and_edge(strength, colored)
    if strongest >= _INK_STRENGTH:
        return aged <= _AGED_BESIDE_BAND
    return strongest >= _THIN_INK_STRENGTH and edge >= _THIN_INK_EDGE and aged <= _AGED_BESIDE_INK


def _is_tape(outstanding: np.ndarray, residual: np.ndarray) -> bool:
    """Return whether one or two yellow to brown rectangles, straight or not, are all the color."""
    strength = np.hypot(residual[..., 0], residual[..., 1])
    joined = cv2.morphologyEx(outstanding.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    left = outstanding.copy()
    covered = 0.0
    for number in sorted(range(1, count), key=lambda number: -statistics[number, cv2.CC_STAT_AREA])[:2]:
        if statistics[number, cv2.CC_STAT_AREA] <= _SPECK_PIXELS:
            break
        blob = (labels == number) & outstanding
        a, b = (residual[blob] / strength[blob][:, None]).mean(0)
        hull = cv2.convexHull(np.argwhere(labels == number).astype(np.float32))
        (_, (width, height), _) = cv2.minAreaRect(hull)
        # Corners are pixels' middles: a rectangle of n pixels measures n - 1.
        outline, rectangle = cv2.contourArea(hull), max(width * height, 1.0)
        if np.hypot(a, b) < _ONE_HUE or not _TAPE_HUES[0] < np.degrees(np.arctan2(b, a)) < _TAPE_HUES[1]:
            return False
        if outline < _TAPE_CORNERS * rectangle or blob.sum() < _TAPE_FILLED * outline:
            return False
        covered += rectangle
        left[labels == number] = False
    return 0 < covered <= _TAPE_AREA * outstanding.size and float(left.mean()) <= _SPECKS


def _without_a_target(lab: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the picture, and what is left of it when a band of up to a third is cut off at one side."""
    yield lab
    height, width = lab.shape[:2]
    for cut in range(max(2, height // 25), round(0.32 * height), 2):
        yield lab[cut:]
        yield lab[: height - cut]
    for cut in range(max(2, width // 25), round(0.32 * width), 2):
        yield lab[:, cut:]
        yield lab[:, : width - cut]


_RING, _FLAT = 0.03, 0.93
_SAME_CHROMA, _SAME_LIGHTNESS = 6.0, 14.0
_SMALLEST_PRINT, _SMALLEST_SHARE = 0.01, 0.12
_RECTANGULAR, _COLORED_PIXELS, _FEWEST_PIXELS = 0.8, 0.03, 60


def _is_mounted(lab: np.ndarray) -> bool:
    """Return whether this is a page of one color all around rectangles that are gray, or toned, inside."""
    height, width = lab.shape[:2]
    edge = max(2, round(_RING * max(height, width)))
    ring = np.ones((height, width), bool)
    ring[edge:-edge, edge:-edge] = False
    page = np.median(lab[ring], axis=0)
    same = np.hypot(lab[..., 1] - page[1], lab[..., 2] - page[2]) < _SAME_CHROMA
    same &= np.abs(lab[..., 0] - page[0]) < _SAME_LIGHTNESS
    if same[ring].mean() < _FLAT:
        return False
    _, labels = cv2.connectedComponents(same.astype(np.uint8), connectivity=4)
    prints: np.ndarray = (~np.isin(labels, np.unique(labels[ring & same]))).astype(np.uint8)
    prints = cv2.morphologyEx(prints, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(prints, connectivity=4)
    areas = {number: statistics[number, cv2.CC_STAT_AREA] / (height * width) for number in range(1, count)}
    chosen = [number for number, area in areas.items() if area >= _SMALLEST_PRINT]
    if sum(areas[number] for number in chosen) < _SMALLEST_SHARE:
        return False
    return all(_is_gray_rectangle(lab, labels == number) for number in chosen)


def _is_gray_rectangle(lab: np.ndarray, region: np.ndarray) -> bool:
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    # Contours run through the middle of pixels: half a pixel is missing all around.
    area = cv2.contourArea(outline) + len(outline) / 2
    _, (wide, tall), _ = cv2.minAreaRect(outline)
    if area < _RECTANGULAR * (wide + 1) * (tall + 1):
        return False
    filled = np.zeros(region.shape, np.uint8)
    cv2.drawContours(filled, [outline], -1, 1, -1)
    inside = cv2.erode(filled, np.ones((5, 5), np.uint8)) > 0
    if inside.sum() < _FEWEST_PIXELS:
        return True
    residual, limit = _residual(lab, inside)
    return float((np.hypot(residual[..., 0], residual[..., 1])[inside] > limit).mean()) <= _COLORED_PIXELS
