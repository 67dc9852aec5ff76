"""DCT coefficients of JPEG files, read and written unchanged by libjpeg-turbo through jpeglib (extra `lossless`).

jpeglib works on files with names, so everything passes through the folder for temporary files.
"""

import contextlib
import importlib.util
import struct
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from colorize_cli.errors import LibraryMissing, TemporaryFolderError
from colorize_cli.imaging.codecs.jpeg.structure import segments
from colorize_cli.imaging.codecs.raster import DamagedDataError

# jpeglib collects the markers of a file in global variables of its C code.
_READING = threading.Lock()
_BYTES_A_COEFFICIENT = 2
_LIBRARY_VERSION = "turbo210"


@dataclass(frozen=True)
class Component:
    """One channel of a JPEG: its quantized DCT coefficients and the table they are multiplied with.

    ``blocks``: int16 (block rows, block columns, 8, 8), vertical frequencies first. ``table``: uint16 (8, 8).
    """

    blocks: np.ndarray
    table: np.ndarray


def require_jpeglib() -> None:
    """Raise :class:`LibraryMissing` if jpeglib is not installed."""
    if importlib.util.find_spec("jpeglib") is None:
        raise LibraryMissing(
            "Keeping JPEG coefficients needs jpeglib, which is not installed.", "`pip install jpeglib`."
        )


@cache
def _jpeglib() -> Any:
    """Return the library; its C code is selected once per process."""
    require_jpeglib()
    import jpeglib

    jpeglib.version.set(_LIBRARY_VERSION)
    return jpeglib


def read_component(data: bytes) -> Component:
    """Return the first component (gray, or the luma of YCbCr) of the baseline or progressive JPEG in ``data``.

    Raises :class:`LibraryMissing`, and :class:`DamagedDataError` if the library cannot read it.
    """
    plain = _without_metadata(data)
    with _scratch_folder() as folder:
        path = folder / "scan.jpg"
        with _scratch_errors():
            path.write_bytes(plain)
        library = _jpeglib()
        try:
            with _READING:
                jpeg = library.read_dct(str(path))
            return Component(jpeg.Y, np.array(jpeg.get_component_qt(0), np.uint16))
        except Exception as error:  # the C library raises several kinds
            raise DamagedDataError("its coefficients cannot be read") from error


def encode_components(components: Sequence[Component], width: int, height: int, sampling: int = 1) -> bytes:
    """Return the rest of a baseline JPEG of ``width`` x ``height``, from its quantization tables to its end marker.

    One component is gray, three are YCbCr; the caller adds the start marker and the segments after it (JFIF, EXIF...).
    ``sampling``: how many times smaller the two chroma components are in each direction, 1 or 2; both use the table
    of the first of them. Raises :class:`LibraryMissing`, :class:`DamagedDataError` if the library cannot encode them,
    and :class:`TemporaryFolderError` if the result cannot be written to the folder for temporary files.
    """
    library = _jpeglib()
    chroma = components[1:]
    tables = np.stack([component.table for component in components[:2]])
    jpeg = library.from_dct(
        *(component.blocks for component in components), qt=tables, quant_tbl_no=np.array([0, *(1 for _ in chroma)])
    )
    jpeg.height, jpeg.width = height, width
    jpeg.samp_factor = np.array([[sampling, sampling] if chroma else [1, 1], *([1, 1] for _ in chroma)])
    with _scratch_folder() as folder:
        path = folder / "color.jpg"
        try:
            jpeg.write_dct(str(path), flags=["+OPTIMIZE_CODING"])
        except Exception as error:
            # The library gives no reason: if the disk accepts as many bytes, it was not the cause.
            with _scratch_errors():
                (folder / "room").write_bytes(
                    bytes(_BYTES_A_COEFFICIENT * sum(part.blocks.size for part in components))
                )
            raise DamagedDataError("its coefficients cannot be coded") from error
        with _scratch_errors():
            return _from_tables_on(path.read_bytes())


@contextlib.contextmanager
def _scratch_folder() -> Iterator[Path]:
    """Provide a folder for files that a library reads and writes by name. Raises :class:`TemporaryFolderError`."""
    with _scratch_errors():
        folder = tempfile.TemporaryDirectory(prefix="colorize-", ignore_cleanup_errors=True)
    with folder as name:
        yield Path(name)


@contextlib.contextmanager
def _scratch_errors() -> Iterator[None]:
    """Turn OS errors in the folder for temporary files into an error that names it."""
    try:
        yield
    except OSError as error:
        raise TemporaryFolderError(
            f"The folder for temporary files cannot be written: {error.strerror or error}.",
            "Free some space there, or set TMPDIR to another folder.",
        ) from error


def _without_metadata(data: bytes) -> bytes:
    """Return the JPEG without segments irrelevant to its coefficients; APP0 and APP14 state its color model."""
    kept = [b"\xff\xd8"]
    for marker, start, end in segments(data):
        if marker == 0xDA:
            return b"".join([*kept, data[start:]])
        if marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(data[start:end])
    raise DamagedDataError("it has no scan")


def _from_tables_on(data: bytes) -> bytes:
    """Return the part after the first segments, with components numbered from 1, as JFIF requires, not from 0."""
    result = bytearray(data)
    found = segments(data)
    for marker, start, _ in found:
        # The frame header has three bytes per component, the scan header two.
        if marker in (0xC0, 0xC1, 0xDA):
            first, size = (start + 10, 3) if marker != 0xDA else (start + 5, 2)
            for number in range(data[first - 1]):
                result[first + size * number] = number + 1
    return bytes(result[next(start for marker, start, _ in found if marker != 0xE0) :])


def frame(data: bytes) -> tuple[int, int, list[tuple[int, int, int]]]:
    """Return the contents of a JPEG frame header: marker, bits per sample, and (id, horizontal, vertical sampling)
    of every component. Raises :class:`DamagedDataError` if there is none.
    """
    for marker, start, end in segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and start + 10 <= end <= len(data):
            (bits,) = struct.unpack_from("B", data, start + 4)
            parts = [data[start + 10 + 3 * number :][:2] for number in range(data[start + 9])]
            return marker, bits, [(part[0], part[1] >> 4, part[1] & 15) for part in parts if len(part) == 2]
    raise DamagedDataError("it has no frame header")
