"""Decoding of color photographs for training and evaluation; finding them is tested where they are used."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from colorize_cli.color_photos import decode_color, list_photos
from colorize_cli.errors import OwnResult, PhotoError
from colorize_cli.imaging.codecs import read
from colorize_cli.imaging.metadata.icc import srgb_profile
from colorize_cli.imaging.metadata.xmp import build_xmp
from colorize_cli.training.data.lab_photo import NotUsable, decode_rgb
from colorize_cli.training.run_folder import RunFolder
from tests.imaging.codecs.test_read_icc import ADOBE_RGB
from tests.imaging.samples import PROVENANCE, saved

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_training_and_evaluation_see_a_wide_gamut_photograph_in_its_true_colors() -> None:
    data = saved(PIXELS, "PNG", icc_profile=ADOBE_RGB)
    reference = ImageCms.profileToProfile(
        Image.fromarray(PIXELS), io.BytesIO(ADOBE_RGB), io.BytesIO(srgb_profile()), outputMode="RGB"
    )
    assert reference is not None
    difference = decode_color(data, "photo").astype(int) - np.asarray(reference)
    assert np.abs(difference).max() <= 1
    assert np.array_equal(decode_rgb(data), decode_color(data, "photo"))
    assert np.abs(decode_color(data, "photo").astype(int) - PIXELS).mean() > 5


def test_a_damaged_profile_costs_nothing() -> None:
    assert np.array_equal(decode_color(saved(PIXELS, "PNG", icc_profile=b"none"), "photo"), PIXELS)


def test_16_bits_are_rounded_to_8() -> None:
    wide = np.minimum(PIXELS.astype(np.int64) * 257 + 100, 65535).astype(np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, wide, photometric="rgb")
    assert np.array_equal(decode_color(buffer.getvalue(), "photo"), PIXELS)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_16_bit_gray_tiff_keeps_its_tones(order: str) -> None:
    levels = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, levels, byteorder=order)
    expected = ((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    assert np.array_equal(decode_color(buffer.getvalue(), "photo"), np.repeat(expected[..., None], 3, 2))


def test_gray_and_transparent_pictures_become_rgb() -> None:
    gray = decode_color(saved(PIXELS[..., 0], "PNG"), "photo")
    assert np.array_equal(gray, np.repeat(PIXELS[..., :1], 3, 2))
    clear = np.dstack([PIXELS, np.zeros((40, 60), np.uint8)])
    assert np.array_equal(decode_color(saved(clear, "PNG"), "photo"), PIXELS)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_may_be_decoded_smaller_but_not_too_small(options: dict) -> None:
    large = np.asarray(Image.fromarray(PIXELS).resize((600, 400)))
    data = saved(large, "JPEG", **options)
    assert decode_color(data, "photo", at_least=100).shape == (100, 150, 3)
    assert decode_color(data, "photo", at_least=101).shape == (200, 300, 3)
    assert decode_color(data, "photo").shape == (400, 600, 3)


def test_odd_formats_are_decoded_apart_and_a_jpeg_that_may_be_smaller_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    asked: list[int] = []
    real = read.decode_apart
    monkeypatch.setattr(read, "decode_apart", lambda *a, **b: asked.append(b["pixels"]) or real(*a, **b))
    monkeypatch.setattr(read, "APART_FROM", 1000)
    assert decode_color(imagecodecs.jpegxl_encode(PIXELS), "photo", at_least=20).shape == (40, 60, 3)
    assert asked == [40 * 60]
    assert decode_color(saved(PIXELS, "JPEG"), "photo", at_least=20).size and asked == [40 * 60]
    assert decode_color(saved(PIXELS, "PNG"), "photo", at_least=20).size and asked == [40 * 60] * 2


@pytest.mark.parametrize("data", [b"", b"no picture", saved(PIXELS, "JPEG")[:300]])
def test_what_does_not_decode_is_a_photo_error(data: bytes) -> None:
    with pytest.raises(PhotoError, match="holiday"):
        decode_color(data, "holiday", at_least=20)


def test_every_suffix_that_can_be_colorized_is_found(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.JFIF", "c.pgm", "d.dib", "e.txt", ".f.jpg"):
        (tmp_path / name).write_bytes(b"")
    assert [Path(ref.file).name for ref in list_photos([tmp_path]).photos] == ["a.jpg", "b.JFIF", "c.pgm", "d.dib"]


def test_results_of_this_program_are_no_photographs() -> None:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG", xmp=build_xmp(None, PROVENANCE))
    with pytest.raises(OwnResult, match="a result of colorize"):
        decode_color(buffer.getvalue(), "photo")
    with pytest.raises(NotUsable, match="result of colorize"):
        decode_rgb(buffer.getvalue())


def test_folders_of_earlier_runs_are_not_searched(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "photos" / "run")
    run.path.mkdir(parents=True)
    run.write_record({"format": 1, "recipe": {"name": "gan"}, "options": {}})
    for name in ("a.png", "run/strips/1.png", "other/run.json"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS).save(tmp_path / "photos" / name, "PNG")
    Image.fromarray(PIXELS).save(tmp_path / "photos/other/b.png")
    found = [Path(ref.file).name for ref in list_photos([tmp_path / "photos"]).photos]
    assert sorted(found) == ["a.png", "b.png"]
