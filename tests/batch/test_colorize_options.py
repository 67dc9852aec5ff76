"""Options that contradict each other are refused before anything is read."""

import pytest

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.errors import UsageProblem


@pytest.mark.parametrize(
    "wrong",
    [
        {"overwrite": True, "skip_existing": True},
        {"precision": "fp8"},
        {"strength": 1.5},
        {"strength": float("nan")},
        {"vividness": -0.1},
        {"quality": 0},
        {"quality": 101},
        {"max_megapixels": 0},
        {"size": 8},
        {"jobs": 0},
        {"temperature": -1},
        {"score_blur": float("nan")},
        {"smoothing": 1e6},
        {"output": ""},
    ],
    ids=str,
)
def test_senseless_options_are_refused(wrong):
    with pytest.raises(UsageProblem):
        ColorizeOptions(**wrong)


def test_jobs_default_to_the_cores_at_hand():
    assert ColorizeOptions().workers >= 1
    assert ColorizeOptions(jobs=3).workers == 3


def test_memory_limit_is_checked_at_once():
    assert ColorizeOptions(memory_limit="2GB").memory == 2 * 10**9
    assert ColorizeOptions().memory is None
    with pytest.raises(UsageProblem, match="--memory-limit"):
        ColorizeOptions(memory_limit="plenty")
    with pytest.raises(UsageProblem, match="cluster"):
        ColorizeOptions(memory_limit="2GB", cluster="local")
