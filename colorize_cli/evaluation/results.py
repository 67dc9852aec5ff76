"""The results folder: one JSON line per photograph and contender, the ab histograms, and the record of the run.

It also keeps the rows of a run that has not finished, so that a killed run resumes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.metrics.measure import Measurement
from colorize_cli.files import parse_json, write_bytes, write_text

Array = npt.NDArray[Any]
RECORD, ROWS, HISTOGRAMS = "record.json", "rows.jsonl", "histograms.npz"
_IDENTITY = ("index", "photo", "sha256", "width", "height", "contender", "error")


@dataclass
class PhotoResult:
    """The result of one photograph: a measurement per contender, or the error that excluded it.

    ``width``, ``height``: of the picture as the protocol transforms it. ``histogram``: ab bins of the truth (529,).
    """

    index: int
    photo: str
    sha256: str
    width: int = 0
    height: int = 0
    histogram: Array = field(default_factory=lambda: np.zeros(0))
    measurements: dict[str, Measurement] = field(default_factory=dict)
    contender: str = ""
    error: str = ""


@dataclass
class Evaluation:
    """A finished run: its record and its photographs in the order of the list."""

    record: dict[str, Any]
    results: list[PhotoResult]

    @property
    def contenders(self) -> list[str]:
        """Names in the order of the tables."""
        return [contender["name"] for contender in self.record["contenders"]]

    @property
    def measured(self) -> list[PhotoResult]:
        """The photographs that all contenders colorized."""
        return [result for result in self.results if not result.error]

    @property
    def failures(self) -> list[PhotoResult]:
        """The photographs that could not be evaluated."""
        return [result for result in self.results if result.error]

    def values(self, contender: str, key: str) -> Array:
        """Return one metric of one contender over the measured photographs, float64 (n,); NaN for missing values."""
        return np.array([r.measurements[contender].values.get(key, math.nan) for r in self.measured], np.float64)


def save(folder: Path, evaluation: Evaluation) -> None:
    """Write record, rows and histograms into a folder; raises :class:`OutputError`."""
    lines = [json.dumps(row, ensure_ascii=False) for result in evaluation.results for row in _rows(result)]
    write_text(folder / ROWS, "".join(f"{line}\n" for line in lines), parents=True)
    measured, names = evaluation.measured, evaluation.contenders
    arrays = {"true": _stack([r.histogram for r in measured])}
    for k, name in enumerate(names):
        arrays[f"predicted{k}"] = _stack([r.measurements[name].histogram for r in measured])
        arrays[f"credit{k}"] = _stack([r.measurements[name].credit for r in measured])
    write_bytes(folder / HISTOGRAMS, _npz(arrays))
    # The record comes last: a folder that has one is complete.
    write_text(folder / RECORD, json.dumps(evaluation.record, indent=2, ensure_ascii=False) + "\n")


def _stack(arrays: Sequence[Array]) -> Array:
    return np.stack(arrays).astype(np.float32) if arrays else np.zeros((0, 0), np.float32)


def _npz(arrays: dict[str, Array]) -> bytes:
    import io

    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _rows(result: PhotoResult) -> list[dict[str, Any]]:
    identity = {"index": result.index, "photo": result.photo, "sha256": result.sha256}
    if result.error:
        return [{**identity, "contender": result.contender, "error": result.error}]
    identity |= {"width": result.width, "height": result.height}
    return [
        {**identity, "contender": name, **{key: _finite(value) for key, value in measurement.values.items()}}
        for name, measurement in result.measurements.items()
    ]


def _finite(value: float) -> float | None:
    return round(value, 8) if math.isfinite(value) else None


def load(folder: Path) -> Evaluation:
    """Read a results folder; raises :class:`UsageProblem` if it is missing or incomplete."""
    try:
        record = _checked(parse_json((folder / RECORD).read_text(encoding="utf-8")))
        rows = [parse_json(line) for line in (folder / ROWS).read_text(encoding="utf-8").split("\n") if line]
        with np.load(folder / HISTOGRAMS, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        return Evaluation(record, _results(rows, arrays, [c["name"] for c in record["contenders"]]))
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError, BadZipFile) as error:
        raise UsageProblem(
            f"{folder} contains no complete evaluation results ({error}).",
            "Create them with `colorize evaluate PHOTOS -o FOLDER`.",
        ) from error


def _checked(record: Any) -> dict[str, Any]:
    """Return a record that has what comparisons and tables read. Raises ValueError, KeyError and TypeError."""
    names = [contender["name"] for contender in record["contenders"]]
    if not all(isinstance(name, str) for name in (record["protocol"]["name"], *names)):
        raise ValueError("its record is damaged")
    return dict(record)


def _results(rows: Sequence[dict[str, Any]], arrays: dict[str, Array], names: Sequence[str]) -> list[PhotoResult]:
    results: dict[int, PhotoResult] = {}
    place: dict[int, int] = {}
    order = {name: k for k, name in enumerate(names)}
    for row in rows:
        index = row["index"]
        if "error" in row:
            results[index] = PhotoResult(
                index, row["photo"], row["sha256"], contender=row["contender"], error=row["error"]
            )
            continue
        if index not in results:
            place[index] = len(place)
            truth = arrays["true"][place[index]]
            results[index] = PhotoResult(index, row["photo"], row["sha256"], row["width"], row["height"], truth)
        values = {k: math.nan if v is None else float(v) for k, v in row.items() if k not in _IDENTITY}
        k, at = order[row["contender"]], place[index]
        results[index].measurements[row["contender"]] = Measurement(
            values, arrays[f"predicted{k}"][at], arrays[f"credit{k}"][at]
        )
    if any(not result.error and result.measurements.keys() != order.keys() for result in results.values()):
        raise ValueError("a row is missing")
    return [results[index] for index in sorted(results)]


UNFINISHED = "unfinished"
_SECONDS = 30.0
"""How much work a kill may lose."""


class Unfinished:
    """The results so far of one run, in parts of some photographs each; ``now`` is the clock, in seconds.

    ``key`` names the run: what differs from another's in anything that decides a row has another key.
    """

    def __init__(self, folder: Path, key: str, now: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder / UNFINISHED / hashlib.sha256(key.encode()).hexdigest()[:16]
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
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
