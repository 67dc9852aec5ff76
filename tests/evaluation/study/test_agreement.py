import math

import numpy as np
import pytest

from colorize_cli.evaluation.study.agreement import category_counts, fleiss_kappa, krippendorff_alpha, wilson


def test_wilson_equals_published_values():
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for (successes, trials), expected in {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }.items():
        assert wilson(successes, trials) == pytest.approx(expected, abs=5e-5)
    assert math.isnan(wilson(0, 0)[0])


def test_fleiss_kappa_equals_the_worked_example():
    # Fourteen raters, ten items, five categories: the example of the statistical textbooks, kappa 0.210.
    counts = np.array(
        [
            [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
        ]
    )  # fmt: skip
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)


def test_fleiss_kappa_is_undefined_without_two_raters_or_two_categories():
    assert math.isnan(fleiss_kappa(np.array([[1, 0], [0, 1]])))
    assert math.isnan(fleiss_kappa(np.array([[2, 0], [2, 0]])))
    assert fleiss_kappa(np.array([[2, 0], [0, 2]])) == 1


# Krippendorff 2011, example C: four observers, twelve units, some values missing.
UNITS = [[1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4],
         [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3]]  # fmt: skip


def test_krippendorff_alpha_equals_the_published_example():
    assert krippendorff_alpha(UNITS, "nominal") == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(UNITS, "interval") == pytest.approx(0.849, abs=5e-4)


def test_krippendorff_alpha_is_undefined_where_nothing_can_be_compared():
    assert math.isnan(krippendorff_alpha([[1], [2]], "nominal"))
    assert math.isnan(krippendorff_alpha([[3, 3], [3, 3]], "interval"))


def test_category_counts_ignore_the_order_of_answers():
    assert category_counts([["b", "a", "b"], []], ["a", "b"]).tolist() == [[1, 2], [0, 0]]
