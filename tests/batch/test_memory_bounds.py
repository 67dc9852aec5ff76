"""What one file can cost is bounded by what the machine has, and its decoder may die without the run."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli import compute
from colorize_cli.batch.memory_limit import BYTES_A_HEAVY_PIXEL, BYTES_A_PIXEL, memory_of
from colorize_cli.errors import PhotoTooLarge
from colorize_cli.imaging.codecs import decode_apart, read
from colorize_cli.imaging.codecs.read import read_photo
from tests.cli.conftest import make_photo, models, run
from tests.imaging.samples import ramp8, ramp16, saved

__all__ = ["models", "run"]


def bomb() -> bytes:
    """A WebP of 34 bytes that announces 16,384 x 16,384 pixels."""
    bits = 0x3FFF | 0x3FFF << 14
    content = b"VP8L" + struct.pack("<I", 14) + b"\x2f" + struct.pack("<I", bits) + bytes(9)
    return b"RIFF" + struct.pack("<I", 4 + len(content)) + b"WEBP" + content


def test_pixels_come_from_the_header_however_many_there_are(tmp_path):
    (tmp_path / "a.webp").write_bytes(bomb())
    assert memory_of(tmp_path / "a.webp") > 16384**2 * BYTES_A_HEAVY_PIXEL
    with (tmp_path / "b.pgm").open("wb") as file:
        file.write(b"P5 20000 20000 255\n")
    assert memory_of(tmp_path / "b.pgm") >= 20000**2 * BYTES_A_PIXEL
    tifffile.imwrite(tmp_path / "c.tif", ramp16(), metadata=None)
    assert memory_of(tmp_path / "c.tif") >= ramp16().size * 2 * BYTES_A_PIXEL
    Image.fromarray(ramp8()).save(tmp_path / "d.jpg")
    assert memory_of(tmp_path / "d.jpg") < ramp8().size * BYTES_A_PIXEL + 10_000


def test_photo_that_no_memory_could_hold_fails_by_name_and_the_others_are_done(run, monkeypatch):
    make_photo("scans/a.jpg")
    Path("scans/b.webp").write_bytes(bomb())
    monkeypatch.setattr("colorize_cli.batch.engine.memory_at_hand", lambda: 1 << 30)
    result = run("scans", "-o", "out")
    assert result.exit_code == 1
    assert "1 done, 1 failed" in result.stderr
    assert "'scans/b.webp' takes about 5.6 GB of memory to colorize, and there are 1.1 GB." in result.stderr


def test_room_in_a_memory_cgroup_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(compute, "CGROUPS", tmp_path)
    (tmp_path / "memory.max").write_text("max")
    assert compute._room_of_group(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000000")
    (tmp_path / "memory.current").write_text("700000")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    assert compute.memory_at_hand() == 500_000


@pytest.fixture
def apart(monkeypatch) -> None:
    monkeypatch.setattr(read, "APART_FROM", 1)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
def test_picture_decoded_apart_is_the_same(apart, format):
    data = saved(ramp8(), format)
    photo = read_photo(data)
    read.APART_FROM = 10**9
    assert np.array_equal(photo.gray, read_photo(data).gray)
    assert photo.metadata == read_photo(data).metadata


def test_errors_of_a_picture_decoded_apart_are_the_same(apart):
    with pytest.raises(PhotoTooLarge, match=r"more than 0\.0001 megapixels"):
        read_photo(saved(ramp8(), "PNG"), max_megapixels=0.0001)


def test_what_decodes_imports_nothing_from_the_current_folder(apart, tmp_path, monkeypatch):
    decode_apart._Decoder.end_all()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pickle.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert read_photo(saved(ramp8(), "PNG")).gray.size
    assert not (tmp_path / "ran").exists()


def test_decoder_is_used_again_and_one_that_was_killed_is_not(apart):
    decode_apart._Decoder.end_all()
    data = saved(ramp8(), "PNG")
    assert read_photo(data).gray.size
    (first,) = decode_apart._Decoder._idle
    assert read_photo(data).gray.size and decode_apart._Decoder._idle == [first]
    first._process.kill()
    first._process.wait()
    assert read_photo(data).gray.size and decode_apart._Decoder._idle != [first]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os.kill(os.getpid(), 11)", "crashed with SIGSEGV"),
        ("import sys; sys.stdin.buffer.read(1)\nwhile True: pass", "did not end"),
    ],
)
def test_decoder_that_dies_or_never_ends_costs_its_photo_only(run, monkeypatch, apart, code, said):
    make_photo("scans/a.png")
    decode_apart._Decoder.end_all()
    real = subprocess.Popen
    monkeypatch.setattr(decode_apart, "PATIENCE", 1.0)
    monkeypatch.setattr(
        decode_apart.subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", code], **options)
    )
    result = run("scans", "-o", "out")
    assert result.exit_code == 1
    assert "was given up" in result.stderr and said in result.stderr
