import json

import pytest

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.study.agreement import wilson
from colorize_cli.evaluation.study.answers import as_json, as_rows, evaluate_answers, headline, read_answers


def document(rater, answers, kind="fool", study="s1", questions=None):
    return {
        "format": "colorize-study-answers",
        "version": 1,
        "study": study,
        "kind": kind,
        "rater": rater,
        "questions": questions or len(answers),
        "answers": answers,
    }


def pair(question, left, right, chosen):
    return {"question": question, "photo": "x", "shown": [left, right], "chosen": chosen}


def rating(question, name, value):
    return {"question": question, "photo": "x", "shown": [name], "rating": value}


def test_fooling_counts_the_answers_that_took_the_real_picture_for_artificial():
    documents = [
        document("ann", [pair(0, "truth", "gan", "truth"), pair(1, "gan", "truth", "gan")]),
        document("bob", [pair(0, "gan", "truth", "truth"), pair(1, "truth", "gan", "gan")]),
    ]
    result = evaluate_answers(documents)
    (finding,) = result.findings
    assert (finding.what, finding.value, finding.answers) == ("gan", 0.5, 4)
    assert (finding.low, finding.high) == wilson(2, 4)
    assert (finding.rater_low, finding.rater_high) == (0.5, 0.5)
    assert result.fleiss_kappa == 1 and result.krippendorff_alpha == 1


def test_sides_do_not_matter_to_preferences():
    answers = [pair(0, "a", "b", "a"), pair(1, "b", "a", "a"), pair(2, "b", "a", "b")]
    (finding,) = evaluate_answers([document("ann", answers, "prefer")]).findings
    assert (finding.what, finding.answers) == ("a over b", 3)
    assert finding.value == pytest.approx(2 / 3)
    assert finding.rater_low is None


def test_ratings_are_averaged_by_contender_with_an_interval_over_raters():
    documents = [
        document("ann", [rating(0, "gan", 2), rating(1, "truth", 5)], "rate"),
        document("bob", [rating(0, "gan", 4), rating(1, "truth", 5)], "rate"),
    ]
    gan, truth = evaluate_answers(documents).findings
    assert (gan.value, gan.low, gan.high) == (3, 2, 4)
    assert truth.value == 5


def test_opposite_raters_agree_less_than_by_chance():
    documents = [
        document("ann", [pair(i, "truth", "gan", "truth" if i % 2 else "gan") for i in range(8)]),
        document("bob", [pair(i, "truth", "gan", "gan" if i % 2 else "truth") for i in range(8)]),
    ]
    result = evaluate_answers(documents)
    assert result.fleiss_kappa < 0 and result.krippendorff_alpha < 0


def test_of_several_files_of_one_rater_the_fullest_counts(tmp_path):
    short = document("ann", [pair(0, "truth", "gan", "gan")], questions=2)
    full = document("ann", [pair(0, "truth", "gan", "gan"), pair(1, "truth", "gan", "gan")])
    for name, content in (("a", full), ("b", short)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (kept,) = read_answers(sorted(tmp_path.iterdir()))
    assert len(kept["answers"]) == 2


def test_incomplete_answers_count_and_are_said_to_be_incomplete():
    result = evaluate_answers([document("ann", [pair(0, "truth", "gan", "gan")], questions=9)])
    assert result.incomplete == 1 and "1 incomplete" in headline(result)
    assert json.loads(as_json(result))["fleiss_kappa"] is None
    assert as_rows(result)[0][:3] == ["gan", "fooling rate", "0.0 %"]


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "[]",
        json.dumps({"format": "other"}),
        json.dumps(document("ann", [pair(0, "truth", "gan", "someone")])),
        json.dumps(document("ann", [rating(0, "gan", 7)], "rate")),
        json.dumps(document("ann", [{"question": 1}])),
    ],
)
def test_files_that_hold_no_answers_are_refused_by_name(tmp_path, content):
    path = tmp_path / "strange.json"
    path.write_text(content)
    with pytest.raises(UsageProblem, match=r"strange\.json"):
        read_answers([path])


def test_kinds_of_study_are_not_mixed(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(document("ann", [pair(0, "a", "b", "a")], "prefer")))
    (tmp_path / "b.json").write_text(json.dumps(document("bob", [rating(0, "a", 3)], "rate", study="s2")))
    with pytest.raises(UsageProblem, match="different kinds"):
        read_answers(sorted(tmp_path.iterdir()))


def test_no_answers_at_all_are_refused():
    with pytest.raises(UsageProblem, match="no answers"):
        evaluate_answers([document("ann", [], questions=3)])
