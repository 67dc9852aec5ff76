from pathlib import Path

import numpy as np
import pytest

from colorize_cli.imaging.color import lightness_table
from colorize_cli.imaging.recombine import fused
from colorize_cli.imaging.recombine.color_table import CODES_BY_INDEX, ColorTable
from colorize_cli.imaging.recombine.join import recombine

compiled = pytest.mark.skipif(fused.LIBRARY is None, reason="installed without the compiled loops (no C compiler)")


def picture(shape):
    """Every gray level, all over the picture, whatever its size."""
    return np.random.default_rng(0).permutation(np.arange(shape[0] * shape[1]) % 256).astype(np.uint8).reshape(shape)


def random_chroma(seed, cells):
    return np.random.default_rng(seed).normal(0, 45, (2, *cells)).astype(np.float32)


@compiled
@pytest.mark.parametrize("cells", [(1, 1), (7, 90), (64, 48)])
@pytest.mark.parametrize(
    "shape", [(256, 256), (1, 1), (1, 700), (333, 777), (1024, 1024), (1025, 1301), (3, 350_001), (524_288, 2)]
)
def test_compiled_loops_give_the_bytes_of_numpy_and_opencv(monkeypatch, shape, cells):
    gray, ab = picture(shape), random_chroma(1, cells)
    found = recombine(gray, ab, depth=8, threads=1)
    monkeypatch.setattr(fused, "LIBRARY", None)
    np.testing.assert_array_equal(found, recombine(gray, ab, depth=8, threads=1))


@compiled
@pytest.mark.parametrize("shape", [(900, 900), (1201, 1600)])
def test_threads_change_nothing_in_the_compiled_loops(shape):
    gray, ab = picture(shape), random_chroma(2, (30, 40))
    one = recombine(gray, ab, threads=1)
    np.testing.assert_array_equal(one, recombine(gray, ab, threads=3))


@compiled
def test_color_that_is_not_in_the_table_is_noticed():
    gray, codes, rgb = picture((8, 8)), np.full((2, 8, 8), 70, np.uint8), np.empty((8, 8, 3), np.uint8)
    table = ColorTable()
    assert not fused.LIBRARY.paint(gray, 0, 8, codes, table.colors, rgb, halves=False)
    table.prepare(codes.reshape(2, -1), codes.reshape(2, -1))
    assert fused.LIBRARY.paint(gray, 0, 8, codes, table.colors, rgb, halves=False)


@compiled
def test_index_that_is_no_number_or_out_of_range_stays_in_the_table():
    gray, codes = np.zeros((1, 6), np.uint8), np.empty((2, 1, 6), np.uint8)
    wide = np.zeros((1, 8, 6), np.float32)
    wide[0, 2:4] = [np.nan, 1e9, -1e9, 1e12, -1, 100.7]
    wide[0, 4:6], wide[0, 6:8] = -1e20, 1e20
    cells, weights = np.zeros(1, np.int32), np.zeros(1, np.float32)
    fused.LIBRARY.codes(gray, lightness_table(8), wide, cells, weights, CODES_BY_INDEX, codes)
    ends = [[table[0], table[-1], table[0], table[-1], table[0], table[100]] for table in CODES_BY_INDEX]
    np.testing.assert_array_equal(codes[:, 0], ends)


def test_without_a_library_pictures_are_colorized_all_the_same(monkeypatch):
    monkeypatch.setattr(fused, "LIBRARY", None)
    gray = picture((64, 64))
    rgb = recombine(gray, np.full((2, 4, 4), 20, np.float32), depth=8)
    assert (rgb[..., 0] > rgb[..., 2]).mean() > 0.9


def test_file_that_is_no_such_library_is_not_used(tmp_path):
    assert fused.load(tmp_path / "missing.so") is None
    (tmp_path / "text.so").write_text("not a library")
    assert fused.load(tmp_path / "text.so") is None


@compiled
def test_library_of_another_version_is_not_used(monkeypatch):
    path = Path(fused.__file__).with_name(fused.FILE)
    assert fused.load(path) is not None
    monkeypatch.setattr(fused, "INTERFACE", fused.INTERFACE + 1)
    assert fused.load(path) is None
