"""Color that lies beside or on a gray picture: targets and captions along an edge, mounts, stamps, stains of the paper.

In a color photograph color varies with the content nearly everywhere. Here it does not: once the tone of the greater
part has been fitted (a surface, see :mod:`~colorize_cli.imaging.toning`, from which outliers are dropped step by step),
what stands out lies in a band along one side, around rectangles that are gray inside, or in one or two strong blobs of
one hue each; or it comes and goes more softly than any content, or is the pale yellow of aged paper. Local color with
the edges of the picture (a hand-tinted face) is none of these. The limits were chosen on 868 color photographs, 50 old
ones and 420 generated scans.
"""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

Surface = Callable[[np.ndarray], np.ndarray]

_LIMIT, _LIMIT_SLOPE = 3.0, 0.15
"""Residual chroma, Lab units, from which a pixel stands out, for gray and for each unit of mean chroma."""
_ROUNDS, _DROPPED_A_ROUND, _NEVER_DROPPED = 8, 0.08, 2.5
_BLUR = 0.7
_STRONGEST_TONE = 25.0
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


def is_color_aside(lab: np.ndarray, surface: Surface) -> bool:
    """Return whether the color of a small picture, float (H, W, 3) L*a*b*, is only beside or on a gray one.

    ``surface``: gives the terms (H * W, n) in which chroma is linear on a toned print, for the lightness (H, W).
    """
    residual, limit = _residual(lab, surface)
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
        or any(_is_mounted(part, surface) for part in _without_a_target(lab))
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


def _residual(lab: np.ndarray, surface: Surface, inside: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """Return the chroma (H, W, 2) that the tone of the greater part leaves, and the limit from which it stands out."""
    terms, ab = surface(lab[..., 0]), lab[..., 1:].reshape(-1, 2)
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


def _is_mounted(lab: np.ndarray, surface: Surface) -> bool:
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
    return all(_is_gray_rectangle(lab, labels == number, surface) for number in chosen)


def _is_gray_rectangle(lab: np.ndarray, region: np.ndarray, surface: Surface) -> bool:
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
    residual, limit = _residual(lab, surface, inside)
    return float((np.hypot(residual[..., 0], residual[..., 1])[inside] > limit).mean()) <= _COLORED_PIXELS
