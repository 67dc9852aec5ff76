"""The file of a benchmark: each row with its machine and samples, as JSON, CSV or Markdown; comparing two files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from colorize_cli import tables
from colorize_cli.benchmark import speed_tables
from colorize_cli.benchmark.bench_options import BenchOptions
from colorize_cli.benchmark.machine import Machine
from colorize_cli.benchmark.measurements import Row
from colorize_cli.benchmark.speed_tables import Table
from colorize_cli.errors import UsageProblem
from colorize_cli.files import parse_json

KIND, FORMAT = "colorize bench", 1


_LARGEST = 1e15


@dataclass
class Document:
    """What one run measured. ``pipeline``: the figures of ``--pipeline`` by name, each with its raw samples."""

    rows: list[Row] = field(default_factory=list)
    pipeline: dict[str, Any] | None = None
    quick: bool = False
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, options: BenchOptions) -> "Document":
        """Return an empty document for a run with these options."""
        return cls(quick=options.quick, options=asdict(options))

    def as_json(self) -> str:
        """Return everything, raw samples included, as JSON."""
        plain = {
            "kind": KIND,
            "format": FORMAT,
            "created": self.created,
            "quick": self.quick,
            "options": dict(self.options),
            "rows": [row.columns() | {"samples": row.samples} for row in self.rows],
            "pipeline": self.pipeline,
        }
        return json.dumps(plain, indent=1) + "\n"

    def as_csv(self) -> str:
        """Return the rows, then the pipeline, as one table without raw samples; the machine stands in every line."""
        lines = [row.columns() | {"quick": self.quick} for row in self.rows]
        if self.pipeline is not None:
            lines.append({"status": "pipeline", **{k: v for k, v in self.pipeline.items() if k != "rounds"}})
        names = list(dict.fromkeys(name for line in lines for name in line))
        return tables.csv_text(names, [[line.get(name, "") for name in names] for line in lines])

    def as_markdown(self) -> str:
        """Return the tables of the terminal as Markdown, with the machine and the date below."""
        parts = [speed_tables.as_markdown(table) for table in self.tables()]
        return "\n".join(parts) + f"\nMeasured {self.created}.\n"

    def tables(self) -> list[speed_tables.Table]:
        """Return the tables that show this document."""
        shown = []
        if self.rows:
            shown += [speed_tables.speeds(self.rows, quick=self.quick), speed_tables.stages(self.rows)]
        if self.pipeline is not None:
            shown.append(speed_tables.pipeline(self.pipeline))
        return shown


def export(path: Path, document: Document) -> None:
    """Write a document in the format of the file's ending; raises :class:`UsageProblem`, :class:`OutputError`."""
    tables.export(path, {".json": document.as_json, ".csv": document.as_csv, ".md": document.as_markdown})


def load(path: Path) -> Document:
    """Read what :func:`export` wrote as JSON; raises :class:`UsageProblem` for any other file."""
    try:
        plain = parse_json(path.read_text(encoding="utf-8"))
        if plain["kind"] != KIND or plain["format"] > FORMAT:
            raise ValueError("of another kind, or of a newer version")
        pipeline = plain["pipeline"]
        if not (pipeline is None or _is_number(pipeline["ratio"])) or not _is_text(plain["created"]):
            raise ValueError("of other columns")
        return Document(
            [_row(values) for values in plain["rows"]],
            plain["pipeline"],
            plain["quick"],
            plain["created"],
            plain["options"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise UsageProblem(
            f"{path} is not a benchmark exported as JSON ({error}).",
            "Create one with `colorize bench --export old.json`.",
        ) from error


def _row(values: Mapping[str, Any]) -> Row:
    machine = Machine(**{f.name: values[f.name] for f in fields(Machine)})
    row = Row(machine, **{f.name: values[f.name] for f in fields(Row) if f.name != "machine"})
    numbers = [row.batch, row.asked_batch, row.megapixels, row.working_size]
    numbers += [seconds for samples in row.samples.values() for seconds in samples]
    texts = [row.model, row.device, row.precision, *map(str, row.samples)]
    if not all(number is None or _is_number(number) for number in numbers) or not all(map(_is_text, texts)):
        raise ValueError("of other columns")
    row.columns(), str(machine)  # what is computed from them is needed for every table
    return row


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def machines(rows: Sequence[Row]) -> list[str]:
    """Return the different machines of some rows, one line each."""
    return list(dict.fromkeys(str(row.machine) for row in rows))


RESAMPLES = 2000


@dataclass(frozen=True)
class Change:
    """New over old time of one row: below 1 is faster. ``low``, ``high``: 95 per cent bootstrap interval."""

    row: Row
    ratio: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Return "faster" or "slower" where the whole interval agrees, else "no difference seen"."""
        return "faster" if self.high < 1 else "slower" if self.low > 1 else "no difference seen"


def _key(row: Row) -> tuple[object, ...]:
    return row.model, row.device, row.precision, row.batch, row.megapixels, row.working_size


def ratio_of_medians(old: Sequence[float], new: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Return median(new) / median(old) and its 95 per cent bootstrap interval (percentiles of resampled ratios)."""
    random = np.random.default_rng(seed)
    resampled = [
        np.median(random.choice(np.asarray(samples, np.float64), (RESAMPLES, len(samples))), axis=1)
        for samples in (new, old)
    ]
    low, high = np.percentile(resampled[0] / resampled[1], [2.5, 97.5])
    return float(np.median(new) / np.median(old)), float(low), float(high)


def changes(old: Document, new: Document) -> list[Change]:
    """Return the change of every row that both documents measured, in the order of the new one."""
    before = {_key(row): row for row in old.rows if row.samples}
    return [
        Change(row, *ratio_of_medians(before[_key(row)].latencies, row.latencies))
        for row in new.rows
        if row.samples and _key(row) in before
    ]


def comparison(old: Document, new: Document) -> Table:
    """Return the table of changes; a remark tells where the machines differ."""
    before = {_key(row): row for row in old.rows}
    lines = []
    for change in changes(old, new):
        row = change.row
        was, now = before[_key(row)].latency_p50 or 0.0, row.latency_p50 or 0.0
        times = (f"{was * 1000:.4g}", f"{now * 1000:.4g}")
        span = f"{change.ratio:.3f} [{change.low:.3f}, {change.high:.3f}]"
        what = (row.model, row.device, row.precision, str(row.batch), f"{row.megapixels:g}")
        lines.append((*what, *times, span, change.verdict))
    remarks = [
        f"Compared with the run of {old.created}. Runs differ by more than their intervals where the machine is busy."
    ]
    measured = [[row for row in document.rows if row.samples] for document in (old, new)]
    if measured[0] and measured[1] and machines(measured[0]) != machines(measured[1]):
        remarks.append(f"The earlier run used another machine or version: {'; '.join(machines(measured[0]))}.")
    if old.pipeline is not None and new.pipeline is not None:
        ratios = [document.pipeline["ratio"] for document in (old, new) if document.pipeline]
        remarks.append(f"Pipeline ratio: {ratios[0]:.2f} before, {ratios[1]:.2f} now.")
    missing = len(measured[1]) - len(lines)
    if missing:
        remarks.append(f"{missing} rows were not measured in the earlier run.")
    titles = ("model", "device", "precision", "batch", "MP", "old ms", "new ms", "new / old", "")
    return Table("Comparison: median latency", titles, tuple(lines), tuple(remarks), ("old ms", "new ms"))
