"""Pages of PDF files as scanners write them: the picture that a page consists of, as it is stored.

A page of several pictures, or with anything drawn over its picture, is rendered at the resolution of the finest of
them; invisible text, which text recognition adds, does not count. PDFium is not safe in several threads: see
:mod:`~colorize_cli.imaging.codecs.decode_apart`, the only place that calls this module.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from colorize_cli.imaging.codecs.formats import PDF
from colorize_cli.imaging.codecs.raster import NoPictureError, Raster, UnknownKindError, check_size
from colorize_cli.imaging.photo import Metadata

_POINTS_PER_INCH = 72.0
_COVERS = 0.9
"""Share of a page, both ways, that the picture of a scan covers at least."""
_ALIKE = 1e-3
_CODED = frozenset({"DCTDecode", "JPXDecode"})
"""JPEG and JPEG 2000, stored in a PDF file as they are."""
_ROUNDING = 3.0
"""Mean difference of levels, of 255, between two decoders of one picture at most."""
_ORIENTATION = {0: 1, 90: 6, 180: 3, 270: 8}

Decode = Callable[[bytes, float], Raster]
"""Decodes the bytes of a JPEG or JPEG 2000 file; the second argument bounds its pixels."""


def count_pages(data: bytes) -> int:
    """Return the number of pages. Raises :class:`UnknownKindError` for a password, and what PDFium does."""
    with _opened(data) as document:
        return len(document)


def decode_page(data: bytes, page: int, max_pixels: float, decode: Decode) -> Raster:
    """Return a page, counted from 0, as it is shown: upright once its orientation is applied.

    Raises :class:`NoPictureError` for a page without a picture, :class:`TooManyPixelsError`, IndexError for a missing
    page, :class:`UnknownKindError` for a password, and what PDFium does.
    """
    with _opened(data) as document:
        if not 0 <= page < len(document):
            raise IndexError(page)
        shown = document[page]
        raster = _page(shown, max_pixels, decode)
        raster.format, raster.page, raster.pages = PDF, page, len(document)
    return raster


def _opened(data: bytes) -> Any:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error):
            raise UnknownKindError("PDF files with a password") from None
        raise


def _page(page: Any, max_pixels: float, decode: Decode) -> Raster:
    import pypdfium2.raw as pdfium

    things = list(page.get_objects())
    pictures = [thing for thing in things if thing.type == pdfium.FPDF_PAGEOBJ_IMAGE]
    if not pictures:
        raise NoPictureError
    drawn = [thing for thing in things if thing.type in (pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING)]
    written = [
        thing
        for thing in things
        if thing.type == pdfium.FPDF_PAGEOBJ_TEXT
        and pdfium.FPDFTextObj_GetTextRenderMode(thing) != pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
    ]
    finest = max(map(_resolution, pictures))
    if len(pictures) == 1 and not drawn and not written and _is_whole(page, pictures[0]):
        raster = _embedded(pictures[0], max_pixels, decode)
        raster.orientation = _ORIENTATION[page.get_rotation()]
        raster.metadata = Metadata(dpi=(round(finest, 2), round(finest, 2)))
        return raster
    return _rendered(page, finest, max_pixels)


def _is_whole(page: Any, picture: Any) -> bool:
    """Whether the page is this picture: upright on it, and cut off nowhere but at its margins."""
    a, b, c, d, _, _ = picture.get_matrix().get()
    if a <= 0 or d <= 0 or abs(b) + abs(c) > _ALIKE * (a + d):
        return False
    left, bottom, right, top = picture.get_bounds()
    x0, y0, x1, y1 = page.get_cropbox()
    width, height = x1 - x0, y1 - y0
    inside = max(x0 - left, y0 - bottom, right - x1, top - y1) <= (1 - _COVERS) / 2 * max(width, height)
    return inside and right - left >= _COVERS * width and top - bottom >= _COVERS * height


def _resolution(picture: Any) -> float:
    """Return the pixels per inch of a picture on its page."""
    width, height = picture.get_px_size()
    a, b, c, d, _, _ = picture.get_matrix().get()
    across, up = math.hypot(a, b), math.hypot(c, d)
    return _POINTS_PER_INCH * max(width / max(across, 1e-6), height / max(up, 1e-6))


def _embedded(picture: Any, max_pixels: float, decode: Decode) -> Raster:
    """Return a picture as it is stored, or as PDFium shows it where that differs: inverted, a palette, inks."""
    width, height = picture.get_px_size()
    check_size(width, height, max_pixels)
    shown = picture.get_bitmap(render=False).to_numpy()
    shown = shown.reshape(height, width, -1)
    filters = picture.get_filters()
    data = bytes(picture.get_data(decode_simple=True))
    stored = decode(data, max_pixels) if filters and filters[-1] in _CODED else _of_16_bits(data, width, height)
    if stored is not None and stored.samples.shape[:2] == (height, width) and _is_alike(stored.samples, shown):
        return stored
    return Raster(np.ascontiguousarray(shown[..., 0]), PDF, "L") if shown.shape[2] == 1 else _of_bgr(shown)


def _of_16_bits(data: bytes, width: int, height: int) -> Raster | None:
    """Return the samples of plain data of 16 bits, which PDFium itself would reduce to 8; None for other data."""
    channels = {width * height * 2: 1, width * height * 6: 3}.get(len(data))
    if channels is None:
        return None
    samples = np.frombuffer(data, ">u2").astype(np.uint16).reshape(height, width, channels)
    return Raster(samples[..., 0] if channels == 1 else samples, PDF, "I;16" if channels == 1 else "RGB;16")


def _is_alike(stored: np.ndarray, shown: np.ndarray) -> bool:
    """Whether samples are the picture that PDFium shows, up to rounding; by some of the pixels."""
    step = max(1, max(shown.shape) // 256)
    some = stored[::step, ::step].astype(np.float32) / (257 if stored.dtype == np.uint16 else 1)
    if some.ndim == 3 and some.shape[2] != 3:
        return False
    seen = shown[::step, ::step, 2::-1].astype(np.float32)
    return bool(np.abs((some[..., None] if some.ndim == 2 else some) - seen).mean() < _ROUNDING)


def _of_bgr(shown: np.ndarray) -> Raster:
    return Raster(np.ascontiguousarray(shown[..., 2::-1]), PDF, "RGB")


def _rendered(page: Any, resolution: float, max_pixels: float) -> Raster:
    scale = resolution / _POINTS_PER_INCH
    width, height = page.get_size()
    check_size(math.ceil(width * scale), math.ceil(height * scale), max_pixels)
    shown = page.render(scale=scale, rev_byteorder=False).to_numpy()
    raster = _of_bgr(shown) if shown.ndim == 3 and shown.shape[2] >= 3 else Raster(shown, PDF, "L")
    raster.notes.append(f"a page of several parts: rendered at {resolution:.0f} pixels per inch")
    raster.metadata = Metadata(dpi=(round(resolution, 2), round(resolution, 2)))
    return raster
