import numpy as np
import pytest

from colorize_cli.imaging.color import luminance_table
from colorize_cli.imaging.tone import encode_luminance, luminance_gray
from tests.imaging.samples import exact_lightness


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_of_any_color_has_its_lightness(dtype: type) -> None:
    rng = np.random.default_rng(3)
    top = np.iinfo(dtype).max
    saturated = rng.integers(0, 2, (50, 300, 3)) * top
    dark = rng.integers(0, top // 40, (50, 300, 3))
    anything = rng.integers(0, top + 1, (50, 300, 3))
    rgb = np.concatenate([saturated, dark, anything]).astype(dtype)
    error = np.abs(exact_lightness(luminance_gray(rgb)) - exact_lightness(rgb))
    assert error.max() < 0.002


def test_neutral_levels_come_back_to_themselves() -> None:
    levels = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(encode_luminance(luminance_table(16)[None].astype(np.float32))[0], levels)
    gray = luminance_gray(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2))
    assert np.array_equal(gray[0], np.arange(256) * 257)
