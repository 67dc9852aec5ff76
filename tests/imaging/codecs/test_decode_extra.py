"""HEIC and camera raw, with and without the libraries that read them."""

import base64
import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli.batch.inputs.kinds import kind_of
from colorize_cli.errors import PhotoError, UnsupportedPhoto
from colorize_cli.imaging.codecs.extra import decode_extra
from colorize_cli.imaging.codecs.formats import output_suffix
from colorize_cli.imaging.codecs.read import read_photo
from tests.cli.conftest import models, run
from tests.imaging.codecs.readers import no_readers
from tests.imaging.samples import ramp8

__all__ = ["models", "no_readers", "run"]

# ramp8(32, 48) as libheif and x265 write it: what reads HEIC here cannot write it.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
    "AAAAAERAAAEAAQAAAAABoQABAAAAAAAAALsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/Wlw"
    "cnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AA"
    "AAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAA"
    "QAAAAEAAAAAoY2xhcAAAADAAAAABAAAAIAAAAAH////wAAAAAv///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWB"
    "AgMFhAAAAMNtZGF0AAAAtygBrwY46hPFcUf4jSzL9CbhqO0RzrUB6iNU6PJHv/awuZVCgO3dbtV6JFYe4XgzVZpRLTDD/MaUX64HD8+9/vJ2"
    "bW3wCdSuOf8guWH2HfCwvRHdOmMvysx0JVSjpF+H6Q0trfWfBr1qDLyzzgDNJJHFYKDz+lgcjiixA6rygymzZYYPPDjoHWhvvzS2AE8IXEGt"
    "vl/c15ogDbIy/1DLZaYWt4UfcwULoW0UyhbsQFg7qV2+z/qiPg=="
)


def dng() -> bytes:
    """Return the raw data of a camera that saw a ramp, as the Digital Negative specification lays it out."""
    light = (ramp8(120, 160) / 255.0) ** 2.2
    ones = [value for number in (1, 0, 0, 0, 1, 0, 0, 0, 1) for value in (number * 10_000, 10_000)]
    tags = [
        (50706, 1, 4, (1, 4, 0, 0), True), (50708, 2, 5, "Test", True), (271, 2, 5, "Test", True),
        (33421, 3, 2, (2, 2), True), (33422, 1, 4, (0, 1, 1, 2), True), (50721, 10, 9, ones, True),
        (50717, 4, 1, 65535, True), (50778, 3, 1, 21, True), (50728, 5, 3, (1, 1, 1, 1, 1, 1), True),
    ]  # fmt: skip
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, np.rint(light * 60_000).astype(np.uint16), photometric="cfa", extratags=tags, metadata=None
    )
    return buffer.getvalue()


def test_heic_is_read() -> None:
    pytest.importorskip("pi_heif")
    photo = read_photo(HEIC)
    assert (photo.format, photo.depth, photo.gray.shape) == ("HEIF", 8, (32, 48))
    gray = photo.gray / (257 if photo.gray.dtype == np.uint16 else 1)
    assert np.abs(gray - ramp8(32, 48)).mean() < 4


def test_raw_is_developed_to_16_bits() -> None:
    pytest.importorskip("rawpy")
    photo = read_photo(dng())
    assert (photo.format, photo.depth) == ("RAW", 16)
    inner = (slice(8, -8), slice(8, -8))
    assert (
        np.corrcoef(photo.gray[inner].ravel(), ramp8(120, 160)[: photo.height, : photo.width][inner].ravel())[0, 1]
        > 0.98
    )


def test_raw_of_a_sensor_without_color_filter_is_gray() -> None:
    pytest.importorskip("rawpy")
    tags = [(50706, 1, 4, (1, 4, 0, 0), True), (50708, 2, 5, "Test", True), (271, 2, 5, "Test", True),
            (50717, 4, 1, 65535, True)]  # fmt: skip
    buffer = io.BytesIO()
    light = np.rint((ramp8(120, 160) / 255.0) ** 2.2 * 60_000).astype(np.uint16)
    tifffile.imwrite(buffer, light, photometric="cfa", extratags=tags, metadata=None)
    linear, filtered = (struct.pack("<HHIH", 262, 3, 1, kind) for kind in (34892, 32803))
    assert filtered in buffer.getvalue()
    photo = read_photo(buffer.getvalue().replace(filtered, linear))
    assert (photo.format, photo.depth, photo.mode) == ("RAW", 16, "I;16")
    assert np.corrcoef(photo.gray.ravel(), ramp8(120, 160)[: photo.height, : photo.width].ravel())[0, 1] > 0.98


@pytest.mark.parametrize(("name", "data", "suffix"), [("a.heic", HEIC, ".png"), ("a.dng", dng(), ".tif")])
def test_results_go_to_the_nearest_format_that_keeps_the_depth(run, name: str, data: bytes, suffix: str) -> None:
    pytest.importorskip(decode_extra.READERS["HEIF" if name == "a.heic" else "RAW"])
    Path("scans").mkdir()
    Path("scans", name).write_bytes(data)
    result = run("scans", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert output_suffix(Path(name)) == suffix
    assert f"the result is {'PNG' if suffix == '.png' else 'TIFF'}" in result.stderr
    if suffix == ".png":
        assert Image.open("out/a.png").mode == "RGB"
    else:
        assert tifffile.imread("out/a.tif").dtype == np.uint16


@pytest.mark.parametrize(("name", "data", "kind"), [("a.heic", HEIC, "HEIC"), ("a.dng", dng(), "camera raw")])
def test_without_the_reader_the_message_says_what_to_install(run, no_readers, name, data, kind) -> None:
    Path("scans").mkdir()
    Path("scans", name).write_bytes(data)
    if kind == "HEIC":
        Path("scans/unnamed").write_bytes(data)
    with pytest.raises(UnsupportedPhoto, match=rf"pip install {'pi-heif' if kind == 'HEIC' else 'rawpy'}`"):
        read_photo(Path("scans", name))
    assert kind_of(Path("scans", name)) == kind
    result = run("scans", "-o", "out")
    assert result.exit_code == 2
    assert kind in result.stderr


def test_brands_tell_avif_from_heic_whatever_comes_first() -> None:
    buffer = io.BytesIO()
    Image.fromarray(ramp8()).save(buffer, "AVIF")
    data = buffer.getvalue()
    assert read_photo(data.replace(b"ftypavif", b"ftypmif1", 1)).format == "AVIF"


@pytest.mark.parametrize("data", [HEIC, dng()])
def test_damaged_files_end_in_one_typed_error(data: bytes) -> None:
    for cut in (40, len(data) // 2, len(data) - 20):
        try:
            assert read_photo(data[:cut]).gray.size
        except PhotoError as error:
            assert error.remedy
