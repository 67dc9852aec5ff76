"""Analyze the answers of a study: fooling rates, preferences, mean ratings, and agreement between raters."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.evaluate_options import KINDS
from colorize_cli.evaluation.study.agreement import category_counts, fleiss_kappa, krippendorff_alpha, wilson
from colorize_cli.evaluation.summary import TRUTH, Bootstrap
from colorize_cli.files import parse_json

ANSWERS_FORMAT = "colorize-study-answers"


@dataclass(frozen=True)
class Answer:
    """One answer: the question, the pictures shown from left to right, and the choice or rating."""

    rater: str
    question: str
    shown: tuple[str, ...]
    chosen: str = ""
    rating: int = 0


@dataclass(frozen=True)
class Finding:
    """One line of the result.

    ``what``: the contender, or the pair. ``measure``: "fooling rate", "preferred" or "mean rating". ``low``..``high``:
    95 % interval, Wilson's for shares, bootstrap over raters (over answers for a single rater) for ratings.
    ``rater_low``..``rater_high``: bootstrap over raters for shares, None with fewer than two raters.
    """

    what: str
    measure: str
    value: float
    low: float
    high: float
    answers: int
    rater_low: float | None = None
    rater_high: float | None = None


@dataclass(frozen=True)
class StudyResult:
    """All findings of one study; agreement is NaN where no question was answered by two raters."""

    kind: str
    raters: int
    answers: int
    incomplete: int
    findings: list[Finding]
    fleiss_kappa: float
    krippendorff_alpha: float


def read_answers(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the documents in answer files; of several by one rater for one study, the most complete.

    Raises :class:`UsageProblem` for files that are not answer files, and for mixed kinds of study.
    """
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for path in paths:
        document = _document(path)
        key = (document["study"], document["rater"])
        if key not in best or len(document["answers"]) > len(best[key]["answers"]):
            best[key] = document
    kinds = sorted({document["kind"] for document in best.values()})
    if len(kinds) > 1:
        raise UsageProblem(f"The files answer different kinds of study: {', '.join(kinds)}.", "Give files of one kind.")
    return list(best.values())


def _document(path: Path) -> dict[str, Any]:
    try:
        document = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageProblem(f"'{path}' cannot be read as answers: {error}.") from error
    problem = UsageProblem(f"'{path}' is not a file of answers.", "Give files saved by the study page.")
    if not isinstance(document, dict) or document.get("format") != ANSWERS_FORMAT or document.get("kind") not in KINDS:
        raise problem
    try:
        _answers(document)
        questions = int(document.get("questions", 0))
        study, rater = str(document["study"]), str(document["rater"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise problem from error
    return document | {"questions": questions, "study": study, "rater": rater}


def _answers(document: dict[str, Any]) -> list[Answer]:
    answers = []
    for item in document["answers"]:
        shown = tuple(map(str, item["shown"]))
        question = f"{document['study']}/{item['question']}"
        if document["kind"] == "rate":
            rating = int(item["rating"])
            if not 1 <= rating <= 5 or len(shown) != 1:
                raise ValueError(item)
            answers.append(Answer(str(document["rater"]), question, shown, rating=rating))
        else:
            if item["chosen"] not in shown or len(set(shown)) != 2:
                raise ValueError(item)
            if document["kind"] == "fool" and TRUTH not in shown:
                raise ValueError(item)
            answers.append(Answer(str(document["rater"]), question, shown, chosen=item["chosen"]))
    return answers


def evaluate_answers(documents: Sequence[dict[str, Any]], *, seed: int = 0) -> StudyResult:
    """Return the findings of the answers. Raises :class:`UsageProblem` when there are none."""
    answers = [answer for document in documents for answer in _answers(document)]
    if not answers:
        raise UsageProblem("There are no answers in these files.")
    kind = documents[0]["kind"]
    findings = {"fool": _fooling, "prefer": _preferences, "rate": _ratings}[kind](answers, seed)
    units: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        units[answer.question].append(answer)
    kappa, alpha = _agreement(kind, list(units.values()))
    incomplete = sum(len(document["answers"]) < document.get("questions", 0) for document in documents)
    return StudyResult(kind, len({a.rater for a in answers}), len(answers), incomplete, findings, kappa, alpha)


def _fooling(answers: Sequence[Answer], seed: int) -> list[Finding]:
    """Share of answers that took the real picture for the artificial one; 50 % means indistinguishable."""
    by_model: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for answer in answers:
        model = next(name for name in answer.shown if name != TRUTH)
        by_model[model].append((answer.rater, answer.chosen == TRUTH))
    return [_share(model, "fooling rate", outcomes, seed) for model, outcomes in sorted(by_model.items())]


def _preferences(answers: Sequence[Answer], seed: int) -> list[Finding]:
    """Share of the answers that prefer the first of a pair, the pair in alphabetical order."""
    by_pair: dict[tuple[str, str], list[tuple[str, bool]]] = defaultdict(list)
    for answer in answers:
        first, second = sorted(answer.shown)
        by_pair[first, second].append((answer.rater, answer.chosen == first))
    return [
        _share(f"{first} over {second}", "preferred", outcomes, seed)
        for (first, second), outcomes in sorted(by_pair.items())
    ]


def _share(what: str, measure: str, outcomes: Sequence[tuple[str, bool]], seed: int) -> Finding:
    successes, total = sum(hit for _, hit in outcomes), len(outcomes)
    low, high = wilson(successes, total)
    by_rater: dict[str, list[bool]] = defaultdict(list)
    for rater, hit in outcomes:
        by_rater[rater].append(hit)
    if len(by_rater) < 2:
        return Finding(what, measure, successes / total, low, high, total)
    hits = np.array([sum(own) for own in by_rater.values()], np.float64)
    counts = np.array([len(own) for own in by_rater.values()], np.float64)
    figure = Bootstrap(len(by_rater), seed=seed).ratio(hits, counts)
    return Finding(what, measure, successes / total, low, high, total, figure.low, figure.high)


def _ratings(answers: Sequence[Answer], seed: int) -> list[Finding]:
    findings = []
    for name in sorted({answer.shown[0] for answer in answers}):
        own = [answer for answer in answers if answer.shown[0] == name]
        raters = sorted({answer.rater for answer in own})
        groups = (
            [[a.rating for a in own if a.rater == r] for r in raters] if len(raters) > 1 else [[a.rating] for a in own]
        )
        sums = np.array([sum(group) for group in groups], np.float64)
        counts = np.array([len(group) for group in groups], np.float64)
        figure = Bootstrap(len(groups), seed=seed).ratio(sums, counts)
        findings.append(Finding(name, "mean rating", figure.value, figure.low, figure.high, len(own)))
    return findings


def _agreement(kind: str, units: Sequence[Sequence[Answer]]) -> tuple[float, float]:
    """Return Fleiss' kappa over the questions that most raters answered, and Krippendorff's alpha over all."""
    if kind == "rate":
        grades = [[str(a.rating) for a in unit] for unit in units]
        alpha = krippendorff_alpha([[float(a.rating) for a in unit] for unit in units], "interval")
        return _kappa(grades, [str(i) for i in range(1, 6)]), alpha
    # The answer must not depend on the sides: which of the two, in alphabetical order, was chosen.
    chosen = [[str(sorted(a.shown).index(a.chosen)) for a in unit] for unit in units]
    return _kappa(chosen, ["0", "1"]), krippendorff_alpha([[float(c) for c in unit] for unit in chosen], "nominal")


def _kappa(units: Sequence[Sequence[str]], categories: Sequence[str]) -> float:
    most = max(map(len, units))
    return fleiss_kappa(category_counts([unit for unit in units if len(unit) == most], categories))


def as_json(result: StudyResult) -> str:
    """Return the result as JSON, NaN as null."""
    document = asdict(result)
    for key in ("fleiss_kappa", "krippendorff_alpha"):
        if math.isnan(document[key]):
            document[key] = None
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_rows(result: StudyResult) -> list[list[str]]:
    """Return the findings as rows of text: what, measure, value, interval, interval over raters, answers."""
    rows = []
    for f in result.findings:
        percent = f.measure != "mean rating"

        def show(value: float | None, percent: bool = percent) -> str:
            return "" if value is None else f"{100 * value:.1f} %" if percent else f"{value:.2f}"

        over_raters = "" if f.rater_low is None else f"{show(f.rater_low)} .. {show(f.rater_high)}"
        rows.append([f.what, f.measure, show(f.value), f"{show(f.low)} .. {show(f.high)}", over_raters, str(f.answers)])
    return rows


def headline(result: StudyResult) -> str:
    """Return one line on raters, answers and their agreement."""
    agreement = [
        f"{name} {value:.2f}"
        for name, value in (("Fleiss' kappa", result.fleiss_kappa), ("Krippendorff's alpha", result.krippendorff_alpha))
        if not math.isnan(value)
    ]
    text = f"{result.raters} rater(s), {result.answers} answers"
    text += f", {result.incomplete} incomplete" if result.incomplete else ""
    return f"{text} · {', '.join(agreement) or 'no agreement to compute'}"
