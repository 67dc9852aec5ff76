import numpy as np
import pytest

from colorize_cli.imaging.colorfulness import colorfulness, signed_colorfulness


def test_neutral_pictures_have_no_color():
    rng = np.random.default_rng(0)
    gray = np.repeat(rng.integers(0, 256, (9, 9, 1), dtype=np.uint8), 3, axis=-1)
    assert colorfulness(gray) == signed_colorfulness(gray) == 0


def test_signs_cancel_only_in_the_original_definition():
    # Red beside green: rg = 255 and -255, so |rg| has no spread while rg has all of it.
    red_green = np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)
    assert signed_colorfulness(red_green) == pytest.approx(255 + 0.3 * 127.5)
    assert colorfulness(red_green) == pytest.approx(0.3 * np.hypot(255, 127.5))


def test_both_variants_agree_where_nothing_is_negative():
    orange = np.array([[[200, 100, 0], [120, 60, 20]]], np.uint8)
    assert colorfulness(orange) == pytest.approx(signed_colorfulness(orange))
    assert colorfulness(orange) == pytest.approx(np.hypot(20, 40) + 0.3 * np.hypot(80, 110))
