"""The optional compiled loops of 8-bit recombination: ``fused.c``, one pass over the pixels for each of two steps.

``hatch_build.py`` compiles them where there is a C compiler. `LIBRARY` is None where there was none: NumPy and OpenCV
then compute the same bytes in several passes. ctypes lets go of the interpreter lock during a call.
"""

import ctypes
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

INTERFACE = 1
"""Number of the functions of ``fused.c``: a library compiled from another version of it is not used."""

FILE = "_fused.dll" if sys.platform == "win32" else "_fused.so"
"""Name of the library, beside this module."""

_BYTES: Any = np.ctypeslib.ndpointer(np.uint8, flags="C_CONTIGUOUS")
_FLOATS: Any = np.ctypeslib.ndpointer(np.float32, flags="C_CONTIGUOUS")
_INTEGERS: Any = np.ctypeslib.ndpointer(np.int32, flags="C_CONTIGUOUS")
_SIZE = ctypes.c_ssize_t


class FusedLoops:
    """The functions of a compiled library. Raises OSError or AttributeError for a file that is none."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        self.interface = int(library.fused_interface())
        self._codes, self._paint = library.fused_codes, library.fused_paint
        self._codes.restype = None
        self._codes.argtypes = [
            *[_BYTES, _SIZE, _SIZE, _FLOATS],  # gray, rows, width, lightness
            *[_FLOATS, _SIZE, _INTEGERS, _FLOATS],  # wide, its rows, cells, weights
            *[_BYTES, _BYTES, _FLOATS, _BYTES, _BYTES],  # tables, last indices, codes
        ]
        self._paint.restype = ctypes.c_int32
        self._paint.argtypes = [
            *[_BYTES, _SIZE, _SIZE, _SIZE],  # gray, top, bottom, width
            *[_BYTES, _BYTES, _SIZE, _SIZE, ctypes.c_int32],  # codes, their rows and columns, whether halves
            *[_BYTES, _BYTES],  # colors, rgb
        ]

    def codes(
        self, gray: Array, lightness: Array, wide: Array, cells: Array, weights: Array, tables: list[Array], out: Array
    ) -> None:
        """Fill out, uint8 (2, n, W), with the codes of a* and b* of some rows of a picture.

        gray: uint8 (n, W), these rows. lightness: float32 (256,). wide: float32 (m, 8, W), the rows of a
        `ChromaField` of indices at full width. cells, weights: int32 and float32 (n,), for every row the row of
        ``wide`` above it and the weight of the next. tables: uint8, codes of a* and of b* by index.
        """
        last = np.array([len(table) - 1 for table in tables], np.float32)
        self._codes(gray, *gray.shape, lightness, wide, len(wide), cells, weights, *tables, last, out[0], out[1])

    def paint(
        self, gray: Array, top: int, bottom: int, codes: Array, colors: Array, rgb: Array, *, halves: bool
    ) -> bool:
        """Fill rows top..bottom-1 of rgb, uint8 (H, W, 3); return whether all their colors are in the table.

        gray: uint8 (H, W). codes: uint8 (2, h, w), of full or, with ``halves``, of half resolution, rounded up.
        colors: uint8 (b* codes, a* codes * 256, 4).
        """
        shape = codes.shape[1:]
        known = self._paint(gray, top, bottom, gray.shape[1], codes[0], codes[1], *shape, halves, colors, rgb)
        return bool(known)


def load(path: Path) -> FusedLoops | None:
    """Return the loops of a library file; None where there is none that works here, or it is of another version."""
    try:
        loops = FusedLoops(path)
    except (OSError, AttributeError):
        return None
    return loops if loops.interface == INTERFACE else None


LIBRARY = load(Path(__file__).with_name(FILE))
"""The loops of this installation, None where it was installed without a compiler."""
