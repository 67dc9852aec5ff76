import csv
import io
import json

import numpy as np
import pytest

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation import compare as comparing
from colorize_cli.evaluation.evaluate_options import EvaluateOptions
from colorize_cli.evaluation.session import run
from tests.evaluation.conftest import Tint


@pytest.fixture
def evaluations(photos, tints):
    def evaluate(ab, name="tint", **changes):
        tints[:] = [Tint(name, ab)]
        options = {"places": [photos], "models": [("tint", None)], "protocol": "native", **changes}
        return run(EvaluateOptions(**options)).evaluation

    return evaluate


def by_metric(differences):
    return {difference.metric: difference for difference in differences}


def test_differences_are_paired_by_photograph(evaluations):
    a, b = evaluations((0, 0)), evaluations((6, 12))
    psnr = by_metric(comparing.compare(a, b))["psnr"]
    gap = b.values("tint", "psnr") - a.values("tint", "psnr")
    assert psnr.difference == pytest.approx(gap.mean())
    assert psnr.low <= psnr.difference <= psnr.high
    assert (psnr.wins_b, psnr.wins_a, psnr.ties) == ((gap > 0).sum(), (gap < 0).sum(), 0)


def test_a_smaller_error_wins(evaluations):
    a, b = evaluations((0, 0)), evaluations((6, 12))
    delta_e = by_metric(comparing.compare(a, b))["delta_e"]
    gap = b.values("tint", "delta_e") - a.values("tint", "delta_e")
    assert (delta_e.wins_b, delta_e.wins_a) == ((gap < 0).sum(), (gap > 0).sum())


def test_a_result_equals_itself(evaluations):
    a = evaluations((6, 12))
    for difference in comparing.compare(a, a):
        assert difference.difference == difference.low == difference.high == 0
        assert difference.wins_a in (0, None) and difference.ties in (6, None)


def test_colorfulness_has_no_winner(evaluations):
    a = evaluations((6, 12))
    assert by_metric(comparing.compare(a, a))["colorfulness"].wins_a is None


def test_only_shared_photographs_count(evaluations):
    a, b = evaluations((0, 0), limit=4, seed=1), evaluations((6, 12), limit=4, seed=2)
    shared = {r.sha256 for r in a.measured} & {r.sha256 for r in b.measured}
    assert by_metric(comparing.compare(a, b))["psnr"].n == len(shared)


def test_single_models_of_other_names_are_compared_and_ambiguity_is_refused(evaluations):
    a, b = evaluations((0, 0), "old"), evaluations((6, 12), "new")
    assert {(d.contender_a, d.contender_b) for d in comparing.compare(a, b)} == {("old", "new")}
    a.record["contenders"] = [c for c in a.record["contenders"] if c["name"] != "old"]
    with pytest.raises(UsageProblem, match="counterpart"):
        comparing.compare(a, b)


def test_different_protocols_are_refused(evaluations):
    with pytest.raises(UsageProblem, match="stretch256"):
        comparing.compare(evaluations((0, 0)), evaluations((0, 0), protocol="stretch256"))


def test_every_format_carries_every_difference(evaluations):
    differences = comparing.compare(evaluations((0, 0), "a,b"), evaluations((6, 12), "a,b"))
    assert len(json.loads(comparing.as_json(differences))) == len(differences)
    rows = list(csv.DictReader(io.StringIO(comparing.as_csv(differences))))
    assert [row["metric"] for row in rows] == [d.metric for d in differences]
    np.testing.assert_allclose([float(row["difference"]) for row in rows], [d.difference for d in differences])
    assert len(comparing.as_markdown(differences).splitlines()) == len(differences) + 2
    assert comparing.as_table(differences, everything=True).row_count == len(differences)
