import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli.errors import UnsupportedPhoto, UsageProblem
from colorize_cli.imaging.codecs.formats import FORMATS, format_of_suffix, output_suffix
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.codecs.to_photo import photo_from_array
from colorize_cli.imaging.codecs.write import write_pages, write_photo
from colorize_cli.imaging.metadata.icc import srgb_profile
from colorize_cli.imaging.photo import Encoding, Photo
from tests.imaging.samples import PROVENANCE, color, ramp8, ramp16, saved

LOSSLESS = [".png", ".tif", ".bmp", ".ppm", ".jp2"]


def _decoded(path: Path) -> np.ndarray:
    """What another reader (OpenCV) makes of the result, RGB."""
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)[..., 2::-1]


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_results_are_exact_at_the_depth_of_the_original(tmp_path: Path, suffix: str, dtype: type) -> None:
    if suffix == ".bmp" and dtype is np.uint16:
        pytest.skip("BMP holds 8 bits")
    rgb = color(dtype, 301, 203)
    target = tmp_path / f"a{suffix}"
    write_photo(target, rgb, photo_from_array(rgb[..., 0]), provenance=PROVENANCE)
    assert np.array_equal(_decoded(target), rgb)
    photo = read_photo(target)
    assert photo.depth == np.dtype(dtype).itemsize * 8


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_lossy_results_come_close(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    write_photo(target, color(), photo_from_array(ramp8()), provenance=PROVENANCE, quality=95)
    decoded = np.asarray(Image.open(target).convert("RGB")).astype(int)
    assert np.abs(decoded - color()).mean() < 2.5


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jp2"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_comes_out_bit_for_bit(tmp_path: Path, suffix: str, dtype: type) -> None:
    gray = ramp8() if dtype is np.uint8 else ramp16()
    like = photo_from_array(np.dstack([gray, gray[::-1]]))
    if suffix == ".webp":
        like = replace(like, encoding=Encoding(lossless=True))
    target = tmp_path / f"a{suffix}"
    write_photo(target, color(dtype), like, provenance=PROVENANCE)
    alpha = read_photo(target).alpha
    expected = gray[::-1] if suffix != ".webp" or dtype is np.uint8 else (gray[::-1].astype(int) + 128) // 257
    assert alpha is not None and np.array_equal(alpha, expected)


@pytest.mark.parametrize("suffix", [s for entry in FORMATS.values() for s in entry.suffixes])
def test_every_suffix_gives_a_result_that_its_suffix_names(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{output_suffix(suffix)}"
    write_photo(target, color(), photo_from_array(ramp8()), provenance=PROVENANCE)
    assert output_suffix(target) == target.suffix
    assert read_photo(target).format == format_of_suffix(target.suffix)
    assert read_provenance(target) == PROVENANCE


def test_names_of_results_are_known_without_reading_anything() -> None:
    planned = {"a.JPG": ".JPG", "a.gif": ".png", "a.pgm": ".ppm", "a.pbm": ".ppm", "a.PNM": ".PNM", "a": ".png"}
    for source, suffix in planned.items():
        assert output_suffix(Path("no/such") / source) == suffix
    assert output_suffix(Path("a.tif"), "png") == ".png"
    assert output_suffix(Path("a.TIFF"), "tif") == ".TIFF"
    assert output_suffix(".gif", "jpg") == ".jpg"
    with pytest.raises(UsageProblem, match="jpeg"):
        output_suffix("a.tif", "docx")
    with pytest.raises(UsageProblem):
        output_suffix("a.tif", "gif")


@pytest.mark.parametrize(
    ("data", "suffix", "word"),
    [
        (saved(Image.fromarray(ramp8() > 99), "TIFF", compression="group4"), ".tif", "1-bit"),
        (saved(ramp8(), "GIF"), ".png", "GIF"),
        (saved(Image.fromarray(ramp16().astype(np.int32)), "TIFF"), ".tif", "16 bits"),
        (saved(ramp16(), "PNG"), ".jpg", "8 bits"),
        (saved(Image.fromarray(ramp8()).convert("LA"), "PNG"), ".jpg", "transparency"),
    ],
)
def test_what_cannot_be_kept_is_said_once(tmp_path: Path, data: bytes, suffix: str, word: str) -> None:
    photo = read_photo(data)
    result = write_photo(
        tmp_path / f"a{suffix}", color(np.uint16 if photo.depth == 16 else np.uint8), photo, provenance=PROVENANCE
    )
    assert sum(word in note for note in result.notes) == 1


@pytest.mark.parametrize("quality", [40, 75, 93])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpegs_keep_quality_class_and_scan_order(tmp_path: Path, quality: int, progressive: bool) -> None:
    photo = read_photo(saved(ramp8(), "JPEG", quality=quality, progressive=progressive))
    target = tmp_path / "a.jpg"
    write_photo(target, color(), photo, provenance=PROVENANCE)
    result = read_photo(target).encoding
    assert (result.quality, result.progressive) == (quality, progressive)
    assert result.subsampling == ("4:4:4" if quality >= 90 else "4:2:0")
    write_photo(target, color(), photo, provenance=PROVENANCE, quality=60, overwrite=True)
    assert read_photo(target).encoding.quality == 60


def test_webp_and_jpeg_2000_stay_lossless_where_they_were(tmp_path: Path) -> None:
    for suffix, options in ((".webp", {"lossless": True}), (".jp2", {})):
        photo = read_photo(saved(ramp8(), FORMATS["WEBP" if suffix == ".webp" else "JPEG2000"].name, **options))
        target = tmp_path / f"a{suffix}"
        write_photo(target, color(), photo, provenance=PROVENANCE)
        assert np.array_equal(np.asarray(Image.open(target).convert("RGB")), color())
        assert read_photo(target).encoding.lossless


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_results_are_read_alike_by_all_readers(tmp_path: Path, order: str, compression: str | None) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, ramp16(700, 500), photometric="minisblack", compression=compression, byteorder=order)
    photo = read_photo(buffer.getvalue())
    target = tmp_path / "a.tif"
    rgb = color(np.uint16, 700, 500)
    write_photo(target, rgb, photo, provenance=PROVENANCE)
    assert np.array_equal(tifffile.imread(target), rgb)
    assert np.array_equal(_decoded(target), rgb)
    assert Image.open(target).size == (500, 700)
    assert (read_photo(target).encoding.compression == "none") == (compression is None)


def test_pages_become_pages(tmp_path: Path) -> None:
    first, second = photo_from_array(ramp8()), photo_from_array(ramp16(30, 20))
    target = tmp_path / "a.tif"
    write_photo(target, [color(), color(np.uint16, 30, 20)], [first, second], provenance=PROVENANCE)
    pages = tifffile.TiffFile(target).pages
    assert len(pages) == 2
    assert np.array_equal(pages[0].asarray(), color())
    assert np.array_equal(pages[1].asarray(), color(np.uint16, 30, 20))
    assert read_photo(target, page=1).pages == 2
    with pytest.raises(UsageProblem, match="tiff"):
        write_photo(tmp_path / "a.png", [color(), color()], first, provenance=PROVENANCE)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif"]


def test_pages_are_taken_one_at_a_time(tmp_path: Path) -> None:
    alive = 0
    most = 0

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= self.base is None

    def pages():
        nonlocal alive, most
        for _ in range(5):
            page = np.zeros((50, 50, 3), np.uint8).view(Counted).copy()
            alive += 1
            most = max(most, alive)
            yield page, photo_from_array(ramp8(50, 50))
            del page

    write_pages(tmp_path / "a.tif", pages(), provenance=PROVENANCE)
    assert len(tifffile.TiffFile(tmp_path / "a.tif").pages) == 5
    assert most <= 3


@pytest.mark.parametrize("format", ["png", "jpeg", "tiff", "webp"])
def test_results_go_to_streams_too(format: str) -> None:
    stream = io.BytesIO()
    result = write_photo(stream, color(), photo_from_array(ramp8()), provenance=PROVENANCE, format=format)
    assert result.path is None
    assert read_photo(stream.getvalue()).format == format.upper()


def test_a_stream_without_a_format_takes_that_of_the_original() -> None:
    stream = io.BytesIO()
    write_photo(stream, color(), read_photo(saved(ramp8(), "GIF")), provenance=PROVENANCE)
    assert stream.getvalue().startswith(b"\x89PNG")


def test_every_result_carries_the_srgb_profile_and_never_the_gray_one(tmp_path: Path) -> None:
    from tests.imaging.codecs.test_read_icc import GRAY_22

    for suffix in (".jpg", ".png", ".tif", ".webp", ".avif"):
        photo = read_photo(saved(ramp8(), "PNG", icc_profile=GRAY_22))
        write_photo(tmp_path / f"a{suffix}", color(), photo, provenance=PROVENANCE)
        assert Image.open(tmp_path / f"a{suffix}").info["icc_profile"] == srgb_profile()


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    for suffix in (".jpg", ".png", ".tif", ".webp", ".jp2"):
        streams = [tmp_path / f"{name}{suffix}" for name in "ab"]
        for target in streams:
            write_photo(target, color(), photo_from_array(ramp8()), provenance=PROVENANCE)
        assert streams[0].read_bytes() == streams[1].read_bytes()


def test_sizes_beyond_a_format_are_refused_with_a_remedy(tmp_path: Path) -> None:
    wide = Photo(np.zeros((1, 70000), np.uint8))
    with pytest.raises(UnsupportedPhoto, match="--format png"):
        write_photo(tmp_path / "a.jpg", np.zeros((1, 70000, 3), np.uint8), wide, provenance=PROVENANCE)
    assert list(tmp_path.iterdir()) == []
    write_photo(tmp_path / "a.png", np.zeros((1, 70000, 3), np.uint8), wide, provenance=PROVENANCE)


def test_quality_outside_its_range_is_a_usage_problem(tmp_path: Path) -> None:
    for quality in (0, 101):
        with pytest.raises(UsageProblem):
            write_photo(tmp_path / "a.jpg", color(), Photo(ramp8()), provenance=PROVENANCE, quality=quality)
