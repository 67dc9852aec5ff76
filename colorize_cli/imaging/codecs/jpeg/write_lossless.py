"""Write a result that keeps the luma coefficients of its gray JPEG."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from colorize_cli.errors import TruncatedPhoto, UnsupportedPhoto
from colorize_cli.files import atomic_file
from colorize_cli.imaging.codecs.encode import jpeg_quality, jpeg_start
from colorize_cli.imaging.codecs.jpeg.lossless import add_chroma, lightness_change
from colorize_cli.imaging.codecs.raster import DamagedDataError
from colorize_cli.imaging.codecs.write import WriteResult, job_for, protect_originals, write_stream
from colorize_cli.imaging.metadata.orientation import safe_orientation_of_exif, stated_orientation, turn_back
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.photo import Photo


def write_lossless(
    target: Path | BinaryIO,
    scan: bytes,
    rgb: np.ndarray,
    like: Photo,
    *,
    provenance: Provenance,
    quality: int | None = None,
    overwrite: bool = False,
) -> tuple[WriteResult, float]:
    """Write the gray JPEG ``scan`` with the chroma of ``rgb``, sRGB uint8 (H, W, 3), upright like the photo ``like``.

    The result keeps the scan's EXIF orientation and carries its metadata as other results do; its luma
    is the scan's. Returns what was written and the mean |change of L*|. Raises the errors of
    :func:`~colorize_cli.imaging.codecs.write.write_photo` and :class:`LibraryMissing`; nothing is left behind.
    """
    orientation = like.orientation
    turned = turn_back(rgb, orientation)
    notes: list[str] = []
    job = job_for("JPEG", turned, like, provenance, quality, notes, orientation=orientation)
    stated = safe_orientation_of_exif(job.metadata.exif)
    if stated_orientation(stated, like.metadata.xmp) != orientation:
        raise UnsupportedPhoto(
            "its EXIF block, which states its orientation, is damaged.", "Omit --lossless-luma for this photo."
        )
    chroma_quality, subsampling = jpeg_quality(job)
    try:
        result = add_chroma(scan, turned, chroma_quality, subsampling, jpeg_start(job))
        change = lightness_change(scan, result)
    except (DamagedDataError, OSError, ValueError) as error:
        raise TruncatedPhoto(
            f"{like.path or 'the scan'} is damaged: {error}.", "Omit --lossless-luma for this photo, or copy it again."
        ) from error
    if isinstance(target, Path):
        protect_originals(target, like)
        with atomic_file(target, overwrite=overwrite, like=like.path) as file:
            file.write(result)
        return WriteResult(target, tuple(notes)), change
    write_stream(target, result)
    return WriteResult(None, tuple(notes)), change
