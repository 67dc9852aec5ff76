import numpy as np
import pytest

from colorize_cli.evaluation.summary import Bootstrap


def test_the_interval_of_a_mean_is_that_of_the_normal_approximation(rng):
    values = rng.normal(5, 2, 400)
    figure = Bootstrap(400).mean(values)
    half = 1.96 * values.std() / 20
    assert figure.value == pytest.approx(values.mean())
    assert (figure.low, figure.high) == pytest.approx((figure.value - half, figure.value + half), abs=0.03)


def test_the_same_seed_gives_the_same_interval_and_another_a_different_one(rng):
    values = rng.normal(size=50)
    assert Bootstrap(50, seed=3).mean(values) == Bootstrap(50, seed=3).mean(values)
    assert Bootstrap(50, seed=3).mean(values) != Bootstrap(50, seed=4).mean(values)


def test_missing_values_are_left_out_and_counted():
    figure = Bootstrap(4).mean(np.array([1.0, np.nan, 3.0, np.nan]))
    assert (figure.value, figure.n) == (2.0, 2)
    assert 1 <= figure.low <= figure.high <= 3
    assert Bootstrap(2).mean(np.full(2, np.nan)).n == 0


def test_a_ratio_is_of_sums_not_a_mean_of_ratios():
    assert Bootstrap(2).ratio(np.array([1.0, 0.0]), np.array([1.0, 3.0])).value == 0.25


def test_resamples_are_shared_so_that_differences_stay_paired(rng):
    a = rng.normal(size=80)
    bootstrap = Bootstrap(80)
    sums = bootstrap.sums(np.stack([a, a + 1, np.ones(80)], axis=1))
    np.testing.assert_allclose(sums[:, 1] - sums[:, 0], 80)
    assert (sums[:, 2] == 80).all()
