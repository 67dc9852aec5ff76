"""Two benchmarks of the same rows: what became faster, with an interval that says whether it is noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from colorize_cli.benchmark.document import Document, machines
from colorize_cli.benchmark.rows import Row
from colorize_cli.benchmark.speed_tables import Table

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
