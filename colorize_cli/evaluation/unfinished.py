"""The rows of an evaluation that has not ended yet, kept in its results folder: a run that was killed resumes."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.results import RECORD, Evaluation, PhotoResult, load, save

FOLDER = "unfinished"
_SECONDS = 30.0
"""How much work a kill may lose."""


class Unfinished:
    """The results so far of one run, in parts of some photographs each; ``now`` is the clock, in seconds.

    ``key`` names the run: what differs from another's in anything that decides a row has another key.
    """

    def __init__(self, folder: Path, key: str, now: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder / FOLDER / hashlib.sha256(key.encode()).hexdigest()[:16]
        self._now = now
        self._saved_at = now()
        self._waiting: list[PhotoResult] = []
        self._parts = 0

    def results(self) -> dict[int, PhotoResult]:
        """Return what an earlier run with this key has measured, by the place in the list."""
        found = {}
        for part in sorted(self._folder.glob("*/")):
            self._parts = max(self._parts, int(part.name) + 1) if part.name.isdigit() else self._parts
            if (part / RECORD).exists():  # it is written last
                with contextlib.suppress(UsageProblem):
                    found.update({result.index: result for result in load(part).results})
        return found

    def add(self, result: PhotoResult, record: dict[str, object]) -> None:
        """Keep one row; it is on the disk after half a minute at most. Raises :class:`OutputError`."""
        self._waiting.append(result)
        if self._now() - self._saved_at >= _SECONDS:
            self.save(record)

    def save(self, record: dict[str, object]) -> None:
        """Write what is waiting. Raises :class:`OutputError`."""
        if self._waiting:
            save(self._folder / f"{self._parts:06}", Evaluation(record, self._waiting))
            self._waiting, self._parts = [], self._parts + 1
        self._saved_at = self._now()


def forget(folder: Path) -> None:
    """Remove the rows of every unfinished run from a results folder."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
