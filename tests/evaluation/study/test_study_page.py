import json
import re

import pytest

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.evaluate_options import StudyOptions
from colorize_cli.evaluation.photo_loop import Photograph
from colorize_cli.evaluation.report.shown_photos import Shown
from colorize_cli.evaluation.study.study_page import build_study, choose_trials

CONTENDERS = ["gray", "mean-chroma", "a", "b"]


def shown(index, name=None):
    pictures = {contender: f"data:image/png;base64,{contender}{index}" for contender in CONTENDERS}
    return Shown(Photograph(index, name or f"{index}.png", None), f"data:image/png;base64,T{index}", pictures, 4, 4)


def embedded(page):
    return json.loads(re.search(r"const study = (\{.*\});", page).group(1))


def test_fooling_sets_the_truth_against_the_models_in_turn_and_never_the_baselines():
    trials = choose_trials(range(10), CONTENDERS, StudyOptions("fool", 10))
    assert sorted(trial.index for trial in trials) == list(range(10))
    assert [trial.shown for trial in trials] == [("truth", "a"), ("truth", "b")] * 5


def test_a_photograph_comes_back_only_after_all_others_and_with_another_model():
    trials = choose_trials(range(3), CONTENDERS, StudyOptions("fool", 100))
    assert len(trials) == len(set(trials)) == 6
    assert {t.index for t in trials[:3]} == {0, 1, 2}


def test_preferences_are_asked_for_every_pair_of_models_and_ratings_for_the_truth_too():
    prefer = choose_trials(range(6), [*CONTENDERS, "c"], StudyOptions("prefer", 6))
    assert {trial.shown for trial in prefer} == {("a", "b"), ("a", "c"), ("b", "c")}
    rate = choose_trials(range(6), CONTENDERS, StudyOptions("rate", 6))
    assert {trial.shown for trial in rate} == {("a",), ("b",), ("truth",)}


def test_the_choice_of_photographs_follows_the_seed():
    first = choose_trials(range(50), CONTENDERS, StudyOptions("fool", 9, seed=1))
    assert first == choose_trials(range(50), CONTENDERS, StudyOptions("fool", 9, seed=1))
    assert first != choose_trials(range(50), CONTENDERS, StudyOptions("fool", 9, seed=2))


@pytest.mark.parametrize(("kind", "contenders"), [("prefer", ["gray", "a"]), ("fool", ["gray"]), ("rate", ["gray"])])
def test_too_few_models_are_refused(kind, contenders):
    with pytest.raises(UsageProblem, match="-m"):
        choose_trials(range(3), contenders, StudyOptions(kind))


@pytest.mark.parametrize("wrong", [("quiz", 1, None), ("fool", 0, None), ("fool", 1, 0.0)])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageProblem):
        StudyOptions(*wrong)


def test_the_page_holds_every_picture_once_and_needs_no_network():
    options = StudyOptions("fool", 4)
    page = build_study(choose_trials(range(2), CONTENDERS, options), shown, options)
    study = embedded(page)
    assert len(study["questions"]) == 4
    assert set(study["pictures"].values()) == {f"data:image/png;base64,{c}{i}" for c in "Tab" for i in (0, 1)}
    assert "default-src 'none'" in page and "http" not in page.replace("http-equiv", "")


def test_a_file_name_cannot_break_out_of_the_page():
    name = "</script><script>alert(1)</script><!--.png"
    options = StudyOptions("rate", 1)
    page = build_study(choose_trials([0], CONTENDERS, options), lambda index: shown(index, name), options)
    assert name not in page and page.count("</script>") == 1
    assert embedded(page)["questions"][0]["photo"] == name


def test_another_choice_of_pictures_is_another_study():
    def identity(seed):
        options = StudyOptions("fool", 2, seed=seed)
        return embedded(build_study(choose_trials(range(9), CONTENDERS, options), shown, options))["id"]

    assert identity(1) == identity(1) != identity(2)
