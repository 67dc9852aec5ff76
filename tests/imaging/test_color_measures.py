import numpy as np
import pytest
from skimage.color import deltaE_ciede2000

from colorize_cli.imaging.color_measures import colorfulness, delta_e_2000, signed_colorfulness


def test_delta_e_2000_equals_scikit_image():
    rng = np.random.default_rng(0)
    true = rng.uniform([0, -100, -100], [100, 100, 100], (5000, 3))
    predicted = true + rng.normal(0, 25, true.shape)
    predicted[:50, 1:] = 0
    true[25:75, 1:] = 0
    np.testing.assert_allclose(delta_e_2000(true, predicted), deltaE_ciede2000(true, predicted), rtol=1e-9, atol=1e-9)


def test_delta_e_2000_equals_the_published_test_data():
    # Rows 1, 7, 17 and 25 of the supplement of Sharma, Wu & Dalal.
    true = np.array([[50, 2.6772, -79.7751], [50, 0, 0], [50, 2.5, 0], [60.2574, -34.0099, 36.2677]])
    predicted = np.array([[50, 0, -82.7485], [50, -1, 2], [73, 25, -18], [60.4626, -34.1751, 39.4387]])
    np.testing.assert_allclose(delta_e_2000(true, predicted), [2.0425, 2.3669, 27.1492, 1.2644], atol=5e-5)


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
