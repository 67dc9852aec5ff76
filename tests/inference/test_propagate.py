"""Hints for models that know nothing of hints: changed where they are, untouched where nothing connects."""

import numpy as np

from colorize_cli.inference.propagate import with_hints


def scene():
    """Two areas of different lightness side by side, with grain; L* (120, 160)."""
    rng = np.random.default_rng(0)
    light = np.full((120, 160), 35.0)
    light[:, 80:] = 65
    return (light + rng.normal(0, 0.7, light.shape)).astype(np.float32)


def stroke(color, rows=slice(55, 65), columns=slice(20, 40), shape=(120, 160)):
    mask = np.zeros(shape, np.float32)
    mask[rows, columns] = 1
    return mask[..., None] * np.array(color, np.float32), mask


def test_a_region_takes_the_hint_and_what_lies_beyond_an_edge_does_not():
    before = np.zeros((2, 30, 40), np.float32)
    before[1] = 10
    after = with_hints(before, scene(), stroke((40, -30)))
    assert after.shape == (2, 120, 160)
    region = after[:, 30:90, 5:70]
    assert np.abs(region[0] - 40).mean() < 10 and np.abs(region[1] + 30).mean() < 10
    assert np.abs(after[0, 57:63, 22:38] - 40).max() < 1
    beyond = after[:, :, 84:]
    assert np.abs(beyond[0]).max() < 3 and np.abs(beyond[1] - 10).max() < 3


def test_far_away_nothing_changes():
    before = np.full((2, 20, 200), 5, np.float32)
    light = np.full((60, 600), 50, np.float32)
    light[:, 200:210] = 80
    light[:, 400:410] = 20
    after = with_hints(before, light, stroke((60, 60), slice(20, 40), slice(10, 30), (60, 600)))
    far = after[:, :, round(after.shape[2] * 0.4) :]
    assert np.abs(far - 5).max() < 0.5


def test_hints_equal_to_the_prediction_change_nothing():
    before = np.full((2, 30, 40), 12, np.float32)
    assert np.abs(with_hints(before, scene(), stroke((12, 12))) - 12).max() < 1e-3


def test_hints_of_another_size_lie_where_they_lie_in_the_picture():
    after = with_hints(
        np.zeros((2, 30, 40), np.float32), scene(), stroke((40, 0), slice(110, 130), slice(40, 80), (240, 320))
    )
    assert abs(after[0, 60, 30] - 40) < 2
