"""The user study: a self-contained page that shows pictures to raters and saves their answers as JSON.

Three kinds: ``fool`` shows the real photograph beside a colorized one and asks which has artificial colors (Zhang et
al. 2016, section 3.1); ``prefer`` shows two contenders' versions of a photograph and asks which looks more natural;
``rate`` shows single pictures, real ones among them, to rate from 1 to 5.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from itertools import combinations, count

import numpy as np

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.contenders import BASELINES
from colorize_cli.evaluation.evaluate_options import StudyOptions
from colorize_cli.evaluation.report.shown_photos import Shown
from colorize_cli.evaluation.summary import TRUTH

STUDY_SIDE = 512
_PLACEHOLDER = "/*STUDY*/null"


@dataclass(frozen=True)
class Trial:
    """One question: photograph ``index`` of the list, as colorized by the contenders in ``shown`` (or the truth)."""

    index: int
    shown: tuple[str, ...]


def choose_trials(indices: Sequence[int], contenders: Sequence[str], options: StudyOptions) -> list[Trial]:
    """Return the questions: photographs in random order, cycling through the contenders (or their pairs).

    A photograph is repeated with another contender only after all have been shown: a rater who has seen the real one is
    no longer unbiased. Raises :class:`UsageProblem` when there are too few contenders for the kind.
    """
    models = [name for name in contenders if name not in BASELINES]
    if options.kind == "fool":
        choices: list[tuple[str, ...]] = [(TRUTH, name) for name in models]
    elif options.kind == "prefer":
        choices = list(combinations(models, 2))
    else:
        choices = [(name,) for name in (*models, TRUTH)]
    if not choices or not models:
        raise UsageProblem(
            f"A study of kind '{options.kind}' needs {'two models' if options.kind == 'prefer' else 'a model'}.",
            "Choose them with -m.",
        )
    order = np.random.default_rng(options.seed).permutation(np.asarray(indices)).tolist()
    return list(_rounds(order, choices, options.trials))


def _rounds(order: Sequence[int], choices: Sequence[tuple[str, ...]], wanted: int) -> Iterator[Trial]:
    """Yield each photograph once, cycling through the choices, then again with the choices shifted by one."""
    given = 0
    for turn in count():
        for place, index in enumerate(order):
            if given == wanted or turn == len(choices):
                return
            yield Trial(index, choices[(place + turn) % len(choices)])
            given += 1


def build_study(trials: Sequence[Trial], show: Callable[[int], Shown], options: StudyOptions) -> str:
    """Return the page as HTML; ``show`` returns the pictures of the photograph at an index of the list.

    The page source reveals which contender made each picture, because answers name it: raters are trusted not to look.
    """
    pictures: dict[str, str] = {}
    questions = []
    shown_before: dict[int, Shown] = {}
    for number, trial in enumerate(trials):
        if trial.index not in shown_before:
            shown_before[trial.index] = show(trial.index)
        shown = shown_before[trial.index]
        keys = []
        for name in trial.shown:
            uri = shown.truth if name == TRUTH else shown.pictures[name]
            key = hashlib.sha256(uri.encode()).hexdigest()[:16]
            pictures[key] = uri
            keys.append({"contender": name, "picture": key})
        questions.append({"id": number, "photo": shown.photograph.name, "options": keys})
    identity = hashlib.sha256(json.dumps([questions, asdict(options)], sort_keys=True).encode()).hexdigest()[:16]
    study = {"id": identity, **asdict(options), "questions": questions, "pictures": pictures}
    page = resources.files(__package__).joinpath("study.html").read_text(encoding="utf-8")
    # A "</script" or "<!--" in a file name would end or change the script element, even inside a string.
    return page.replace(_PLACEHOLDER, json.dumps(study).replace("<", "\\u003c"))
