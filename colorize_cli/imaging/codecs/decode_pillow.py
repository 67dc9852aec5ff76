"""Samples of an image decoded by Pillow, in any mode."""

import contextlib
import ctypes
import threading
import warnings
from collections.abc import Iterator
from typing import IO

import numpy as np
from PIL import Image, ImageFile, _imaging

from colorize_cli.imaging.codecs.raster import UnknownKindError
from colorize_cli.imaging.codecs.wide_values import scale_to_uint16


def open_pillow(file: IO[bytes], format: str) -> ImageFile.ImageFile:
    """Open the image in ``file``, without decoding it, with the Pillow plugin for ``format`` only.

    Unlike ``Image.open`` this tries no other format, and leaves the size limit to the caller in all but a few plugins.
    Raises :class:`UnknownKindError` where this build of Pillow lacks the format, and DecompressionBombError.
    """
    if format not in Image.OPEN:
        Image.preinit()
    if format not in Image.OPEN:
        Image.init()
    if format not in Image.OPEN:
        raise UnknownKindError(f"{format} files with this build of Pillow")
    factory, _ = Image.OPEN[format]
    with quiet_pillow():
        return factory(file, "")


class _OwnThreads:
    """The ``module`` of a warnings filter: Pillow's modules, in the threads that are inside :func:`quiet_pillow`."""

    def __init__(self) -> None:
        self.here = threading.local()

    def match(self, module: str) -> bool:
        """Whether the filter applies to a warning of ``module`` in this thread."""
        return getattr(self.here, "depth", 0) > 0 and module.startswith("PIL.")


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """Drop the warnings of Pillow about damaged and large files, in this thread only: errors and notes replace them.

    The warnings filters belong to the program that uses this library. They have one more entry while any thread is
    inside, and are as they were afterwards.
    """
    global _inside
    depth = getattr(_OWN_THREADS.here, "depth", 0)
    _OWN_THREADS.here.depth = depth + 1
    with _LOCK:
        _inside += 1
        if _FILTER not in warnings.filters:
            warnings.filters.insert(0, _FILTER)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        _OWN_THREADS.here.depth = depth
        with _LOCK:
            _inside -= 1
            if not _inside and _FILTER in warnings.filters:
                warnings.filters.remove(_FILTER)  # type: ignore[attr-defined]


_OWN_THREADS = _OwnThreads()
_FILTER = ("ignore", None, Warning, _OWN_THREADS, 0)
_LOCK = threading.Lock()
_inside = 0


def _silence_libtiff() -> None:
    """Keep libtiff from printing on stderr, also in Pillow; its symbols are reached through Pillow's module."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(_imaging.__file__)
        library.TIFFSetErrorHandler.argtypes = [ctypes.c_void_p]
        library.TIFFSetErrorHandler.restype = ctypes.c_void_p
        library.TIFFSetErrorHandler(None)


_silence_libtiff()


def split_channels(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """Return samples, alpha and notes of a decoded image of any Pillow mode.

    Samples are uint8 or uint16: (H, W) gray, (H, W, 3) RGB or (H, W, 4) CMYK. Alpha is (H, W) of the same type.
    Raises :class:`UnknownKindError` for an unsupported mode.
    """
    mode = image.mode
    has_key = "transparency" in image.info
    if mode == "1":
        return np.asarray(image.convert("L")), None, []
    if mode in ("P", "PA"):
        image = image.convert("RGBA" if has_key or mode == "PA" else "RGB")
    elif mode in ("L", "RGB") and has_key:
        image = image.convert("LA" if mode == "L" else "RGBA")
    elif mode in ("RGBa", "La"):
        image = image.convert("RGBA" if mode == "RGBa" else "LA")
    elif mode in ("RGBX", "YCbCr", "HSV", "LAB"):
        image = image.convert("RGB")
    mode = image.mode
    samples = np.asarray(image)
    if mode in ("L", "RGB"):
        return samples, None, []
    if mode in ("LA", "RGBA"):
        color = samples[..., 0] if mode == "LA" else samples[..., :3]
        return np.ascontiguousarray(color), np.ascontiguousarray(samples[..., -1]), []
    if mode == "CMYK":
        return samples, None, []
    if mode.startswith("I;16"):
        return np.ascontiguousarray(samples).astype(np.uint16, copy=False), _key_alpha(image, samples), []
    if mode in ("I", "F"):
        scaled, note = scale_to_uint16(samples)
        return scaled, None, [note]
    raise UnknownKindError(f"images of mode {mode}")


def _key_alpha(image: Image.Image, samples: np.ndarray) -> np.ndarray | None:
    """Return the alpha for the transparent gray value of a 16-bit PNG, or None."""
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return None
    return np.where(samples == key, 0, 65535).astype(np.uint16)
