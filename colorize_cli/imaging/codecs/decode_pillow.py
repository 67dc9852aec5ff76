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

    Unlike ``Image.open`` this tries no other format and leaves the size limit to the caller. Raises
    :class:`UnknownKindError` where this build of Pillow lacks the format.
    """
    if format not in Image.OPEN:
        Image.preinit()
    if format not in Image.OPEN:
        Image.init()
    if format not in Image.OPEN:
        raise UnknownKindError(f"{format} files with this build of Pillow")
    factory, _ = Image.OPEN[format]
    try:
        return factory(file, "")
    except Image.DecompressionBombError:
        with no_pillow_limit():
            file.seek(0)
            return factory(file, "")


@contextlib.contextmanager
def no_pillow_limit() -> Iterator[None]:
    """Suspend Pillow's own pixel limit; the caller checks the size."""
    with _LIMIT_LOCK:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _silence_pillow() -> None:
    """Suppress stderr output of Pillow and its libtiff about damaged files; errors and notes replace it."""
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning, module=r"PIL\.")
    with contextlib.suppress(OSError, AttributeError):
        # libtiff prints errors by default, also in Pillow; its symbols are reached through Pillow's module.
        library = ctypes.CDLL(_imaging.__file__)
        library.TIFFSetErrorHandler.argtypes = [ctypes.c_void_p]
        library.TIFFSetErrorHandler.restype = ctypes.c_void_p
        library.TIFFSetErrorHandler(None)


_LIMIT_LOCK = threading.Lock()
_silence_pillow()


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
