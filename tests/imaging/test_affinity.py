"""Spreading known values over a picture: exactness, limits, edges, and solving in tiles."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from colorize_cli.imaging import affinity
from colorize_cli.imaging.affinity import EIGHT, affinities, biconjugate, solve, spread

HOW = {"weights": [0, 0.25, 0, 0.25, 0.25, 0, 0.25, 0], "sigma": 6.0, "leak": 1e-5}


def hinted(shape, share=0.05, seed=0):
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < share
    return rng.uniform(-50, 50, (2, *shape)) * mask, mask


def test_affinity_is_symmetric_and_stops_at_edges():
    light = np.random.default_rng(0).uniform(0, 100, (9, 11))
    found = affinities(light, 6.0)
    for place, (dy, dx) in enumerate(EIGHT):
        back = EIGHT.index((-dy, -dx))
        for y, x in ((4, 5), (2, 7)):
            assert found[place, y, x] == pytest.approx(found[back, y + dy, x + dx])
    assert not found[0, 0].any(), "nothing lies beyond the border"
    step = np.repeat([[20.0] * 5 + [60.0] * 5], 5, 0)
    assert affinities(step, 6.0)[EIGHT.index((0, 1))][2, 4] < 1e-6
    ramp = np.repeat([[20.0] * 4 + [30.0, 40.0, 50.0] + [60.0] * 4], 5, 0)
    assert affinities(ramp, 6.0)[EIGHT.index((0, 1))][2, 5] < 0.05, "an edge over several pixels is one edge"


def test_tiles_give_what_one_system_gives(monkeypatch):
    rng = np.random.default_rng(1)
    light = rng.uniform(40, 60, (70, 90))
    values, mask = hinted((70, 90))
    whole = spread(light, values, mask, **HOW)
    monkeypatch.setattr(affinity, "TILE", 30)
    tiled = spread(light, values, mask, **HOW)
    assert np.abs(tiled - whole).mean() < 0.2
    assert np.abs(tiled - whole).max() < 3


def test_every_unknown_is_the_mean_of_its_neighbours():
    values, mask = hinted((20, 24))
    found = spread(np.full((20, 24), 50.0), values, mask, **HOW)
    assert np.array_equal(found[:, mask], values[:, mask])
    inner = found[:, 1:-1, 1:-1]
    mean = (found[:, :-2, 1:-1] + found[:, 2:, 1:-1] + found[:, 1:-1, :-2] + found[:, 1:-1, 2:]) / 4
    free = ~mask[1:-1, 1:-1]
    assert np.abs(inner - mean)[:, free].max() < 1e-2
    assert found.max() <= values.max() + 1e-2 and found.min() >= values.min() - 1e-2


def test_color_does_not_cross_an_edge():
    light = np.full((40, 60), 30.0)
    light[:, 30:] = 70
    values, mask = np.zeros((2, 40, 60)), np.zeros((40, 60), bool)
    values[0, 20, 10], mask[20, 10] = 60, True
    values[0, 20, 50], mask[20, 50] = -60, True
    found = spread(light, values, mask, **HOW)[0]
    assert found[:, :29].min() > 55 and found[:, 31:].max() < -55


def test_a_decay_draws_to_zero_what_is_far_away():
    values, mask = np.zeros((1, 30, 90)), np.zeros((30, 90), bool)
    values[0, :, 0], mask[:, 0] = 50, True
    found = spread(np.full((30, 90), 50.0), values, mask, decay=1 / (4 * 10**2), **HOW)[0, 15]
    assert found[10] == pytest.approx(50 / np.e, rel=0.1)
    assert abs(found[80]) < 0.5


def test_nothing_known_gives_nothing():
    assert not spread(np.full((5, 7), 50.0), np.ones((2, 5, 7)), np.zeros((5, 7)), **HOW).any()


def test_where_the_iteration_fails_a_factorization_answers(monkeypatch):
    monkeypatch.setattr(affinity, "_incomplete", lambda matrix: None)
    # The method divides by r'Ar, which is 0 from the first step on for a skew-symmetric matrix.
    matrix = csr_matrix(np.kron(np.eye(4), [[0.0, 1.0], [-1.0, 0.0]]))
    wanted = np.random.default_rng(0).uniform(-1, 1, (8, 2))
    found, converged = solve(matrix, matrix @ wanted, np.zeros((8, 2)))
    assert not converged
    assert found == pytest.approx(wanted)


def test_the_bare_method_stops_after_its_steps_and_keeps_its_last_finite_answer():
    matrix = csr_matrix(np.diag([1.0, 2.0, 3.0]) + 0.1)
    wanted = np.array([1.0, -2.0, 3.0])
    one, all_steps = (biconjugate(matrix, matrix @ wanted, steps) for steps in (1, 50))
    assert all_steps == pytest.approx(wanted, abs=1e-3)
    assert not np.allclose(one, wanted, atol=0.05)
    broken = csr_matrix(np.array([[0.0, 1.0], [-1.0, 0.0]]))
    assert np.isfinite(biconjugate(broken, np.array([1.0, 0.0]), 50)).all()
