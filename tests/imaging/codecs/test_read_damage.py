import io
import os
import struct

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli.errors import EmptyPhoto, PhotoError, PhotoTooLarge, TruncatedPhoto, UnreadablePhoto, UnsupportedPhoto
from colorize_cli.imaging.codecs.formats import Limits
from colorize_cli.imaging.codecs.png import chunk
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.photo import Photo
from tests.imaging.codecs.readers import no_readers
from tests.imaging.samples import color, ramp8, ramp16, saved

__all__ = ["no_readers"]


def _noise(shape: tuple[int, ...] = (60, 80), dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape).astype(dtype)


def _tiff(picture: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, picture, **options)
    return buffer.getvalue()


FILES: dict[str, bytes] = {
    "gray.jpg": saved(_noise(), "JPEG"),
    "color.jpg": saved(_noise((60, 80, 3)), "JPEG"),
    "progressive.jpg": saved(_noise(), "JPEG", progressive=True),
    "gray.png": saved(_noise(), "PNG"),
    "gray16.png": saved(_noise(dtype=np.uint16), "PNG"),
    "color16.png": cv2.imencode(".png", _noise((60, 80, 3), np.uint16))[1].tobytes(),
    "palette.png": saved(Image.fromarray(_noise()).convert("P"), "PNG"),
    "gray.tif": _tiff(_noise()),
    "gray16.tif": _tiff(_noise(dtype=np.uint16), photometric="miniswhite"),
    "deflate16.tif": _tiff(_noise(dtype=np.uint16), compression="zlib", rowsperstrip=8),
    "color16.tif": cv2.imencode(".tif", _noise((60, 80, 3), np.uint16))[1].tobytes(),
    "lzw.tif": saved(_noise(), "TIFF", compression="tiff_lzw"),
    "float.tif": _tiff(_noise().astype(np.float32)),
    "bits.tif": saved(Image.fromarray(_noise() > 128), "TIFF", compression="group4"),
    "gray.webp": saved(_noise(), "WEBP"),
    "lossless.webp": saved(_noise(), "WEBP", lossless=True),
    "gray.bmp": saved(_noise(), "BMP"),
    "color.bmp": saved(_noise((60, 80, 3)), "BMP"),
    "gray.gif": saved(_noise(), "GIF"),
    "gray.pgm": saved(_noise(), "PPM"),
    "gray16.pgm": saved(_noise(dtype=np.uint16), "PPM"),
    "color.ppm": saved(_noise((60, 80, 3)), "PPM"),
    "gray.jp2": saved(_noise(), "JPEG2000"),
    "color16.jp2": cv2.imencode(".jp2", _noise((60, 80, 3), np.uint16))[1].tobytes(),
    "gray.avif": saved(_noise(), "AVIF"),
}


@pytest.mark.parametrize("name", FILES)
def test_whole_files_are_read(name: str) -> None:
    assert read_photo(FILES[name]).gray.shape == (60, 80)


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_never_a_photo(name: str) -> None:
    data = FILES[name]
    for part in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97):
        with pytest.raises(PhotoError) as caught:
            read_photo(data[: int(len(data) * part)], name="box 7/scan.tif")
        assert "box 7/scan.tif" in str(caught.value) and caught.value.remedy


@pytest.mark.parametrize("name", FILES)
def test_flipped_bytes_give_a_photo_or_a_typed_error(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(len(name))
    for trial in range(60):
        data = bytearray(FILES[name])
        # Headers are where most of the traps are.
        limit = len(data) if trial % 3 == 0 else min(len(data), 300)
        for place in rng.integers(0, limit, rng.integers(1, 6)):
            data[place] = rng.integers(0, 256)
        try:
            photo = read_photo(bytes(data), max_megapixels=1, name="scan")
        except PhotoError as error:
            assert "scan" in str(error)
        else:
            assert isinstance(photo, Photo) and photo.gray.size
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["gray.jpg", "gray.png", "deflate16.tif", "gray.gif"])
def test_zeroed_tails_of_lost_disk_blocks_are_not_read_as_gray(name: str) -> None:
    data = FILES[name]
    half = len(data) // 2
    with pytest.raises(PhotoError):
        read_photo(data[:half] + bytes(len(data) - half))


def test_a_jpeg_whose_data_ends_before_its_end_marker_is_refused() -> None:
    data = FILES["gray.jpg"]
    with pytest.raises(TruncatedPhoto):
        read_photo(data[: len(data) // 2] + b"\xff\xd9")


def test_empty_and_foreign_files_have_their_own_errors(no_readers) -> None:
    with pytest.raises(EmptyPhoto):
        read_photo(b"", name="a.jpg")
    with pytest.raises(UnreadablePhoto, match=r"a\.jpg is not an image"):
        read_photo(b"Dear diary, " * 40, name="a.jpg")
    with pytest.raises(UnreadablePhoto):
        read_photo(bytes(4096))
    with pytest.raises(UnsupportedPhoto, match="Photoshop"):
        read_photo(b"8BPS" + bytes(100))
    twelve_bits = bytearray(FILES["gray.jpg"])
    twelve_bits[twelve_bits.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(UnsupportedPhoto, match="12 bits"):
        read_photo(bytes(twelve_bits))
    with pytest.raises(UnsupportedPhoto, match="HEIC"):
        read_photo(b"\0\0\0\x18ftypheic" + bytes(100))


def test_missing_files_and_folders_are_named(tmp_path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(UnreadablePhoto) as caught:
            read_photo(path)
        assert str(path) in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_files_without_permission_are_named(tmp_path) -> None:
    path = tmp_path / "locked.png"
    path.write_bytes(FILES["gray.png"])
    path.chmod(0)
    with pytest.raises(UnreadablePhoto, match="permission"):
        read_photo(path)


def test_pictures_without_pixels_are_empty() -> None:
    header = struct.pack(">IIBBBBB", 0, 40, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(EmptyPhoto):
        read_photo(data)


def test_bombs_are_refused_before_they_are_decoded() -> None:
    header = struct.pack(">IIBBBBB", 100000, 100000, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    with pytest.raises(PhotoTooLarge, match="--max-megapixels 10001"):
        read_photo(data, name="bomb.png")


@pytest.mark.parametrize("name", ["gray.jpg", "gray.tif", "gray16.pgm", "color16.png", "gray.gif", "gray.avif"])
def test_the_size_limit_is_exact(name: str) -> None:
    limit = 60 * 80 / 1e6
    assert read_photo(FILES[name], max_megapixels=limit).gray.size == 4800
    with pytest.raises(PhotoTooLarge):
        read_photo(FILES[name], max_megapixels=limit - 1e-6)


def test_large_pictures_within_the_limit_pass_pillows_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_photo(FILES["gray.png"]).gray.size == 4800
    assert read_photo(FILES["lzw.tif"]).gray.size == 4800


def test_a_page_that_is_not_there_is_named() -> None:
    with pytest.raises(UnreadablePhoto, match="page 3"):
        read_photo(FILES["gray.tif"], page=2)
    with pytest.raises(UnreadablePhoto, match="page 2"):
        read_photo(FILES["gray.jpg"], page=1)


def test_the_original_is_opened_once_and_for_reading_only(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    path = tmp_path / "scan.tif"
    path.write_bytes(FILES["deflate16.tif"])
    path.chmod(0o444)
    opened: list[int] = []
    real = os.open

    def spy(name: object, flags: int, *more: object, **options: object) -> int:
        if Path(str(name)) == path:
            opened.append(flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR))
        return real(name, flags, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", spy)
    before = path.stat().st_mtime_ns
    read_photo(path)
    assert opened == [os.O_RDONLY]
    assert path.stat().st_mtime_ns == before


def test_smooth_pictures_are_not_mistaken_for_truncated_ones() -> None:
    flat = np.full((64, 64), 128, np.uint8)
    for picture in (flat, ramp8(), np.vstack([ramp8(), np.zeros((40, 64), np.uint8)])):
        for options in ({}, {"progressive": True}, {"quality": 100}, {"optimize": True}):
            assert read_photo(saved(picture, "JPEG", **options)).gray.shape == picture.shape
    assert read_photo(saved(color(), "JPEG", restart_marker_rows=1)).gray.shape == (40, 64)
    assert read_photo(saved(ramp16(), "PNG")).depth == 16


def test_jpeg_of_a_thousand_scans_is_refused_before_they_are_decoded() -> None:
    data = saved(_noise(), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    many = data[:-2] + scan * 1000 + data[-2:]
    with pytest.raises(PhotoTooLarge, match=r"more than 500 scans.*--max-scans"):
        read_photo(many)
    with pytest.raises(PhotoTooLarge, match="more than 3 scans"):
        read_photo(data, limits=Limits(scans=3))
    assert read_photo(many, limits=Limits(scans=2000)).gray.size


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_jpeg_that_lacks_only_its_end_marker_is_read_with_a_note_and_a_shorter_one_is_not(options: dict) -> None:
    whole = saved(_noise(), "JPEG", **options)
    photo = read_photo(whole[:-2])
    assert np.array_equal(photo.gray, read_photo(whole).gray)
    assert any("end marker" in note for note in photo.notes)
    for cut in (3, 40, 400):
        with pytest.raises(TruncatedPhoto):
            read_photo(whole[: -2 - cut])
