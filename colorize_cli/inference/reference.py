"""``--reference``: one color photograph whose colors guide those of others that show the same things.

Importing this module does not import torch: a finished batch is confirmed without it.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from colorize_cli.color_photos import srgb_of
from colorize_cli.errors import PhotoError, UsageProblem
from colorize_cli.files import nearest_file
from colorize_cli.imaging.borders import inner_box
from colorize_cli.imaging.codecs.file_bytes import bytes_of
from colorize_cli.imaging.codecs.read import read_raster
from colorize_cli.imaging.color import gray_of_lightness, srgb_to_lab
from colorize_cli.imaging.metadata.xmp import xml_text
from colorize_cli.imaging.toning import color_score
from colorize_cli.inference.correspondence import Correspondence

LEAST_AGREEMENT = 0.12
"""Agreement from which a reference is taken to show the same things; measured with ``tools/reference_pairs.py``."""
LONG_SIDE = 1024
"""Pixels of the longer side at which a reference is kept: working sizes are smaller."""
NOT_ALIKE = "the reference shows other things than this photo; its colors were not used"
"""What is said of a photograph that was colorized without the reference."""
MATCH = "reference_match"
"""Name under which a result records how well the reference fitted."""

Source = str | Path | bytes | Image.Image


@dataclass(frozen=True, eq=False)
class Reference:
    """A color photograph, reduced to what is needed of it.

    ``name``: of its file. ``sha256``: hex, of the bytes of the file. ``gray``: uint8 (H, W); ``ab``: float32 (H, W, 2),
    Lab units; borders are cut off.
    """

    name: str
    sha256: str
    gray: np.ndarray
    ab: np.ndarray

    @property
    def recorded(self) -> str:
        """What a result records of it."""
        return xml_text(f"{self.name}, sha256 {self.sha256}")


@dataclass(frozen=True, eq=False)
class Guidance:
    """What the reference says of one photograph."""

    found: Correspondence

    @property
    def used(self) -> bool:
        """Whether the two photographs show the same things."""
        return self.found.agreement >= LEAST_AGREEMENT

    @property
    def recorded(self) -> str:
        """What a result records of how well the reference fitted."""
        return f"{self.found.agreement:.2f}" + ("" if self.used else ", not used")


def read_reference(source: Source | Reference, name: str = "") -> Reference:
    """Read a color photograph: a path, the bytes of a file, or a PIL image. It is opened read-only.

    ``name``: of the bytes or the image. Raises :class:`UsageProblem` for what is missing, is no readable image, or has
    no colors of its own.
    """
    if isinstance(source, Reference):
        return source
    if isinstance(source, str | Path):
        path = Path(source)
        try:
            status = path.stat()
        except OSError as error:
            near = nearest_file(str(source))
            remedy = f"Did you mean '{near}'?" if near else "Check --reference."
            raise UsageProblem(f"There is no reference photo '{source}'.", remedy) from error
        found = _of_file(path, status.st_mtime_ns, status.st_size)
        return replace(found, name=name) if name else found
    if isinstance(source, Image.Image):
        stream = io.BytesIO()
        (source if source.mode in ("L", "RGB", "RGBA", "P") else source.convert("RGB")).save(stream, "PNG")
        source = stream.getvalue()
    return _of_bytes(source, name or "picture")


def without_match(parameters: dict[str, str]) -> dict[str, str]:
    """Return what a result records but for how well the reference fitted, which no option decides."""
    return {name: value for name, value in parameters.items() if name != MATCH}


@lru_cache(maxsize=4)
def _of_file(path: Path, modified: int, size: int) -> Reference:
    """Read a file once, as long as it does not change."""
    try:
        data = bytes_of(path, str(path))
        return replace(_of_bytes(data, str(path)), name=path.name)
    except PhotoError as error:
        raise UsageProblem(
            f"The reference photo cannot be used: {error.message}", "Name a color photo with --reference."
        ) from error


def _of_bytes(data: bytes, name: str) -> Reference:
    rgb = srgb_of(read_raster(data, name, at_least=LONG_SIDE))
    if color_score(rgb) <= 1:
        raise UsageProblem(
            f"The reference '{name}' has no colors to take: it is gray or toned.", "Name a color photo instead."
        )
    box = inner_box(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    if box is not None:
        rgb = box.cut(rgb)
    scale = min(1.0, LONG_SIDE / max(rgb.shape[:2]))
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    small = cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA)
    lab = srgb_to_lab(small.astype(np.float32) / 255).astype(np.float32)
    gray = np.asarray(gray_of_lightness(lab[..., 0], 8), np.uint8)
    return Reference(name, hashlib.sha256(data).hexdigest(), gray, np.ascontiguousarray(lab[..., 1:]))
