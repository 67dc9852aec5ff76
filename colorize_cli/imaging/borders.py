"""Borders of scans: black film rebates, and the white of a scanner lid or a print margin, around the picture.

A network takes a black frame for night and a white one for fog. It therefore gets only the picture inside, and
the border takes the colors of the picture's edge, which are hardly visible on black and white.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from colorize_cli.imaging.geometry import resize

_SIDE = 256
_DARK, _LIGHT = 0.10, 0.92
"""Gray values (0..1) below and above which a border is black or white."""
_SHARE = 0.97
"""Minimum share of such pixels in a row or column of a border: dust, scratches and frame numbers differ."""
_STEP = 0.12
"""Minimum mean change of gray from the border to the picture: a night sky has no edge."""
_THINNEST, _LARGEST = 0.01, 0.3
"""Range of border width as a share of the side: thinner borders do no harm, wider ones leave too little picture."""


@dataclass(frozen=True)
class Box:
    """The picture within a scan, in pixels of the scan: rows ``top`` to ``bottom``, columns ``left`` to ``right``."""

    top: int
    bottom: int
    left: int
    right: int

    def cut(self, plane: np.ndarray) -> np.ndarray:
        """Return the picture inside ``plane`` (H, W)."""
        return plane[self.top : self.bottom, self.left : self.right]


def inner_box(gray: np.ndarray) -> Box | None:
    """Return the position of the picture in a scan ``gray``, uint8 or uint16 (H, W), None if there is no border.

    Borders are uniform, black or white, end in an edge along the whole side, and may differ from side to side.
    """
    height, width = gray.shape
    scale = min(1.0, _SIDE / max(height, width))
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    if min(rows, columns) < 16:
        return None
    small = resize(gray, rows, columns).astype(np.float32) / (255 if gray.dtype == np.uint8 else 65535)
    top, bottom, left, right = 0, rows, 0, columns
    # Twice, because borders above and below hide those on the left and right, and vice versa.
    for _ in range(2):
        inside = small[top:bottom, left:right]
        above, below = _depth(inside, rows), _depth(inside[::-1], rows)
        top, bottom = top + above, bottom - below
        inside = small[top:bottom, left:right].T
        before, after = _depth(inside, columns), _depth(inside[::-1], columns)
        left, right = left + before, right - after
        if bottom - top < (1 - 2 * _LARGEST) * rows or right - left < (1 - 2 * _LARGEST) * columns:
            return None
    if (top, bottom, left, right) == (0, rows, 0, columns):
        return None
    y, x = height / rows, width / columns
    # One more row or column of the small picture, which a border may cover in part.
    return Box(
        top=int(np.ceil((top + (top > 0)) * y)),
        bottom=int((bottom - (bottom < rows)) * y),
        left=int(np.ceil((left + (left > 0)) * x)),
        right=int((right - (right < columns)) * x),
    )


def _depth(picture: np.ndarray, side: int) -> int:
    """Return the number of border rows at the top of ``picture`` float32 0..1 (h, w); ``side``: rows of the scan."""
    most = int(_LARGEST * side) + 1
    head = picture[: most + 3]
    for border in (head < _DARK, head > _LIGHT):
        full = border.mean(axis=1) >= _SHARE
        depth = int(np.argmin(full)) if not full.all() else len(full)
        if _THINNEST * side <= depth <= most and depth + 2 < len(picture):
            # The row after the border may be partly border, so the change is measured across it.
            change = np.abs(picture[depth + 1] - picture[depth - 1])
            if change.mean() >= _STEP:
                return depth
    return 0


def extend(ab: np.ndarray, box: Box, shape: tuple[int, int]) -> np.ndarray:
    """Return chroma (2, h', w') over a whole scan of ``shape`` (H, W), given that of the picture in it (2, h, w).

    The border takes the chroma of the picture's nearest edge.
    """
    _, rows, columns = ab.shape
    y = _positions(shape[0], box.top, box.bottom, rows)[:, None]
    x = _positions(shape[1], box.left, box.right, columns)[None]
    size = (y.shape[0], x.shape[1])
    y, x = np.broadcast_to(y, size).copy(), np.broadcast_to(x, size).copy()
    return np.stack([cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in ab])


def _positions(length: int, start: int, end: int, cells: int) -> np.ndarray:
    """Return positions in ``cells`` over ``start`` to ``end`` of the centers of equal cells over the whole length."""
    count = max(1, round(length * cells / (end - start)))
    centers = (np.arange(count) + 0.5) * length / count
    return ((centers - start) * cells / (end - start) - 0.5).astype(np.float32)
