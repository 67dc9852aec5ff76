"""Options that contradict each other are refused before anything is read."""

import pytest

from colorize_cli.errors import UsageProblem
from colorize_cli.inference.options import ColorizeOptions


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
