"""Upright photographs of samples: those of a decoded file, of an array, of a Pillow image."""

from pathlib import Path

import numpy as np
from PIL import Image

from colorize_cli.errors import EmptyPhoto, PhotoError, TruncatedPhoto, UnsupportedPhoto
from colorize_cli.imaging.codecs.decode_pillow import quiet_pillow, split_channels
from colorize_cli.imaging.codecs.raster import Raster, UnknownKindError
from colorize_cli.imaging.codecs.wide_values import scale_to_uint16
from colorize_cli.imaging.gray import reduce_to_gray
from colorize_cli.imaging.metadata.exif import turn_upright
from colorize_cli.imaging.photo import Metadata, Photo


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
