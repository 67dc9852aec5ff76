"""Other plausible colors: they follow what a distribution is unsure of, and nothing else."""

import numpy as np
import pytest

from colorize_cli.inference.variants import alternative_shifts

BLUE, RED, GREEN, GRAY = (-5, -40), (50, 20), (-40, 20), (0, 0)
COLORS = np.array([BLUE, RED, GREEN, GRAY], np.float32)
SURE_BLUE, SURE_GRAY, ANY_HUE = (0.97, 0.01, 0.01, 0.01), (0.01, 0.01, 0.01, 0.97), (0.3, 0.3, 0.3, 0.1)
COUNT = 4


def field(*thirds: tuple[float, ...]) -> np.ndarray:
    """Weights (4, 12, 30): a distribution for each part of a picture, from left to right."""
    return np.repeat(np.array(thirds, np.float32).T[:, None], 30 // len(thirds), 2).repeat(12, 1)


def varied(seed: int = 0, count: int = COUNT) -> np.ndarray:
    """Shifts of a picture whose sky is sure, whose wall is sure to be gray, and whose coat may have any color."""
    light = np.repeat(np.array([80, 60, 40], np.float32), 10)[None].repeat(12, 0)
    return alternative_shifts(field(SURE_BLUE, SURE_GRAY, ANY_HUE), COLORS, light, count, seed)


def test_what_is_sure_keeps_its_color_and_what_is_not_changes():
    size = np.linalg.norm(varied(), axis=1).mean((0, 1))
    sky, wall, coat = size[:8].mean(), size[12:18].mean(), size[-6:].mean()
    assert sky < 2 and wall < 2
    assert coat > 8


def test_alternatives_have_other_hues_and_not_other_saturations():
    mean = COLORS.T @ np.array(ANY_HUE, np.float32)
    coats = mean + varied(count=3)[:, :, 6, -3]  # as many as there are hues
    chroma = np.linalg.norm(coats, axis=1)
    hues = coats / chroma[:, None]
    cosines = (hues @ hues.T)[np.triu_indices(3, 1)]
    assert cosines.min() < -0.5  # more than 120 degrees apart
    assert cosines.max() < 0.9
    assert chroma.std() / chroma.mean() < 0.35


def test_areas_have_one_color():
    coat = varied()[:, :, 2:-2, -7:-2]
    assert coat.std((2, 3)).max() < 1.5


def test_seed_decides_which():
    np.testing.assert_array_equal(varied(3), varied(3))
    assert np.abs(varied(3) - varied(4)).max() > 5


@pytest.mark.parametrize("count", [1, 8])
def test_as_many_as_are_wanted(count):
    shifts = varied(count=count)
    assert shifts.shape == (count, 2, 12, 30)
    assert np.isfinite(shifts).all()


def test_picture_of_one_tone_and_a_single_cell_have_alternatives_too():
    flat = alternative_shifts(field(ANY_HUE), COLORS, np.full((12, 30), 50, np.float32), 2, 0)
    assert np.abs(flat).max() > 5
    cell = alternative_shifts(field(ANY_HUE)[:, :1, :1], COLORS, np.full((1, 1), 50, np.float32), 2, 0)
    assert np.isfinite(cell).all()
