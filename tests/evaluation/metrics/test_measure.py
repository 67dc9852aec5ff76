from pathlib import Path

import numpy as np
import pytest
from skimage.color import rgb2lab, rgb2luv

from colorize_cli.evaluation.metrics.measure import BY_KEY, METRICS, PSNR_CAP, Picture, measure
from colorize_cli.evaluation.protocols import PROTOCOLS


@pytest.fixture
def true(rng):
    return Picture(rng.integers(0, 256, (24, 31, 3), dtype=np.uint8))


def test_lab_and_luv_of_a_picture_are_those_of_scikit_image(true):
    np.testing.assert_allclose(true.lab, rgb2lab(true.rgb), atol=2e-3)
    np.testing.assert_allclose(true.luv, rgb2luv(true.rgb), atol=2e-2)


def test_a_perfect_picture_gets_the_best_value_of_every_metric(true):
    values = measure(true, Picture(true.rgb.copy()), ct2=True).values
    best = {"psnr": PSNR_CAP, "psnr_ab": PSNR_CAP, "delta_e": 0, "ab_mse": 0, "ab_mae": 0, "delta_cf": 0}
    best |= {"auc": 1, "histogram_tv_image": 0, "accuracy_256": 1, "acc_u": 1, "acc_v": 1, "saturation_difference": 0}
    assert {key: values[key] for key in best} == pytest.approx(best)
    assert values["ssim"] == pytest.approx(1) and values["ssim_ct2"] == pytest.approx(1)


def test_a_worse_picture_moves_every_metric_in_the_declared_direction(true, rng):
    def blend(share):
        gray = np.repeat(true.rgb.mean(axis=-1, keepdims=True), 3, axis=-1)
        return Picture(np.rint((1 - share) * true.rgb + share * gray).astype(np.uint8))

    near, far = measure(true, blend(0.1)).values, measure(true, blend(0.9)).values
    for key in near.keys() & BY_KEY.keys():
        if BY_KEY[key].better == "higher":
            assert near[key] > far[key], key
        elif BY_KEY[key].better == "lower":
            assert near[key] < far[key], key


def test_credit_by_bin_adds_up_to_the_auc(true):
    other = Picture(np.ascontiguousarray(true.rgb[::-1]))
    measurement = measure(true, other)
    assert measurement.credit.sum() == pytest.approx(measurement.values["auc"])
    assert measurement.histogram.sum() == pytest.approx(1)


def test_pictures_of_different_sizes_are_refused(true):
    with pytest.raises(ValueError, match="cannot be compared"):
        measure(true, Picture(true.rgb[:-1]))


def test_keys_are_unique():
    assert len(BY_KEY) == len(METRICS)


def test_every_metric_and_protocol_is_defined_in_the_documentation():
    text = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in (*BY_KEY, *PROTOCOLS) if f"`{name}`" not in text] == []
