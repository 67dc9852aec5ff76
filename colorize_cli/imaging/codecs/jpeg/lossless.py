"""Add color to a gray JPEG without changing its DCT coefficients, write it, and extract the gray JPEG again.

The luma of JFIF files (ITU-T T.871) is the gray channel itself, so only two chroma channels are added. This keeps
luma, a weighted sum of sRGB values, rather than L* as all other results do: a color of the same
luma is slightly lighter than its gray; `lightness_change` measures by how much.
"""

import io
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

from colorize_cli.errors import TruncatedPhoto, UnsupportedPhoto
from colorize_cli.files import atomic_file
from colorize_cli.imaging.codecs.decode_pillow import open_pillow
from colorize_cli.imaging.codecs.encode import Job, jpeg_quality, jpeg_start
from colorize_cli.imaging.codecs.jpeg import structure as jpeg
from colorize_cli.imaging.codecs.jpeg.coefficients import Component, encode_components, frame, read_component
from colorize_cli.imaging.codecs.raster import DamagedDataError
from colorize_cli.imaging.codecs.write import WriteResult, job_for, protect_originals, write_stream
from colorize_cli.imaging.color import lightness, luminance, luminance_to_lightness
from colorize_cli.imaging.metadata import icc
from colorize_cli.imaging.metadata.exif import safe_orientation_of_exif, stated_orientation, turn_back
from colorize_cli.imaging.metadata.xmp import LUMA_PARAMETER, Provenance, provenance_of_xmp, without_provenance
from colorize_cli.imaging.photo import Encoding, Photo
from colorize_cli.imaging.tone import strips

_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_FROM_CHROMA = ((0.0, 1.402), (-0.344136, -0.714136), (1.772, 0.0))
"""Contribution of Cb and Cr, centered on 0, to red, green and blue."""

# sRGB values follow about the power 1 / 2.2 of light, Lab the power 1 / 3: when a color gets lighter, its a*b* stay
# about the same if its chroma grows with the quotient of the two powers.
_CHROMA_POWER = 1 - 2.2 / 3
_WITHOUT = "Omit --lossless-luma for this photo."


def check_scan(data: bytes, photo: Photo, name: str) -> None:
    """Raise :class:`UnsupportedPhoto` unless ``data`` is a JPEG whose gray channel can be kept as it is.

    It must be baseline or progressive, Huffman-coded, 8 bits; one component, or three without color; and its tones
    must be those of sRGB, because the result is an sRGB picture. ``photo``: the result of :func:`read_photo` for it.
    """

    def refuse(why: str) -> UnsupportedPhoto:
        return UnsupportedPhoto(f"{name} cannot keep its luma: {why}.", _WITHOUT)

    if photo.format != "JPEG":
        raise refuse(f"it is {photo.format}, not JPEG")
    marker, _, components = frame(data)
    if marker not in (0xC0, 0xC1, 0xC2):
        raise refuse("it uses arithmetic or hierarchical coding")
    if len(components) == 4:
        raise refuse("it is in CMYK")
    image = open_pillow(io.BytesIO(data), "JPEG")
    if len(components) != 1:
        largest = max(part[1] for part in components), max(part[2] for part in components)
        is_rgb = image.info.get("adobe_transform") == 0 or bytes(part[0] for part in components) == b"RGB"
        if len(components) != 3 or is_rgb or components[0][1:] != largest:
            raise refuse("it has no full-size luma channel")
    if not _is_srgb_toned(image.info.get("icc_profile")):
        raise refuse("its color profile is not sRGB, the profile of every result")
    if photo.gray.dtype != np.uint8:
        raise refuse("it contains color")


def _is_srgb_toned(profile: bytes | None) -> bool:
    if not profile:
        return True
    try:
        return icc.is_srgb_gray(icc.gray_luminance(icc.parse_profile(profile), 256))
    except Exception:  # hostile or tabular profiles: their tones are not certain
        return False


def add_chroma(data: bytes, rgb: np.ndarray, quality: int, subsampling: str, start: bytes) -> bytes:
    """Return the gray JPEG ``data`` with the chroma of ``rgb``, sRGB uint8 (H, W, 3), in the same orientation.

    ``quality``: 1..100, of the chroma; ``subsampling``: "4:2:0", or anything else for full-size chroma; ``start``: the
    start marker and metadata of the result. Its luma has the coefficients and the quantization table of ``data``.
    Raises :class:`LibraryMissing` and :class:`OutputError` if the folder for temporary files is full.
    """
    height, width = rgb.shape[:2]
    factor = 2 if subsampling == "4:2:0" else 1
    table = jpeg.chrominance_table(quality)
    planes = [_encoded_plane(plane, table) for plane in chroma_planes(_decoded_gray(data), rgb, factor)]
    return start + encode_components([read_component(data), *planes], width, height, factor)


def _decoded_gray(data: bytes) -> np.ndarray:
    return np.asarray(open_pillow(io.BytesIO(data), "JPEG").convert("L"))


def _encoded_plane(plane: np.ndarray, table: np.ndarray) -> Component:
    """Return the coefficients of a plane, uint8 (h, w), by encoding and reading a gray JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(plane).save(buffer, "JPEG", qtables=[table.reshape(-1).tolist()])
    return read_component(buffer.getvalue())


def chroma_planes(gray: np.ndarray, rgb: np.ndarray, factor: int) -> list[np.ndarray]:
    """Return Cb and Cr, uint8 with neutral at 128, (ceil(H / factor), ceil(W / factor)), for gray as the luma.

    ``gray``: uint8 (H, W). ``rgb``: the target colors, sRGB uint8 (H, W, 3), of about that lightness. Where the luma
    leaves no room for a color in sRGB its chroma is reduced toward neutral, so that no channel is clipped.
    """
    height, width = (-(-side // factor) * factor for side in gray.shape)
    planes = np.empty((2, height // factor, width // factor), np.uint8)
    for rows in strips(height, width):
        rows = slice(rows.start // factor * factor, min(-(-rows.stop // factor) * factor, height))
        below, right = max(0, rows.stop - gray.shape[0]), width - gray.shape[1]
        strip = cv2.copyMakeBorder(rgb[rows], 0, below, 0, right, cv2.BORDER_REPLICATE)
        luma = cv2.copyMakeBorder(gray[rows], 0, below, 0, right, cv2.BORDER_REPLICATE)
        planes[:, rows.start // factor : rows.stop // factor] = _chroma_strip(luma, strip, factor)
    return list(planes)


def _chroma_strip(luma: np.ndarray, rgb: np.ndarray, factor: int) -> np.ndarray:
    size = luma.shape[1] // factor, luma.shape[0] // factor
    Y = cv2.resize(luma.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    wanted = cv2.resize(rgb.astype(np.float32), size, interpolation=cv2.INTER_AREA).reshape(*Y.shape, 3)
    ycc = wanted @ _TO_YCC.T
    chroma = ycc[..., 1:] * (np.maximum(Y, 1) / np.maximum(ycc[..., 0], 1))[..., None] ** _CHROMA_POWER
    room = np.ones_like(Y)
    for cb, cr in _FROM_CHROMA:
        offset = cb * chroma[..., 0] + cr * chroma[..., 1]
        np.minimum(room, np.where(offset > 0, 255 - Y, Y) / np.maximum(np.abs(offset), 1e-3), out=room)
    return np.rint(chroma * room[..., None] + 128).clip(0, 255).astype(np.uint8).transpose(2, 0, 1)


def lightness_change(data: bytes, colored: bytes) -> float:
    """Return the mean of |L* of the color JPEG - L* of the gray JPEG|, by the exact formulas, as both decode."""
    gray = _decoded_gray(data)
    rgb = np.asarray(open_pillow(io.BytesIO(colored), "JPEG").convert("RGB"))
    total = 0.0
    for rows in strips(*gray.shape):
        total += float(np.abs(luminance_to_lightness(luminance(rgb[rows])) - lightness(gray[rows])).sum())
    return total / gray.size


def recover_gray(data: bytes, photo: Photo, name: str) -> bytes:
    """Return the gray JPEG that was colorized with its luma kept: the same coefficients and quantization table.

    ``data``: the bytes of the color JPEG, ``photo``: what :func:`read_photo` made of them. The metadata are those of
    the result, without the provenance. Raises :class:`UnsupportedPhoto` for any other file.
    """
    made_by = provenance_of_xmp(photo.metadata.xmp) if photo.metadata.xmp else None
    if photo.format != "JPEG" or made_by is None or LUMA_PARAMETER not in made_by.parameters:
        raise UnsupportedPhoto(f"{name} was not made with --lossless-luma.", "Use the original scan.")
    image = open_pillow(io.BytesIO(data), "JPEG")
    try:
        body = encode_components([read_component(data)], image.width, image.height)
    except DamagedDataError as error:
        raise UnsupportedPhoto(f"{name} is damaged: {error}.", "Copy it again from where it came from.") from None
    xmp = without_provenance(photo.metadata.xmp or b"") or b""
    return jpeg_start(Job(b"", xmp, b"", photo.metadata, Encoding(), None, [])) + body


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
