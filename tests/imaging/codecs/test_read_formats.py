import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli.errors import EmptyPhoto, UnsupportedPhoto
from colorize_cli.imaging.codecs.read import read_pages, read_photo
from colorize_cli.imaging.codecs.to_photo import photo_from_array, photo_from_pil
from tests.imaging.samples import color, exact_lightness, ramp8, ramp16, saved


def _pil(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(ramp16())
    if mode == "I":
        return Image.fromarray(ramp16().astype(np.int32))
    if mode == "F":
        return Image.fromarray((ramp16() / 65535).astype(np.float32))
    return Image.fromarray(ramp8()).convert(mode)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK"])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "GIF", "PPM", "JPEG2000"])
def test_lossless_formats_keep_every_gray_value_of_every_mode(format: str, mode: str) -> None:
    try:
        data = saved(_pil(mode), format)
    except (OSError, ValueError):
        pytest.skip(f"{format} cannot hold {mode}")
    if format == "GIF" and mode not in ("L", "P", "LA"):
        pytest.skip("GIF quantizes")
    if format == "PPM" and mode == "F":
        pytest.skip("a different format")
    photo = read_photo(data)
    wide = mode in ("I;16", "I", "F")
    if wide and format in ("PNG", "TIFF", "PPM", "JPEG2000"):
        assert photo.depth == 16 and photo.gray.dtype == np.uint16
        assert np.array_equal(photo.gray, ramp16())
    elif not wide:
        assert photo.depth == 8 and photo.gray.dtype == np.uint8
        assert np.array_equal(photo.gray, ramp8())
    assert photo.format == format
    assert photo.color == 0


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_come_close(format: str) -> None:
    photo = read_photo(saved(ramp8(), format, quality=95))
    values = photo.gray.astype(float) / (257 if photo.gray.dtype == np.uint16 else 1)
    assert np.abs(values - ramp8()).mean() < 2
    assert photo.format == format and photo.depth == 8


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "PPM", "GIF"])
def test_one_bit_images_become_black_and_white(format: str) -> None:
    bits = ramp8() > 100
    photo = read_photo(saved(Image.fromarray(bits), format))
    assert np.array_equal(photo.gray, np.where(bits, 255, 0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".ppm", ".jp2"])
def test_color_is_read_by_its_exact_luminance_at_its_own_depth(suffix: str, dtype: type) -> None:
    rgb = color(dtype)
    options = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if suffix == ".jp2" else []
    done, encoded = cv2.imencode(suffix, rgb[..., ::-1], options)
    assert done
    photo = read_photo(encoded.tobytes())
    assert photo.depth == np.dtype(dtype).itemsize * 8
    assert photo.gray.dtype == np.uint16
    assert np.abs(exact_lightness(photo.gray) - exact_lightness(rgb)).max() < 0.002


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_neutral_rgb_is_the_same_as_gray(dtype: type) -> None:
    gray = ramp8() if dtype is np.uint8 else ramp16()
    photo = photo_from_array(np.repeat(gray[..., None], 3, axis=2))
    assert photo.gray.dtype == dtype and np.array_equal(photo.gray, gray)


def test_toned_scans_are_read_by_luminance_and_are_not_color() -> None:
    gray = ramp8()
    sepia = np.stack([gray, (gray * 0.9).astype(np.uint8), (gray * 0.75).astype(np.uint8)], axis=2)
    photo = read_photo(saved(sepia, "PNG"))
    assert np.abs(exact_lightness(photo.gray) - exact_lightness(sepia)).max() < 0.002
    assert not photo.in_color


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [1, 8, 16])
def test_white_is_zero_tiffs_come_out_the_right_way_round(bits: int, order: str, compression: str | None) -> None:
    stored = {1: ramp8() > 100, 8: ramp8(), 16: ramp16()}[bits]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, stored, photometric="miniswhite", byteorder=order, compression=compression)
    photo = read_photo(buffer.getvalue())
    expected = {1: np.where(stored, 0, 255), 8: 255 - ramp8(), 16: 65535 - ramp16()}[bits]
    assert np.array_equal(photo.gray, expected)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["L", "I;16", "RGB"])
def test_tiff_compressions_change_nothing(mode: str, compression: str) -> None:
    photo = read_photo(saved(_pil(mode), "TIFF", compression=compression))
    assert np.array_equal(photo.gray, ramp16() if mode == "I;16" else ramp8())


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("compression", [cv2.IMWRITE_TIFF_COMPRESSION_LZW, cv2.IMWRITE_TIFF_COMPRESSION_ADOBE_DEFLATE])
@pytest.mark.parametrize("predictor", [1, 2])
def test_16_bit_tiffs_of_other_software_are_read_bit_for_bit(channels: int, compression: int, predictor: int) -> None:
    noise = np.random.default_rng(0).integers(0, 65536, (37, 51), dtype=np.uint16)
    picture = np.stack([noise] * channels, axis=2)
    if channels == 4:
        picture[..., 3] = ramp16(37, 51)
    options = [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    options += [cv2.IMWRITE_TIFF_ROWSPERSTRIP, 10]
    encoded = cv2.imencode(".tif", picture[..., 0] if channels == 1 else picture, options)[1].tobytes()
    photo = read_photo(encoded)
    assert np.array_equal(photo.gray, noise)
    # OpenCV does not say what the fourth channel is; that of scanners is infrared.
    assert photo.alpha is None and any("infrared" in note for note in photo.notes) == (channels == 4)


@pytest.mark.parametrize("options", [{"bigtiff": True}, {"tile": (16, 32)}, {"rowsperstrip": 7, "compression": "zlib"}])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_big_tiled_and_stripped_tiffs_are_read(options: dict, dtype: type) -> None:
    picture = ramp8() if dtype is np.uint8 else ramp16()
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, picture, photometric="minisblack", byteorder=">", **options)
    assert np.array_equal(read_photo(buffer.getvalue()).gray, picture)


def test_planar_16_bit_tiff_is_read() -> None:
    picture = np.repeat(ramp16()[None], 3, axis=0)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, picture, photometric="rgb", planarconfig="separate")
    assert np.array_equal(read_photo(buffer.getvalue()).gray, ramp16())


def test_each_page_of_a_tiff_is_read_and_previews_are_not_counted() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as tiff:
        tiff.write(ramp8(), photometric="minisblack")
        tiff.write(ramp8(10, 16), photometric="minisblack", subfiletype=1)
        tiff.write(ramp16()[::-1].copy(), photometric="minisblack")
    assert [photo.page for photo in read_pages(buffer.getvalue())] == [0, 1]
    first, second = (read_photo(buffer.getvalue(), page=page) for page in (0, 1))
    assert (first.pages, second.pages, second.page) == (2, 2, 1)
    assert np.array_equal(first.gray, ramp8())
    assert np.array_equal(second.gray, ramp16()[::-1])


@pytest.mark.parametrize("maximum", [1023, 4095, 65535])
def test_anymaps_with_a_maximum_above_255_fill_the_16_bit_range(maximum: int) -> None:
    stored = np.rint(ramp16() / 65535 * maximum).astype(">u2")
    data = b"P5\n# scanned\n64 40\n%d\n" % maximum + stored.tobytes()
    photo = read_photo(data)
    assert photo.depth == 16
    assert np.abs(photo.gray.astype(int) - np.rint(stored.astype(float) / maximum * 65535)).max() <= 1


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "JPEG2000"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_carried_bit_for_bit(format: str, mode: str) -> None:
    alpha = ramp8()[::-1]
    image = _pil(mode)
    image.putalpha(Image.fromarray(np.ascontiguousarray(alpha)))
    photo = read_photo(saved(image, format, lossless=True) if format == "WEBP" else saved(image, format))
    assert photo.alpha is not None and photo.alpha.dtype == np.uint8
    assert np.array_equal(photo.alpha, alpha)


@pytest.mark.parametrize("channels", [2, 4])
def test_16_bit_png_alpha_is_carried_bit_for_bit(channels: int) -> None:
    from colorize_cli.imaging.codecs.png import chunk

    gray, alpha = ramp16(), ramp16()[::-1]
    if channels == 4:
        picture = np.dstack([gray, gray, gray, alpha])
        data = cv2.imencode(".png", picture)[1].tobytes()
    else:
        import struct
        import zlib

        rows = np.dstack([gray, alpha]).astype(">u2").tobytes()
        raw = b"".join(b"\0" + rows[start : start + 64 * 4] for start in range(0, len(rows), 64 * 4))
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 40, 16, 4, 0, 0, 0))
        data += chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    photo = read_photo(data)
    assert np.array_equal(photo.gray, gray)
    assert photo.alpha is not None and np.array_equal(photo.alpha, alpha)


def test_signed_and_wide_values_are_scaled_and_the_scaling_is_said() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.linspace(-500, 500, 2560).reshape(40, 64).astype(np.float32))
    photo = read_photo(buffer.getvalue())
    assert photo.gray.min() == 0 and photo.gray.max() == 65535
    assert any("stretched" in note for note in photo.notes)


def test_only_the_first_frame_of_an_animation_is_used_and_it_is_said() -> None:
    frames = [Image.fromarray(ramp8()), Image.fromarray(ramp8()[::-1].copy())]
    photo = read_photo(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert np.array_equal(photo.gray, ramp8())
    assert any("first frame" in note for note in photo.notes)


def test_jpeg_quality_and_scan_order_are_told_from_the_file() -> None:
    for quality in (35, 60, 75, 90, 95):
        photo = read_photo(saved(ramp8(), "JPEG", quality=quality, progressive=quality == 75))
        assert photo.encoding.quality == quality
        assert photo.encoding.progressive == (quality == 75)
    subsampled = read_photo(saved(color(), "JPEG", subsampling=2))
    assert subsampled.encoding.subsampling == "4:2:0"


def test_arrays_and_pillow_images_are_taken_as_they_are() -> None:
    assert np.array_equal(photo_from_array(ramp16()).gray, ramp16())
    assert photo_from_array(ramp16()).depth == 16
    assert np.array_equal(photo_from_array(ramp8()[..., None]).gray, ramp8())
    assert np.array_equal(photo_from_pil(Image.fromarray(ramp16())).gray, ramp16())
    assert np.array_equal(photo_from_pil(_pil("RGBA")).gray, ramp8())
    with pytest.raises(EmptyPhoto):
        photo_from_array(np.zeros((0, 4), np.uint8))
    with pytest.raises(UnsupportedPhoto):
        photo_from_array(np.zeros((3, 4, 4, 4), np.uint8))


def test_a_stream_and_a_path_give_the_same_photo(tmp_path) -> None:
    data = saved(ramp8(), "PNG")
    path = tmp_path / "scan.png"
    path.write_bytes(data)
    assert np.array_equal(read_photo(path).gray, read_photo(io.BytesIO(data)).gray)
    assert read_photo(path).path == path
