import subprocess
import sys

import numpy as np
import pytest

from colorize_cli.imaging.color import lightness, srgb_to_lab
from colorize_cli.imaging.recombine.color_table import (
    INDEX_OF_GRAY,
    INDEX_UNIT,
    REACH,
    STEPS,
    WEBER,
    ColorTable,
    all_known,
    decode_chroma,
    encode_chroma,
    expect_known,
    limit_chroma,
)


@pytest.fixture(scope="module")
def table():
    """A table of its own with every color filled in for some of a* and all of b*."""
    table = ColorTable()
    table.prepare(np.array([[30], [0]], np.uint8), np.array([[90], [254]], np.uint8))
    return table


def codes_of(a, b):
    index = np.array([a, b], np.float32)[:, None] * INDEX_UNIT + np.array(INDEX_OF_GRAY, np.float32)[:, None, None]
    return encode_chroma(index.astype(np.float32), np.empty(index.shape, np.uint8))[:, 0]


def colors(table, gray, a_code, b_code):
    """RGB (n, 3) of arrays (n,) of gray levels and codes."""
    index = np.zeros((-(-len(gray) // 64) * 64, 4), np.uint8)
    index[: len(gray), 0], index[: len(gray), 1], index[: len(gray), 2] = gray, a_code, b_code
    out = np.empty_like(index)
    table.look_up(index.reshape(-1, 64, 4), out.reshape(-1, 64, 4))
    return out[: len(gray), :3]


def test_codes_give_chroma_back_within_what_the_eye_tells_apart():
    a, b = np.linspace(-99, 99, 500), np.linspace(-109, 109, 500)
    codes = codes_of(a, b)
    for axis, chroma in enumerate((a, b)):
        error = np.abs(decode_chroma(codes[axis], axis) - chroma) / (1 + WEBER * np.abs(chroma))
        assert error.max() < 0.35
        assert (np.diff(codes[axis].astype(int)) >= 0).all()
    assert codes_of([0], [0]).ravel().tolist() == list(STEPS)
    assert [decode_chroma(STEPS[axis], axis) for axis in (0, 1)] == [0, 0]


def test_chroma_without_a_code_is_limited_and_keeps_its_hue():
    ab = np.random.default_rng(0).uniform(-300, 300, (2, 20, 20)).astype(np.float32)
    limited = limit_chroma(ab)
    assert (np.abs(limited[0]) <= REACH[0] + 1e-3).all() and (np.abs(limited[1]) <= REACH[1] + 1e-3).all()
    np.testing.assert_allclose(np.arctan2(*limited), np.arctan2(*ab), atol=1e-5)
    inside = ab / 4
    np.testing.assert_array_equal(limit_chroma(inside), inside)


def test_every_color_of_the_table_has_the_lightness_of_its_gray(table):
    gray, a, b = np.meshgrid(np.arange(256), np.arange(30, 91, 4), np.arange(0, 255, 9), indexing="ij")
    gray, a, b = gray.ravel().astype(np.uint8), a.ravel(), b.ravel()
    error = np.abs(srgb_to_lab(colors(table, gray, a, b) / 255)[:, 0] - lightness(gray))
    assert error.mean() < 0.12 and error.max() < 0.5


def test_colors_in_gamut_have_the_chroma_of_their_codes(table):
    gray = np.full(9, 128, np.uint8)
    a, b = np.repeat([45, 63, 80], 3), np.tile([100, 127, 150], 3)
    lab = srgb_to_lab(colors(table, gray, a, b) / 255)
    np.testing.assert_allclose(lab[:, 1], decode_chroma(a, 0), atol=0.8)
    np.testing.assert_allclose(lab[:, 2], decode_chroma(b, 1), atol=0.8)


def test_gray_without_chroma_is_itself(table):
    gray = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(colors(table, gray, STEPS[0], STEPS[1]), np.repeat(gray[:, None], 3, axis=1))


def test_only_what_was_asked_for_is_computed_and_everything_between():
    table = ColorTable()
    table.prepare(np.array([[50, 70], [120, 10]], np.uint8), np.array([[52, 70], [130, 10]], np.uint8))
    known = table._known
    assert known[120:131, 50:53].all() and known[10, 70]
    assert known.sum() == 13 * 5 + 9
    before = table._colors.copy()
    table.prepare(np.array([[50], [120]], np.uint8), np.array([[60], [130]], np.uint8))
    assert table._known[120:131, 50:61].all()
    np.testing.assert_array_equal(table._colors[119:132, 49 * 256 : 53 * 256], before[119:132, 49 * 256 : 53 * 256])


def test_color_that_was_not_asked_for_is_never_painted():
    assert all_known(np.array([[[0, 0, 0, 1], [255, 255, 255, 1]]], np.uint8))
    assert not all_known(np.array([[[0, 0, 0, 1], [0, 0, 0, 0]]], np.uint8))
    expect_known(True)
    with pytest.raises(RuntimeError, match="missing"):
        expect_known(False)


def test_usual_colors_are_those_that_would_be_computed_when_they_are_needed():
    usual, asked = ColorTable(), ColorTable()
    usual.prepare_usual()
    b_codes, a_codes = np.nonzero(usual._known)
    assert usual._known[STEPS[1], STEPS[0]] and 1000 < len(a_codes) < 6000
    asked.prepare(np.stack([a_codes, b_codes])[:, ::-1], np.stack([a_codes, b_codes])[:, ::-1], threads=3)
    known = usual._known.repeat(256, axis=1)
    np.testing.assert_array_equal(usual.colors[known], asked.colors[known])


def test_colors_whose_computation_failed_are_computed_by_the_next_that_needs_them(monkeypatch):
    table, one = ColorTable(), np.array([[50], [120]], np.uint8)
    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(table, "_fill", lambda _: (_ for _ in ()).throw(MemoryError()))
        table.prepare(one, one)
    table.prepare(one, one)
    assert table._known[120, 50]


FIRST_OF_ALL = """
import sys, threading
import numpy as np
from colorize_cli.imaging.recombine.join import recombine
gray = np.arange(256, dtype=np.uint8).repeat(16).reshape(64, 64)
ab = np.full((2, 4, 4), 25, np.float32)
together, results = threading.Barrier(8), []
def first():
    together.wait()
    results.append(recombine(gray, ab, depth=8))
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=first) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(results) == 8
assert all((result == recombine(gray, ab, depth=8)).all() for result in results)
"""


def test_photographs_that_come_first_together_have_their_colors():
    for _ in range(3):
        subprocess.run([sys.executable, "-c", FIRST_OF_ALL], check=True, timeout=60)
