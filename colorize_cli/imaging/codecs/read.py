"""Read any still image file as an upright :class:`Photo`, or raise one typed error that names the file."""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from colorize_cli.compute import memory_at_hand
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
from colorize_cli.imaging.codecs.decode_pillow import quiet_pillow, split_channels
from colorize_cli.imaging.codecs.extra.decode_extra import ReaderMissingError, require_reader
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
from colorize_cli.imaging.codecs.wide_values import scale_to_uint16
from colorize_cli.imaging.gray import reduce_to_gray
from colorize_cli.imaging.metadata.orientation import turn_upright
from colorize_cli.imaging.photo import Metadata, Photo

DEFAULT_MAX_MEGAPIXELS = 500.0
_HEAD = 4096
_READ_AT_ONCE = 16 << 20
_CONVERT = "Convert it to TIFF or PNG."


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


def bytes_of(source: Path | str | bytes | BinaryIO, name: str) -> bytes:
    """Return all bytes of a path, stream or bytes. Raises :class:`UnreadablePhoto` and :class:`PhotoTooLarge`."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    try:
        if not isinstance(source, str | Path):
            return source.read()
        with _opened(split_page(Path(source))[0], name) as file:
            before = os.fstat(file.fileno())
            head = file.read(_HEAD)
            _check_head(head, before.st_size, name)
            data = head + file.read()
            after = os.fstat(file.fileno())
            if stat.S_ISREG(before.st_mode) and _state(before) != _state(after):
                raise UnreadablePhoto(
                    f"{name} changed while it was being read.", "Try again when the file is complete."
                )
            return data
    except FileNotFoundError:
        raise UnreadablePhoto(f"{name} does not exist.", "Check the name and the folder.") from None
    except IsADirectoryError:
        raise UnreadablePhoto(f"{name} is a folder.", "Give an image file.") from None
    except PermissionError:
        raise UnreadablePhoto(
            f"{name} cannot be read: permission denied.", "Check the permissions of the file."
        ) from None
    except MemoryError:
        raise PhotoTooLarge(f"{name} does not fit into memory.", "Use a machine with more memory.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadablePhoto(f"{name} cannot be read: {reason}.", "Check the disk or copy it again.") from None


@contextlib.contextmanager
def _opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file for reading without waiting for the other end of a pipe.

    Pipes opened by the shell, /dev/fd/63, are accepted. Raises :class:`UnreadablePhoto` for everything else that is
    not a file on disk.
    """
    kind = path.stat().st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or (stat.S_ISFIFO(kind) and _is_descriptor(path))):
        what = "a pipe" if stat.S_ISFIFO(kind) else "a socket" if stat.S_ISSOCK(kind) else "a device"
        raise UnreadablePhoto(f"{name} is {what}, not a file.", "Give an image file.")
    # Non-blocking: it may have become a pipe since the check.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    flags |= 0 if stat.S_ISFIFO(kind) else getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        yield file


def _is_descriptor(path: Path) -> bool:
    return path.parts[:3] == ("/", "dev", "fd") or (path.parts[:2] == ("/", "proc") and path.parts[3:4] == ("fd",))


def _check_head(head: bytes, size: int, name: str) -> None:
    """Reject a large file before reading it, if it is not an image or does not fit into memory."""
    if size <= _READ_AT_ONCE:
        return
    try:
        sniff(head)
    except UnknownKindError as error:
        if "camera raw" not in str(error):
            raise UnsupportedPhoto(f"{name} cannot be read: no support for {error}.", _CONVERT) from None
    except DamagedDataError:
        raise _no_image(name) from None
    room = memory_at_hand()
    if room is not None and size > room:
        raise PhotoTooLarge(
            f"{name} is {size / 1e9:.1f} GB, but only {room / 1e9:.1f} GB of memory is available.",
            "Use a machine with more memory.",
        )


def _no_image(name: str) -> UnreadablePhoto:
    return UnreadablePhoto(f"{name} is not an image.", "Leave it out, or check that it is the right file.")


def _state(status: os.stat_result) -> tuple[int, int]:
    """Return values that change when a file is written to."""
    return status.st_size, status.st_mtime_ns


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
        raise UnsupportedPhoto(f"{name} cannot be read: no support for {error}.", _CONVERT) from None
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
        return _no_image(name)
    if isinstance(error, IndexError) and error.args == (page,) and page != 0:
        return UnreadablePhoto(f"{name} has no page {page + 1}.", "Choose an existing page.")
    if isinstance(error, NotImplementedError):
        reason = str(error) or "an unusual kind of file"
        return UnsupportedPhoto(f"{name} cannot be read: {reason}.", _CONVERT)
    reason = _OBJECT.sub("", str(error)).strip().rstrip(".") or type(error).__name__
    return TruncatedPhoto(
        f"{name} is damaged or incomplete ({format}: {reason[:200]}).", "Copy it again from where it came from."
    )


def photo_of_raster(raster: Raster, path: Path | None = None) -> Photo:
    """Return the upright photo of decoded samples: tones converted once, orientation applied once."""
    gray, color, notes = reduce_to_gray(raster.samples, raster.icc)
    alpha = raster.alpha
    depth = 16 if raster.samples.dtype == np.uint16 else 8
    return Photo(
        gray=turn_upright(gray, raster.orientation),
        alpha=turn_upright(alpha, raster.orientation) if alpha is not None else None,
        depth=depth,
        format=raster.format,
        mode=raster.mode,
        page=raster.page,
        pages=raster.pages,
        metadata=raster.metadata,
        color=color,
        notes=(*raster.notes, *notes),
        encoding=raster.encoding,
        orientation=raster.orientation,
        path=path,
    )


def photo_from_array(array: np.ndarray) -> Photo:
    """Return the photo of samples (H, W), (H, W, 1), (H, W, 2) gray and alpha, (H, W, 3) RGB or (H, W, 4) RGBA.

    uint8 0..255, uint16 0..65535, bool and floats 0..1 are read as sRGB. Raises :class:`UnsupportedPhoto` for other
    types, values and shapes, :class:`EmptyPhoto` for arrays without pixels.
    """
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or not 1 <= array.shape[2] <= 4 or array.dtype.kind not in "buif":
        raise UnsupportedPhoto(
            f"an array of shape {array.shape} and type {array.dtype} is not an image.", "Pass (H, W) or (H, W, 3)."
        )
    if array.size == 0:
        raise EmptyPhoto("the array has no pixels.", "Pass an image of at least one pixel.")
    notes: list[str] = []
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype.kind == "f":
        _check_unit_range(array)
        array, note = scale_to_uint16(array, (0.0, 1.0))
        notes.append(note)
    elif array.dtype not in (np.uint8, np.uint16):
        raise UnsupportedPhoto(
            f"the white level of {array.dtype} arrays is not defined.",
            "Pass uint8 (0 to 255), uint16 (0 to 65535) or floats from 0 to 1.",
        )
    channels = array.shape[2]
    color = np.ascontiguousarray(array[..., 0] if channels <= 2 else array[..., :3])
    alpha = np.ascontiguousarray(array[..., -1]) if channels in (2, 4) else None
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels] + (";16" if array.dtype == np.uint16 else "")
    return photo_of_raster(Raster(color, "PNG", mode, alpha, notes=notes))


def _check_unit_range(values: np.ndarray) -> None:
    """Raise :class:`UnsupportedPhoto` unless all floats are within 0..1, up to rounding."""
    low, high = float(values.min()), float(values.max())
    if not -1e-3 <= low <= high <= 1 + 1e-3:
        raise UnsupportedPhoto(f"float values from {low:g} to {high:g} are out of range.", "Pass values from 0 to 1.")


def photo_from_pil(image: Image.Image) -> Photo:
    """Return the photo of a Pillow image: its ICC profile and EXIF orientation are honoured. Mode F is 0..1.

    Raises :class:`TruncatedPhoto` if the image is read lazily and its file is damaged, :class:`EmptyPhoto`,
    :class:`UnsupportedPhoto`.
    """
    if 0 in image.size:
        raise EmptyPhoto("the image has no pixels.", "Pass an image of at least one pixel.")
    if image.mode == "I":
        raise UnsupportedPhoto("the white level of a mode I image is not defined.", 'Convert it to "L" or "I;16".')
    try:
        with quiet_pillow():
            image.load()
            if image.mode == "F":
                _check_unit_range(np.asarray(image))
            samples, alpha, notes = split_channels(image)
            orientation = image.getexif().get(0x0112, 1)
    except UnknownKindError as error:
        raise UnsupportedPhoto(f"no support for {error}.", "Convert it to RGB or L.") from None
    except PhotoError:
        raise
    except Exception as error:
        raise TruncatedPhoto(f"the image cannot be decoded ({error}).", "Open an undamaged file.") from None
    raster = Raster(samples, "PNG", image.mode, alpha, image.info.get("icc_profile") or None, metadata=Metadata())
    raster.orientation = orientation if orientation in range(1, 9) else 1
    raster.notes = notes
    return photo_of_raster(raster)
