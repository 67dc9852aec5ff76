"""How a run went: one outcome per photograph, the counts, and the exit code that follows from them."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from colorize_cli.batch.inputs.kinds import ASIDE, in_words
from colorize_cli.errors import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SOME_FAILED,
    ColorizeError,
    most_serious,
)

Status = Literal["done", "skipped", "failed", "passed_over"]

REMEMBERED_FAILURES = 100
"""How many failures are kept for the summary; all of them are in ``--report`` and ``--failed-list``."""


ALREADY_DONE = "Its result already exists, made by the same model and weights."
"""The reason of a skip that needs nobody's attention."""

OWN_RESULT = "It is a result of colorize, not an original."
"""The reason of passing over what this program made."""

NO_PICTURE = "This page shows no picture."
"""The reason of passing over a page of a document."""

IN_COLOR = "It is already in color; --force colorizes it anyway."
"""The reason of passing over a color photograph."""


@dataclass(frozen=True)
class Outcome:
    """How one photograph ended. ``source`` and ``target`` are ``None`` for the standard streams.

    ``reason`` says why it was skipped or failed, ``notes`` what changed on the way ("GIF becomes PNG"), ``details``
    further columns of the report (sizes, model, weights, seconds), ``traceback`` is for ``-v`` only. What is no
    photograph is ``passed_over``; ``kind`` says what it is.
    """

    source: Path | None
    target: Path | None
    status: Status
    reason: str = ""
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    traceback: str = ""
    kind: str = ""

    def row(self) -> dict[str, Any]:
        """Return the outcome as one JSON object; a name that is not valid UTF-8 keeps its bytes as escapes.

        ``output`` is there when it was written by this run, ``target`` is where it would have gone otherwise.
        """
        row: dict[str, Any] = {
            "input": "-" if self.source is None else os.fspath(self.source),
            "output": None if self.status != "done" else "-" if self.target is None else os.fspath(self.target),
            "status": self.status,
        }
        if self.status != "done" and self.target is not None:
            row["target"] = os.fspath(self.target)
        if self.reason:
            row["reason"] = self.reason
        if self.kind:
            row["kind"] = self.kind
        if self.notes:
            row["warning"] = "; ".join(self.notes)
        return row | self.details


class Report:
    """Counts outcomes and owns the exit code: 130, then the most serious error that stopped the run, then 1, then 0.

    ``strict``: files that could not be read count as failures. ``not_read``: how many there were of each kind.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.not_read: dict[str, int] = {}
        self.done = 0
        self.skipped = 0
        self.in_color = 0
        self.in_color_names: list[Outcome] = []
        self.aside = 0  # folders with files that only accompany photographs
        self.failed = 0
        self.not_reached = 0
        self.interrupted = False
        self.stopped_by: ColorizeError | None = None
        self.failures: list[Outcome] = []
        self.skip_reasons: dict[str, int] = {}

    def add(self, outcome: Outcome) -> None:
        """Count one finished photograph."""
        if outcome.status == "done":
            self.done += 1
        elif outcome.status == "skipped":
            self.skipped += 1
            if outcome.reason == IN_COLOR:
                self.in_color += 1
                if len(self.in_color_names) < REMEMBERED_FAILURES:
                    self.in_color_names.append(outcome)
            if outcome.reason in self.skip_reasons or len(self.skip_reasons) < REMEMBERED_FAILURES:
                self.skip_reasons[outcome.reason] = self.skip_reasons.get(outcome.reason, 0) + 1
        elif outcome.status == "passed_over":
            self._pass_over(outcome.kind)
        else:
            self.failed += 1
            if len(self.failures) < REMEMBERED_FAILURES:
                self.failures.append(outcome)

    def _pass_over(self, kind: str) -> None:
        if kind == ASIDE:
            self.aside += 1
        else:
            self.not_read[kind] = self.not_read.get(kind, 0) + 1

    @property
    def passed_over(self) -> int:
        """How many files could not be read."""
        return sum(self.not_read.values())

    @property
    def settled(self) -> int:
        """How many items of the plan have ended."""
        return self.done + self.skipped + self.failed + self.passed_over + self.aside

    @property
    def exit_code(self) -> int:
        """The documented exit code of the run."""
        codes = [EXIT_SOME_FAILED if self.failed or (self.strict and self.passed_over) else EXIT_OK]
        if self.stopped_by is not None:
            codes.append(self.stopped_by.exit_code)
        if self.interrupted:
            codes.append(EXIT_INTERRUPTED)
        return most_serious(codes)

    def counts(self) -> dict[str, int]:
        """Return how many photographs ended in which way."""
        counts = {"done": self.done, "skipped": self.skipped, "failed": self.failed}
        counts |= {"passed_over": self.passed_over} if self.passed_over else {}
        return counts | ({"not_reached": self.not_reached} if self.not_reached else {})

    def summary(self) -> str:
        """Return the counts as one line: ``197 done, 1 skipped, 2 failed``."""
        counts = {name: number for name, number in self.counts().items() if name != "passed_over"}
        line = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number)
        return line or "nothing to do"

    def not_read_line(self) -> str:
        """Return what was passed over as one line, ``312 files not read: 200 PDF, 90 HEIC, 22 other.``, or ""."""
        if not self.not_read:
            return ""
        noun = "file" if self.passed_over == 1 else "files"
        return f"{self.passed_over} {noun} not read: {in_words(self.not_read)}."


def json_line(row: dict[str, Any]) -> str:
    """Return ``row`` as one ASCII line of JSON; surrogates (bytes of a name that is not UTF-8) become escapes."""
    return json.dumps(row, ensure_ascii=True) + "\n"


def failure_lines(failures: Iterable[Outcome]) -> list[str]:
    """Return one line per failure: the name and the reason, the name once."""
    lines = []
    for outcome in failures:
        name = "standard input" if outcome.source is None else os.fspath(outcome.source)
        lines.append(outcome.reason if name in outcome.reason else f"'{name}': {outcome.reason}")
    return lines
