"""A killed evaluation keeps its rows and resumes; gray photographs are no truth."""

import numpy as np
import pytest

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.evaluate_options import EvaluateOptions
from colorize_cli.evaluation.outputs import write_results
from colorize_cli.evaluation.results import UNFINISHED
from colorize_cli.evaluation.session import run
from colorize_cli.evaluation.summary import summarize
from tests.evaluation.conftest import Tint, png


class Counting(Tint):
    """Counts the photographs it is asked for, and is killed at one of them."""

    def __init__(self, killed_at=None):
        super().__init__("warm", (8, 15))
        self.killed_at, self.asked = killed_at, []

    def colorize(self, grays, indices):
        if self.killed_at in indices:
            raise KeyboardInterrupt
        self.asked += indices
        return super().colorize(grays, indices)


def options(photos, folder, **changes):
    return EvaluateOptions(places=[photos], models=[("tint", None)], protocol="native", output=folder, **changes)


@pytest.fixture
def killed(photos, tints, tmp_path):
    """The results folder of a run that was killed at its fifth photograph."""
    tints[:] = [Counting(killed_at=4)]
    with pytest.raises(KeyboardInterrupt):
        run(options(photos, tmp_path / "r"))
    return tmp_path / "r"


def test_a_killed_run_resumes_with_its_rows_and_ends_with_the_same_figures(photos, tints, killed, caplog):
    tints[:] = [again := Counting()]
    with caplog.at_level("INFO"):
        session = run(options(photos, killed))
    assert again.asked == [4, 5]
    assert "4 of 6 photos were evaluated before" in caplog.text
    tints[:] = [Counting()]
    whole = summarize(run(options(photos, None)).evaluation)
    resumed = summarize(session.evaluation)
    for name, figures in whole.items():
        for key, figure in figures.items():
            assert resumed[name][key] == pytest.approx(figure, rel=1e-5, nan_ok=True), (name, key)
    write_results(killed, session, session.evaluation, resumed, report=False)
    assert not (killed / UNFINISHED).exists()


def test_other_choices_and_overwrite_begin_anew(photos, tints, killed):
    tints[:] = [other := Counting()]
    other.ab = (1, 2)
    run(options(photos, killed))
    assert len(other.asked) == 6
    tints[:] = [again := Counting()]
    run(options(photos, killed, overwrite=True))
    assert len(again.asked) == 6


def test_a_part_that_was_cut_short_is_evaluated_again(photos, tints, killed):
    for rows in (killed / UNFINISHED).rglob("rows.jsonl"):
        rows.write_text(rows.read_text()[:-40])
    tints[:] = [again := Counting()]
    run(options(photos, killed))
    assert again.asked == [0, 1, 2, 3, 4, 5]


def test_gray_photographs_are_refused_as_truth(photos, tints):
    gray = np.full((40, 56, 3), 90, np.uint8)
    (photos / "gray.png").write_bytes(png(gray))
    failed = run(options(photos, None)).evaluation.failures
    assert [result.photo for result in failed] == ["gray.png"]
    assert "no colors to compare with" in failed[0].error


def test_a_list_of_gray_photographs_alone_is_a_usage_error(tints, tmp_path):
    (tmp_path / "gray.png").write_bytes(png(np.full((40, 56, 3), 90, np.uint8)))
    with pytest.raises(UsageProblem, match="gray"):
        run(options(tmp_path, None))
