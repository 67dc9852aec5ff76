import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from colorize_cli.imaging.codecs.png import chunk
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.to_photo import photo_from_pil
from colorize_cli.imaging.metadata.exif import turn_upright
from tests.imaging.samples import ramp8, ramp16, saved


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _expected(picture: np.ndarray, orientation: int) -> np.ndarray:
    """What Pillow's own transposition makes of an 8-bit picture."""
    image = Image.fromarray(picture)
    image.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_is_what_exif_says(orientation: int) -> None:
    assert np.array_equal(turn_upright(ramp8(), orientation), _expected(ramp8(), orientation))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "TIFF-LZW", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_exactly_once(format: str, orientation: int) -> None:
    options: dict = {"lossless": True} if format == "WEBP" else {}
    if format == "TIFF-LZW":
        options = {"compression": "tiff_lzw"}
    data = saved(ramp8(), format.removesuffix("-LZW"), exif=_exif(orientation), **options)
    photo = read_photo(data)
    gray = photo.gray if photo.gray.dtype == np.uint8 else photo.gray // 257
    assert np.array_equal(gray, _expected(ramp8(), orientation))


@pytest.mark.parametrize("format", ["JPEG", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_lossy_files_is_applied_exactly_once(format: str, orientation: int) -> None:
    photo = read_photo(saved(ramp8(), format, exif=_exif(orientation), quality=95))
    gray = photo.gray if photo.gray.dtype == np.uint8 else photo.gray / 257
    expected = _expected(ramp8(), orientation)
    assert gray.shape == expected.shape
    assert np.abs(gray.astype(float) - expected).mean() < 3


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_of_16_bit_tiffs_is_applied_exactly_once(orientation: int, compression: str | None) -> None:
    buffer = io.BytesIO()
    tags = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(buffer, ramp16(), photometric="minisblack", extratags=tags, compression=compression)
    assert np.array_equal(read_photo(buffer.getvalue()).gray, turn_upright(ramp16(), orientation))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_of_16_bit_color_pngs_is_applied_exactly_once(orientation: int) -> None:
    data = cv2.imencode(".png", np.repeat(ramp16()[..., None], 3, axis=2))[1].tobytes()
    exif = _exif(orientation).tobytes().removeprefix(b"Exif\0\0")
    data = data[:33] + chunk(b"eXIf", exif) + data[33:]
    assert np.array_equal(read_photo(data).gray, turn_upright(ramp16(), orientation))


def test_alpha_turns_with_the_picture() -> None:
    image = Image.fromarray(np.dstack([ramp8()] * 3 + [ramp8()[::-1]]))
    photo = read_photo(saved(image, "PNG", exif=_exif(6)))
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha, turn_upright(ramp8()[::-1], 6))


def test_orientation_of_a_pillow_image_is_applied() -> None:
    image = Image.open(io.BytesIO(saved(ramp8(), "PNG", exif=_exif(8))))
    assert np.array_equal(photo_from_pil(image).gray, turn_upright(ramp8(), 8))


@pytest.mark.parametrize("value", [0, 9, 255])
def test_nonsense_orientations_are_ignored(value: int) -> None:
    assert np.array_equal(read_photo(saved(ramp8(), "PNG", exif=_exif(value))).gray, ramp8())
