import io
import struct

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from colorize_cli.imaging.codecs.png import chunk
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.to_photo import photo_from_pil
from colorize_cli.imaging.metadata.icc import srgb_profile
from tests.imaging.samples import color, exact_lightness, ramp8, ramp16, saved

_D50 = (0.9642, 1.0, 0.8249)
_ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + b"\0\0"


def _table(values: np.ndarray) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">I", len(values)) + np.rint(values * 65535).astype(">u2").tobytes()


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return a version 2 display profile with these tags."""
    tags = {b"wtpt": _xyz(_D50), b"desc": b"desc\0\0\0\0\0\0\0\x02x\0" + bytes(79), b"cprt": b"text\0\0\0\0x\0", **tags}
    offset = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    head = bytes(8) + b"\x02\x40\0\0mntr" + space + b"XYZ " + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp"
    head = head + bytes(28) + _fixed(*_D50) + bytes(48)
    return struct.pack(">I", len(head) + len(table) + len(body)) + head[4:] + table + body


GRAY_22 = profile(b"GRAY", {b"kTRC": _gamma(2.2)})
GRAY_18 = profile(b"GRAY", {b"kTRC": _gamma(1.8)})
DOT_GAIN = profile(b"GRAY", {b"kTRC": _table(np.linspace(0, 1, 64) ** 1.75)})
ADOBE_RGB = profile(
    b"RGB ",
    {
        **{name: _xyz(value) for name, value in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _ADOBE, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(2.19921875)),
    },
)


def _lightness(luminance: np.ndarray) -> np.ndarray:
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)


@pytest.mark.parametrize(("data", "gamma"), [(GRAY_22, 2.19921875), (GRAY_18, 1.80078125)])
def test_gray_profiles_change_the_tone_exactly(data: bytes, gamma: float) -> None:
    photo = read_photo(saved(ramp8(), "PNG", icc_profile=data))
    assert photo.gray.dtype == np.uint16 and photo.depth == 8
    assert np.abs(exact_lightness(photo.gray) - _lightness((ramp8() / 255) ** gamma)).max() < 0.002


def test_a_tone_curve_given_as_a_table_is_followed() -> None:
    photo = read_photo(saved(ramp8(), "TIFF", icc_profile=DOT_GAIN))
    assert np.abs(exact_lightness(photo.gray) - _lightness((ramp8() / 255) ** 1.75)).max() < 0.6


def test_gray_profiles_of_16_bit_scans_are_followed_at_16_bits() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, ramp16(), photometric="minisblack", iccprofile=GRAY_22)
    photo = read_photo(buffer.getvalue())
    assert np.abs(exact_lightness(photo.gray) - _lightness((ramp16() / 65535) ** 2.19921875)).max() < 0.002
    assert len(np.unique(photo.gray)) > 0.9 * len(np.unique(ramp16()))


@pytest.mark.parametrize("gray", [ramp8(), ramp16()])
def test_srgb_profiles_change_nothing(gray: np.ndarray) -> None:
    photo = read_photo(saved(gray, "PNG", icc_profile=srgb_profile()))
    assert photo.gray.dtype == gray.dtype and np.array_equal(photo.gray, gray)
    assert photo.notes == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_adobe_rgb_is_read_as_little_cms_would(dtype: type) -> None:
    rgb = color(dtype)
    muted = (rgb // 4 + np.iinfo(dtype).max // 3).astype(dtype)  # inside sRGB, which Little CMS would clip to
    data = cv2.imencode(".png", muted[..., ::-1])[1].tobytes()
    import zlib

    data = data[:33] + chunk(b"iCCP", b"a\0\0" + zlib.compress(ADOBE_RGB)) + data[33:]
    photo = read_photo(data)
    muted8 = muted if dtype is np.uint8 else (muted >> 8).astype(np.uint8)
    reference = ImageCms.profileToProfile(
        Image.fromarray(muted8),
        ImageCms.ImageCmsProfile(io.BytesIO(ADOBE_RGB)),
        ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    assert np.abs(exact_lightness(photo.gray) - exact_lightness(np.asarray(reference))).max() < 0.5
    plain = read_photo(cv2.imencode(".png", muted[..., ::-1])[1].tobytes())
    assert np.abs(exact_lightness(photo.gray) - exact_lightness(plain.gray)).max() > 0.8


def test_a_gray_picture_with_an_rgb_profile_follows_its_tone_curve() -> None:
    photo = read_photo(saved(ramp8(), "PNG", icc_profile=ADOBE_RGB))
    assert np.abs(exact_lightness(photo.gray) - _lightness((ramp8() / 255) ** 2.19921875)).max() < 0.01


def test_damaged_profiles_are_noted_and_do_not_cost_the_photo() -> None:
    for broken in (b"not a profile", GRAY_22[:140], GRAY_22[:-20], GRAY_22.replace(b"kTRC", b"kXXX")):
        photo = read_photo(saved(ramp8(), "TIFF", icc_profile=broken))
        assert photo.gray.shape == ramp8().shape
    noted = read_photo(saved(ramp8(), "TIFF", icc_profile=b"not a profile"))
    assert any("profile" in note for note in noted.notes) and np.array_equal(noted.gray, ramp8())


def test_cmyk_without_a_profile_is_read_plainly_and_it_is_said() -> None:
    photo = read_photo(saved(Image.fromarray(color()).convert("CMYK"), "TIFF"))
    assert np.abs(exact_lightness(photo.gray) - exact_lightness(color())).mean() < 1
    assert any("CMYK" in note for note in photo.notes)


def test_the_profile_of_a_pillow_image_is_honoured() -> None:
    image = Image.open(io.BytesIO(saved(ramp8(), "PNG", icc_profile=GRAY_18)))
    assert np.abs(exact_lightness(photo_from_pil(image).gray) - _lightness((ramp8() / 255) ** 1.80078125)).max() < 0.002


def test_the_profile_of_results_is_the_same_in_every_run_and_is_srgb() -> None:
    data = srgb_profile()
    assert data == srgb_profile() and b"acsp" in data[:128]
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(data)))
