"""The tones of files whose numbers mean what the file, not their type, says: floats, few bits in a wide type, gAMA."""

import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli.errors import UnsupportedPhoto
from colorize_cli.imaging.codecs.png import chunk
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.to_photo import photo_from_array, photo_from_pil
from colorize_cli.imaging.color import linear_to_srgb
from tests.imaging.codecs.test_read_icc import ADOBE_RGB, GRAY_18, GRAY_22
from tests.imaging.samples import color, ramp8, ramp16, saved

UNIT = ramp16() / 65535


def _tiff(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def _error(gray: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference in 16-bit levels."""
    scale = 257 if gray.dtype == np.uint8 else 1
    return float(np.abs(gray.astype(np.float64) * scale - expected).max())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_of_any_width_are_read_alike_and_without_warnings(dtype: type) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = read_photo(_tiff(UNIT.astype(dtype)))
    assert _error(photo.gray, ramp16()) <= (40 if dtype is np.float16 else 1)


@pytest.mark.parametrize("odd", [1.7, 40.0, np.inf, -3.0, np.nan])
def test_one_odd_float_does_not_darken_the_others(odd: float) -> None:
    samples = UNIT.astype(np.float32)
    samples[3, 5] = odd
    photo = read_photo(_tiff(samples))
    expected = ramp16().astype(np.float64)
    expected[3, 5] = photo.gray[3, 5]
    assert _error(photo.gray, expected) <= 1
    if odd > 1 and np.isfinite(odd):
        assert photo.gray[3, 5] == 65535
        assert any("clipped" in note for note in photo.notes)


def test_floats_of_another_range_are_stretched_with_a_note() -> None:
    photo = read_photo(_tiff((UNIT * 400).astype(np.float32)))
    assert _error(photo.gray, ramp16()) <= 2
    assert any("0..400" in note for note in photo.notes)


def test_range_that_a_float_file_states_decides() -> None:
    samples = (UNIT * 0.5).astype(np.float32)
    photo = read_photo(_tiff(samples, extratags=[(340, 11, 1, 0.0, True), (341, 11, 1, 0.5, True)]))
    assert _error(photo.gray, ramp16()) <= 1
    assert any("as the file says" in note for note in photo.notes)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.uint32, np.int32])
def test_8_bit_values_in_a_wide_type_are_not_black(dtype: type) -> None:
    photo = read_photo(_tiff(ramp8().astype(dtype)))
    assert _error(photo.gray, ramp8() * 257.0) <= 1
    assert any("taken as 8-bit" in note for note in photo.notes)


def test_8_bit_values_in_other_16_bit_formats_are_not_black() -> None:
    for data in (saved(ramp8().astype(np.uint16), "PNG"), b"P5 64 40 65535\n" + ramp8().astype(">u2").tobytes()):
        assert _error(read_photo(data).gray, ramp8() * 257.0) <= 1


def test_dark_16_bit_scans_stay_dark() -> None:
    dark = np.maximum(ramp16() // 200, 1).astype(np.uint16)
    assert np.array_equal(read_photo(_tiff(dark)).gray, dark)


def test_highest_value_that_a_file_states_decides_where_it_is_a_number_of_bits() -> None:
    twelve = (ramp16() >> 4).astype(np.uint16)
    tag = {"extratags": [(281, 3, 1, 4095, True)]}
    assert _error(read_photo(_tiff(twelve, **tag)).gray, twelve / 4095 * 65535) <= 1
    observed = {"extratags": [(281, 3, 1, int(twelve.max()) - 5, True)]}
    assert np.array_equal(read_photo(_tiff(twelve, **observed)).gray, twelve)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint32, np.int16, np.int8])
def test_library_refuses_integers_that_do_not_say_what_white_is(dtype: type) -> None:
    with pytest.raises(UnsupportedPhoto, match="uint8"):
        photo_from_array((ramp8() // 2).astype(dtype))
    if dtype is np.int32:
        with pytest.raises(UnsupportedPhoto, match="mode I"):
            photo_from_pil(Image.fromarray(ramp8().astype(dtype)))


def test_library_takes_floats_from_0_to_1_and_refuses_others() -> None:
    assert _error(photo_from_array(UNIT).gray, ramp16()) <= 1
    assert _error(photo_from_pil(Image.fromarray(UNIT.astype(np.float32))).gray, ramp16()) <= 1
    for picture in (UNIT * 255, UNIT - 0.5, np.full((4, 4), np.nan)):
        with pytest.raises(UnsupportedPhoto, match="0 to 1"):
            photo_from_array(picture)
    with pytest.raises(UnsupportedPhoto, match="0 to 1"):
        photo_from_pil(Image.fromarray((UNIT * 255).astype(np.float32)))


def _png(samples: np.ndarray, *chunks: bytes) -> bytes:
    """Return a PNG with these chunks before its pixels."""
    if samples.ndim == 3 and samples.dtype == np.uint16:
        data = cv2.imencode(".png", samples[..., ::-1])[1].tobytes()
    else:
        data = saved(samples, "PNG")
    return data[:33] + b"".join(chunks) + data[33:]


def _gama(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def _chrm(*numbers: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(n * 100_000) for n in numbers)))


SRGB_CHRM = _chrm(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE_CHRM = _chrm(0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


@pytest.mark.parametrize("make", [ramp8, ramp16])
@pytest.mark.parametrize("gama", [100_000, 55_556, 38_000])
def test_gama_is_the_tone_curve_of_a_png_without_a_profile(make, gama: int) -> None:
    samples = make()
    values = samples / np.iinfo(samples.dtype).max
    expected = linear_to_srgb(values ** (100_000 / gama)) * 65535
    assert _error(read_photo(_png(samples, _gama(gama))).gray, expected) < 4
    rgb = np.repeat(samples[..., None], 3, axis=2)
    assert _error(read_photo(_png(rgb, _gama(gama), SRGB_CHRM)).gray, expected) < 4


@pytest.mark.parametrize("gama", [45_455, 43_300, 47_700])
def test_gama_about_that_of_srgb_is_srgb(gama: int) -> None:
    assert np.array_equal(read_photo(_png(ramp8(), _gama(gama), SRGB_CHRM)).gray, ramp8())


def test_chromaticities_weigh_the_channels_as_a_profile_would() -> None:
    rgb = color(np.uint16)
    with_profile = read_photo(_png(rgb, chunk(b"iCCP", b"x\0\0" + zlib.compress(ADOBE_RGB)))).gray
    by_chunks = read_photo(_png(rgb, _gama(round(100_000 / 2.19921875)), ADOBE_CHRM)).gray
    # The curve of sRGB stands for a gAMA so near its own: dark tones differ, the weights do not.
    light = with_profile > 20_000
    assert np.abs(with_profile[light].astype(int) - by_chunks[light]).max() < 900
    assert np.abs(read_photo(_png(rgb)).gray[light].astype(int) - by_chunks[light]).max() > 1500


def test_order_is_cicp_then_profile_then_srgb_then_gama() -> None:
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(GRAY_18))
    by_profile = read_photo(_png(ramp8(), profile)).gray
    assert _error(by_profile, linear_to_srgb((ramp8() / 255) ** 1.8) * 65535) < 40
    assert np.array_equal(read_photo(_png(ramp8(), _gama(100_000), profile)).gray, by_profile)
    assert np.array_equal(read_photo(_png(ramp8(), _gama(100_000), chunk(b"sRGB", b"\0"))).gray, ramp8())
    cicp = chunk(b"cICP", bytes((1, 13, 0, 1)))
    assert np.array_equal(read_photo(_png(ramp8(), cicp, profile, _gama(100_000))).gray, ramp8())
    linear = chunk(b"cICP", bytes((1, 8, 0, 1)))
    assert _error(read_photo(_png(ramp8(), linear)).gray, linear_to_srgb(ramp8() / 255) * 65535) < 4


def test_gama_of_nonsense_is_srgb() -> None:
    for chunks in ([_gama(0)], [_gama(1)], [_gama(90_000), _chrm(0.3, 0, 0, 0, 0, 0, 0, 0)]):
        assert read_photo(_png(ramp8(), *chunks)).gray.shape == ramp8().shape


@pytest.mark.parametrize("samples", [ramp8(), ramp16()])
def test_gray_profile_of_a_jpeg_2000_is_honoured(samples: np.ndarray) -> None:
    data = saved(samples, "JPEG2000", no_jp2=False)
    start = data.index(b"colr") - 4
    (length,) = struct.unpack_from(">I", data, start)
    colr = struct.pack(">I4sBBB", 11 + len(GRAY_22), b"colr", 2, 0, 0) + GRAY_22
    header = data.index(b"jp2h") - 4
    (header_length,) = struct.unpack_from(">I", data, header)
    patched = data[:start] + colr + data[start + length :]
    patched = patched[:header] + struct.pack(">I", header_length + len(colr) - length) + patched[header + 4 :]
    plain = read_photo(data).gray
    values = plain / np.iinfo(plain.dtype).max
    assert _error(read_photo(patched).gray, linear_to_srgb(values**2.19921875) * 65535) < 60
