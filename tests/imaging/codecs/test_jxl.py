"""JPEG XL: samples of every depth, size and metadata known before decoding, damaged files."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.errors import PhotoError, PhotoTooLarge, TruncatedPhoto
from colorize_cli.imaging.codecs.extra.decode_extra import size_of_jxl
from colorize_cli.imaging.codecs.read import read_photo
from tests.cli.conftest import models, run
from tests.imaging.metadata.test_xmp import XMP
from tests.imaging.samples import ramp8

imagecodecs = pytest.importorskip("imagecodecs")
__all__ = ["models", "run"]


def encoded(samples: np.ndarray, **options: object) -> bytes:
    return imagecodecs.jpegxl_encode(samples, lossless=True, **options)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def in_container(codestream: bytes, *boxes: bytes) -> bytes:
    head = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return head + b"".join(boxes) + box(b"jxlc", codestream)


@pytest.mark.parametrize("shape", [(32, 48), (8, 8), (33, 500), (300, 7), (64, 64), (90, 160), (60, 72)])
@pytest.mark.parametrize("container", [False, True])
def test_size_is_known_before_decoding(shape: tuple[int, int], container: bool) -> None:
    data = encoded(np.resize(ramp8(), shape), usecontainer=False)
    assert data[:2] == b"\xff\x0a"
    data = in_container(data) if container else data
    assert size_of_jxl(data) == shape[::-1]
    with pytest.raises(PhotoTooLarge, match=f"{shape[1]} x {shape[0]} pixels"):
        read_photo(data, max_megapixels=1e-6)


def test_gray_of_8_and_16_bits_is_read_exactly() -> None:
    photo = read_photo(encoded(ramp8()))
    assert (photo.format, photo.depth, photo.gray.dtype) == ("JPEGXL", 8, np.uint8)
    np.testing.assert_array_equal(photo.gray, ramp8())
    deep = ramp8().astype(np.uint16) * 257 + 3
    photo = read_photo(encoded(deep))
    assert photo.depth == 16
    np.testing.assert_array_equal(photo.gray, deep)


def test_alpha_is_kept() -> None:
    alpha = np.zeros_like(ramp8())
    alpha[4:] = 255
    photo = read_photo(encoded(np.dstack([ramp8(), ramp8(), ramp8(), alpha])))
    np.testing.assert_array_equal(photo.alpha, alpha)


def test_metadata_in_boxes_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Market, 1912"
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    data = in_container(encoded(ramp8(), usecontainer=False), box(b"Exif", bytes(4) + block), box(b"xml ", XMP))
    photo = read_photo(data)
    assert photo.metadata.exif == block and photo.metadata.xmp == XMP


def test_damaged_files_end_in_one_typed_error() -> None:
    data = encoded(np.resize(ramp8(), (200, 300)))
    for cut in (3, 14, len(data) // 2, len(data) - 10):
        with pytest.raises(PhotoError):
            read_photo(data[:cut])
    with pytest.raises(TruncatedPhoto):
        read_photo(in_container(b""))


def test_result_is_png_of_the_same_depth_said_once(run) -> None:
    Path("scans").mkdir()
    for number in range(2):
        Path(f"scans/{number}.jxl").write_bytes(encoded(ramp8().astype(np.uint16) * 257 + 3))
    result = run("scans", "-o", "out", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("the result is PNG") == 1
    assert read_photo(Path("out/1.png")).depth == 16
