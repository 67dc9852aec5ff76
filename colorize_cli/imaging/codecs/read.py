"""Read any still image file as an upright :class:`Photo`, or raise one typed error that names the file."""

import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from colorize_cli.errors import (
    EmptyPhoto,
    NoPicture,
    PhotoError,
    PhotoTooLarge,
    TruncatedPhoto,
    UnreadablePhoto,
    UnsupportedPhoto,
)
from colorize_cli.imaging.codecs.announced import announced
from colorize_cli.imaging.codecs.decode import decode
from colorize_cli.imaging.codecs.decode_apart import APART_FROM, ODD, DecoderLostError, count_pages_apart, decode_apart
from colorize_cli.imaging.codecs.decode_pillow import quiet_pillow
from colorize_cli.imaging.codecs.extra.decode_extra import ReaderMissingError, require_reader
from colorize_cli.imaging.codecs.file_bytes import CONVERT, bytes_of, not_an_image
from colorize_cli.imaging.codecs.formats import LIMITS, PDF, Limits, split_page
from colorize_cli.imaging.codecs.raster import (
    DamagedDataError,
    NoPictureError,
    NoPixelsError,
    Raster,
    TooManyPagesError,
    TooManyPixelsError,
    TooManyScansError,
    UnknownKindError,
)
from colorize_cli.imaging.codecs.signatures import sniff
from colorize_cli.imaging.codecs.to_photo import photo_of_raster
from colorize_cli.imaging.photo import Photo

DEFAULT_MAX_MEGAPIXELS = 500.0


def read_photo(
    source: Path | str | bytes | BinaryIO,
    *,
    page: int = 0,
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS,
    name: str | None = None,
    digest: bool = False,
    limits: Limits = LIMITS,
    apart: bool = False,
) -> Photo:
    """Return page ``page`` (from 0) of the photograph in ``source``: a path, the bytes of a file, or a binary stream.

    A path may name a page of a PDF file itself (:func:`~colorize_cli.imaging.codecs.formats.page_path`). ``limits``:
    how much of a file is looked at; ``apart``: decode it in another process, whatever it is.

    The original is opened once, read-only. ``name``: its name in error messages; ``digest``: compute the sha256 of its
    bytes. Raises a
    :class:`~colorize_cli.errors.PhotoError`: :class:`UnreadablePhoto` (cannot be opened, or not an image),
    :class:`EmptyPhoto`, :class:`TruncatedPhoto`, :class:`PhotoTooLarge` (more than ``max_megapixels``, checked before
    decoding), :class:`NoPicture` or :class:`UnsupportedPhoto`; nothing else, whatever the file contains.
    """
    path = Path(source) if isinstance(source, str | Path) else None
    name = name or (str(path) if path is not None else "the image")
    if path is not None:
        path, named = split_page(path)
        page = page if named is None else named
    data = bytes_of(source, name)
    if not data:
        raise EmptyPhoto(f"{name} is empty (0 bytes).", "Copy it again from where it came from.")
    raster = _decoded(data, name, page, max_megapixels, limits=limits, apart=apart)
    size, sha256 = len(data), hashlib.sha256(data).hexdigest() if digest else ""
    del data
    return replace(photo_of_raster(raster, path), file_size=size, file_sha256=sha256)


def read_pages(
    source: Path | str | bytes | BinaryIO,
    *,
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS,
    name: str | None = None,
) -> Iterator[Photo]:
    """Yield every page of the photograph in ``source``, decoded one at a time; the bytes are read once.

    Errors are those of :func:`read_photo`, raised when the page is reached.
    """
    path = Path(source) if isinstance(source, str | Path) else None
    name = name or (str(path) if path is not None else "the image")
    data = bytes_of(source, name)
    page, pages = 0, 1
    while page < pages:
        photo = replace(read_photo(data, page=page, max_megapixels=max_megapixels, name=name), path=path)
        page, pages = page + 1, photo.pages
        yield photo


def read_raster(data: bytes, name: str, *, at_least: int | None = None) -> Raster:
    """Return the samples of the first page in ``data`` as they are stored; errors are those of :func:`read_photo`.

    ``at_least``: a JPEG may be decoded at a reduced size, as long as no side is shorter than this.
    """
    if not data:
        raise EmptyPhoto(f"{name} is empty (0 bytes).", "Copy it again from where it came from.")
    return _decoded(data, name, 0, DEFAULT_MAX_MEGAPIXELS, at_least)


def count_pages(document: Path, *, limits: Limits = LIMITS) -> int:
    """Return the number of pages of a PDF file. Raises a :class:`~colorize_cli.errors.PhotoError`."""
    name = str(document)
    with _typed_errors(b"%PDF-", name, 0, DEFAULT_MAX_MEGAPIXELS):
        require_reader(PDF)
        count = count_pages_apart(bytes_of(document, name))
        if count > limits.pages:
            raise TooManyPagesError(limits.pages)
        return count


def _decoded(
    data: bytes,
    name: str,
    page: int,
    max_megapixels: float,
    at_least: int | None = None,
    *,
    limits: Limits = LIMITS,
    apart: bool = False,
) -> Raster:
    """Decode ``data``, in another process what is large or odd; every failure becomes one typed error."""
    with _typed_errors(data, name, page, max_megapixels):
        header = announced(data, limits)
        limit = max_megapixels * 1e6
        # A JPEG that may be reduced never takes the memory of all its pixels.
        whole = header is not None and (at_least is None or header.format != "JPEG")
        if header is not None and (apart or header.format in ODD or (whole and APART_FROM <= header.pixels <= limit)):
            require_reader(header.format)
            return decode_apart(data, page=page, max_pixels=limit, pixels=header.pixels, limits=limits)
        try:
            return decode(data, page=page, max_pixels=limit, at_least=at_least, limits=limits)
        except Image.DecompressionBombError:
            # Pillow's own limit is that of the program which uses this library; the process apart has none.
            return decode_apart(data, page=page, max_pixels=limit, pixels=APART_FROM, limits=limits)


@contextlib.contextmanager
def _typed_errors(data: bytes, name: str, page: int, max_megapixels: float) -> Iterator[None]:
    """Turn every failure of decoding into one typed error that names the file.

    The libraries raise OSError, ValueError, TypeError, SyntaxError, NotImplementedError, struct.error, EOFError,
    IndexError, OverflowError, zlib.error, cv2.error and more on damaged bytes, so this boundary catches all of them.
    """
    try:
        with quiet_pillow():
            yield
    except PhotoError:
        raise
    except DecoderLostError as error:
        raise PhotoTooLarge(
            f"{name} was given up: {error}.",
            "Convert it to TIFF or PNG, use a machine with more memory, or leave it out.",
        ) from None
    except NoPictureError:
        raise NoPicture(f"{name} shows no picture.", "Leave it out.") from None
    except TooManyPagesError as error:
        raise PhotoTooLarge(
            f"{name} has more than {error.args[0]} pages.", "Allow them with --max-pages if you trust the file."
        ) from None
    except TooManyScansError as error:
        raise PhotoTooLarge(
            f"{name} has more than {error.args[0]} scans, more than programs write.",
            "Allow them with --max-scans if you trust the file.",
        ) from None
    except NoPixelsError:
        raise EmptyPhoto(f"{name} has no pixels.", "Scan or export it again.") from None
    except TooManyPixelsError as error:
        raise PhotoTooLarge(
            f"{name} is {error.width} x {error.height} pixels, more than {max_megapixels:g} megapixels.",
            f"Allow it with --max-megapixels {int(error.width * error.height / 1e6) + 1} if you trust the file.",
        ) from None
    except ReaderMissingError as error:
        raise UnsupportedPhoto(f"{name} cannot be read: no reader for {error} is installed.", error.remedy) from None
    except UnknownKindError as error:
        raise UnsupportedPhoto(f"{name} cannot be read: no support for {error}.", CONVERT) from None
    except MemoryError:
        raise PhotoTooLarge(f"{name} does not fit into memory.", "Use a machine with more memory.") from None
    except Exception as error:
        raise _damage(data, name, page, error) from None


_OBJECT = re.compile(r"\s*'?<_?[\w.]+ object at 0x[0-9a-fA-F]+>'?")
"""What libraries call the bytes that they were given."""


def _damage(data: bytes, name: str, page: int, error: Exception) -> PhotoError:
    """Return the error for bytes that could not be decoded."""
    try:
        format = sniff(data)
    except (DamagedDataError, UnknownKindError):
        return not_an_image(name)
    if isinstance(error, IndexError) and error.args == (page,) and page != 0:
        return UnreadablePhoto(f"{name} has no page {page + 1}.", "Choose an existing page.")
    if isinstance(error, NotImplementedError):
        reason = str(error) or "an unusual kind of file"
        return UnsupportedPhoto(f"{name} cannot be read: {reason}.", CONVERT)
    reason = _OBJECT.sub("", str(error)).strip().rstrip(".") or type(error).__name__
    return TruncatedPhoto(
        f"{name} is damaged or incomplete ({format}: {reason[:200]}).", "Copy it again from where it came from."
    )
