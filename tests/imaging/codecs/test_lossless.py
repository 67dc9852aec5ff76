"""Color added to a gray JPEG: its coefficients stay, its pixels come back, and what cannot be kept is refused."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from colorize_cli.errors import UnsupportedPhoto
from colorize_cli.imaging.codecs.jpeg.coefficients import frame
from colorize_cli.imaging.codecs.jpeg.lossless import (
    check_scan,
    chroma_planes,
    lightness_change,
    recover_gray,
    write_lossless,
)
from colorize_cli.imaging.codecs.jpeg.structure import chrominance_table
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.metadata import icc
from colorize_cli.imaging.metadata.exif import turn_back, turn_upright
from colorize_cli.imaging.recombine.join import recombine
from tests.imaging.samples import PROVENANCE, exact_lightness, ramp8, saved

jpeglib = pytest.importorskip("jpeglib")
KEPT = type(PROVENANCE)("gan", "ab" * 32, "1.2.3", {"luma": "kept"})


def scan(height: int = 37, width: int = 51, grain: float = 6, **options: object) -> bytes:
    """A gray JPEG with grain, of odd sides."""
    noise = np.random.default_rng(1).normal(0, grain, (height, width))
    return saved(np.clip(ramp8(height, width) + noise, 0, 255).astype(np.uint8), "JPEG", **options)


def colorized(data: bytes, a: float = 25, b: float = -30, quality: int | None = None) -> tuple[bytes, float]:
    photo = read_photo(data)
    check_scan(data, photo, "scan.jpg")
    ab = np.stack([np.full((6, 6), a, np.float32), np.full((6, 6), b, np.float32)])
    stream = io.BytesIO()
    _, change = write_lossless(stream, data, recombine(photo.gray, ab), photo, provenance=KEPT, quality=quality)
    return stream.getvalue(), change


def coefficients(tmp_path, data: bytes):
    path = tmp_path / "read.jpg"
    path.write_bytes(data)
    return jpeglib.read_dct(str(path))


def pixels(data: bytes, mode: str = "L") -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode))


@pytest.mark.parametrize("quality", [75, 95])
@pytest.mark.parametrize("options", [{"quality": 30}, {"quality": 88, "progressive": True}, {"quality": 100}])
@pytest.mark.parametrize("shape", [(37, 51), (16, 32), (2, 3)])
def test_luma_keeps_its_coefficients_and_table_and_the_scan_comes_back(tmp_path, shape, options, quality):
    data = scan(*shape, **options)
    color, _ = colorized(data, quality=quality)
    before, after = coefficients(tmp_path, data), coefficients(tmp_path, color)
    assert np.array_equal(before.Y, after.Y)
    assert np.array_equal(before.get_component_qt(0), after.get_component_qt(0))
    assert np.array_equal(after.get_component_qt(1), chrominance_table(quality))
    assert frame(color)[2][0] == ((1, 1, 1) if quality >= 90 else (1, 2, 2))
    gray = recover_gray(color, read_photo(color), "color.jpg")
    assert frame(gray)[2] == [(1, 1, 1)]
    assert np.array_equal(pixels(gray), pixels(data))
    assert np.array_equal(coefficients(tmp_path, gray).Y, before.Y)


def test_colors_are_those_of_the_prediction_and_the_change_of_lightness_is_the_one_reported():
    data = scan(64, 96, grain=0, quality=95)
    color, change = colorized(data, 18, 22, quality=95)
    from skimage.color import rgb2lab

    lab = rgb2lab(pixels(color, "RGB"))
    middle = (exact_lightness(pixels(data)) > 30) & (exact_lightness(pixels(data)) < 80)
    assert np.allclose(lab[middle][:, 1:].mean(axis=0), (18, 22), atol=2)
    difference = np.abs(lab[..., 0] - exact_lightness(pixels(data))).mean()
    assert change == pytest.approx(difference, abs=0.02)
    assert 0 < change < 3


def test_luma_leaves_no_channel_clipped_however_strong_the_color():
    gray = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    rgb = np.broadcast_to(np.array([255, 0, 255], np.uint8), (4, 256, 3))
    cb, cr = (plane.astype(float) - 128 for plane in chroma_planes(gray, rgb, 1))
    channels = np.stack([gray + 1.402 * cr, gray - 0.344136 * cb - 0.714136 * cr, gray + 1.772 * cb])
    assert channels.min() > -1.5
    assert channels.max() < 256.5  # chroma is rounded
    assert np.hypot(cb, cr)[:, 60:160].min() > 40
    assert np.hypot(cb, cr)[:, [0, 255]].max() == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_color_lies_as_the_scan_does_and_the_orientation_tag_stays(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = scan(24, 40, grain=0, quality=95, exif=exif)
    photo = read_photo(data)
    left = np.zeros((2, *photo.gray.shape), np.float32)
    left[0, :, : photo.width // 2] = 50
    stream = io.BytesIO()
    write_lossless(stream, data, recombine(photo.gray, left), photo, provenance=KEPT, quality=95)
    result = Image.open(io.BytesIO(stream.getvalue()))
    assert result.getexif()[0x0112] == orientation
    assert np.array_equal(
        read_photo(recover_gray(stream.getvalue(), read_photo(stream.getvalue()), "")).gray, photo.gray
    )
    red = turn_upright(np.asarray(result.convert("RGB")), orientation).astype(int)
    redness = red[..., 0] - red[..., 1]
    quarter = photo.width // 4
    assert redness[4:-4, 2:quarter].mean() > 20 > 5 > abs(redness[4:-4, -quarter:-2].mean())


def test_turning_back_undoes_turning_upright():
    picture = ramp8(5, 9)
    for orientation in range(1, 9):
        assert np.array_equal(turn_back(turn_upright(picture, orientation), orientation), picture)


def test_metadata_is_that_of_other_results_and_what_is_recovered_claims_no_colorizing():
    exif = Image.Exif()
    exif[0x010E] = "Harbor, 1931"
    data = scan(exif=exif, dpi=(600, 600))
    color, _ = colorized(data)
    photo = read_photo(color)
    assert Image.open(io.BytesIO(color)).info["icc_profile"] == icc.srgb_profile()
    assert photo.metadata.dpi == (600, 600)
    assert Image.open(io.BytesIO(color)).getexif()[0x010E] == "Harbor, 1931"
    gray = recover_gray(color, photo, "color.jpg")
    assert Image.open(io.BytesIO(gray)).getexif()[0x010E] == "Harbor, 1931"
    assert b"colorize" not in gray


def test_a_gray_picture_stored_in_three_channels_is_taken(tmp_path):
    ramp = np.repeat(ramp8(33, 47)[..., None], 3, axis=2)
    data = saved(ramp, "JPEG", quality=85)
    color, _ = colorized(data)
    assert np.array_equal(coefficients(tmp_path, data).Y, coefficients(tmp_path, color).Y)
    assert np.array_equal(pixels(recover_gray(color, read_photo(color), "")), pixels(data, "RGB")[..., 0])


def gray_profile(gamma: float) -> bytes:
    """A minimal gray ICC profile: a header, a tone curve of one exponent, nothing else."""
    import struct

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    body = struct.pack(">I", 1) + struct.pack(">4sII", b"kTRC", 144, len(curve)) + curve
    header = bytearray(128)
    header[16:20], header[36:40] = b"GRAY", b"acsp"
    header[0:4] = struct.pack(">I", 128 + len(body))
    return bytes(header) + body


def cmyk() -> bytes:
    return saved(Image.new("CMYK", (16, 16), (10, 20, 30, 40)), "JPEG")


def arithmetic() -> bytes:
    """A header that claims arithmetic coding; the check reads headers only."""
    data = bytearray(scan())
    data[data.index(b"\xff\xc0") + 1] = 0xC9
    return bytes(data)


REFUSED = {
    "PNG": saved(ramp8(), "PNG"),
    "arithmetic": arithmetic(),
    "CMYK": cmyk(),
    "contains color": saved(np.dstack([ramp8(), ramp8()[::-1], ramp8()]), "JPEG"),
    "profile": scan(icc_profile=gray_profile(1.8)),
    "luma channel": saved(np.repeat(ramp8()[..., None], 3, axis=2), "JPEG", keep_rgb=True),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_kept_is_refused_with_the_reason(why):
    data = REFUSED[why]
    photo = read_photo(scan()) if why == "arithmetic" else read_photo(data)
    with pytest.raises(UnsupportedPhoto, match=why) as caught:
        check_scan(data, photo, "scan.jpg")
    assert "scan.jpg" in str(caught.value)
    assert "--lossless-luma" in caught.value.remedy


def test_profiles_that_are_srgb_are_taken():
    for profile in (icc.srgb_profile(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        data = scan(icc_profile=profile)
        check_scan(data, read_photo(data), "scan.jpg")


def test_only_results_with_their_luma_kept_can_be_recovered():
    data = scan()
    with pytest.raises(UnsupportedPhoto, match="not made with --lossless-luma"):
        recover_gray(data, read_photo(data), "photo.jpg")


def test_change_of_lightness_is_nothing_without_color():
    data = scan(quality=90)
    assert lightness_change(data, data) == pytest.approx(0, abs=1e-4)
