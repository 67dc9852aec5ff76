"""The picture of where a model is guessing: 8-bit gray at the photograph's size, white where it is sure."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.atomic import atomic_file
from colorize_cli.imaging.color import depth_of, lightness_table
from colorize_cli.imaging.metadata import Provenance, build_xmp
from colorize_cli.imaging.png import chunk
from colorize_cli.imaging.upsample import chroma_field

Array = npt.NDArray[Any]
_AFTER_HEADER = 8 + 25  # signature and IHDR


def confidence_picture(gray: Array, confidence: Array) -> Array:
    """Return ``confidence``, float32 (h, w) in 0..1, as uint8 (H, W), 255 for 1, along the edges of the photograph.

    ``gray``: uint8 or uint16 (H, W). Works in strips: it takes little memory beyond the result.
    """
    field = chroma_field(gray, np.stack([confidence, confidence]))
    picture = np.empty(gray.shape, np.uint8)
    table = lightness_table(depth_of(gray))
    rows = max(1, (1 << 16) // gray.shape[1])
    for first in range(0, gray.shape[0], rows):
        guide = np.take(table, gray[first : first + rows])
        planes = np.empty((8, *guide.shape), np.float32)
        strip = field.widened(first, first + len(guide)).chroma(first, np.concatenate([guide, guide]), planes)
        picture[first : first + rows] = cv2.convertScaleAbs(np.clip(strip[: len(guide)], 0, 1), alpha=255)
    return picture


def write_confidence_map(target: Path, picture: Array, provenance: Provenance, *, overwrite: bool = False) -> None:
    """Write a confidence picture, uint8 (H, W), as a PNG that says in its XMP what it was made by.

    Raises :class:`OutputExists` and :class:`OutputError`; in every case the file is there whole or not at all.
    """
    encoded = cv2.imencode(".png", picture)[1].tobytes()
    xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + build_xmp(None, provenance))
    with atomic_file(target, overwrite=overwrite) as file:
        file.write(encoded[:_AFTER_HEADER] + xmp + encoded[_AFTER_HEADER:])
