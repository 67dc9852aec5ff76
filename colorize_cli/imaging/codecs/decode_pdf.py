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
_ENDS = {"DCTDecode": "JPEG", "JPXDecode": "JPEG2000"}
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
        if raster is not None:
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


def _embedded(picture: Any, max_pixels: float, decode: Decode) -> Raster | None:
    """Return a picture as it is stored, None where only PDFium knows how to show it (a mask, a palette, inks)."""
    width, height = picture.get_px_size()
    check_size(width, height, max_pixels)
    filters = picture.get_filters()
    if filters and filters[-1] in _ENDS:
        stored = decode(bytes(picture.get_data(decode_simple=True)), max_pixels)
        return stored if stored.samples.ndim == 2 or stored.samples.shape[2] == 3 else None
    return _wide(picture) or _narrow(picture)


def _wide(picture: Any) -> Raster | None:
    """Return the samples of 16 bits, which PDFium itself would reduce to 8."""
    bits = picture.get_metadata().bits_per_pixel
    if bits not in (16, 48):
        return None
    width, height = picture.get_px_size()
    data = bytes(picture.get_data(decode_simple=True))
    shape = (height, width) if bits == 16 else (height, width, 3)
    if len(data) != math.prod(shape) * 2:
        return None
    samples = np.frombuffer(data, ">u2").reshape(shape).astype(np.uint16)
    return Raster(samples, PDF, "I;16" if bits == 16 else "RGB;16")


def _narrow(picture: Any) -> Raster | None:
    shown = picture.get_bitmap(render=False).to_numpy()
    if shown.ndim == 2 or shown.shape[2] == 1:
        return Raster(np.ascontiguousarray(shown.reshape(shown.shape[:2])), PDF, "L")
    return _of_bgr(shown)


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
