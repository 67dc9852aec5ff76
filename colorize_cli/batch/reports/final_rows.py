"""The rows of reports, read back: the latest result for each photograph, however many runs reported it."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from colorize_cli.batch.inputs.kinds import OTHER
from colorize_cli.batch.inputs.sources import STANDARD_STREAM
from colorize_cli.batch.reports.outcome import Outcome, Report
from colorize_cli.errors import UsageProblem

FINAL = frozenset({"done", "skipped", "failed", "passed_over"})

_SCHEMA = """
CREATE TABLE row (number INTEGER PRIMARY KEY, input BLOB UNIQUE, status TEXT NOT NULL, line BLOB NOT NULL)
"""
# Passing over a result that exists says nothing new about how it was made.
_PUT = """
INSERT INTO row (input, status, line) VALUES (?, ?, ?) ON CONFLICT (input) DO UPDATE
SET status = excluded.status, line = excluded.line WHERE NOT (row.status = 'done' AND excluded.status = 'skipped')
"""


class FinalRows:
    """The final row of every photograph in reports, in the order of first appearance.

    The last row about an input counts, in the order of the reports given; a row for an existing result that was skipped
    does not replace the row that says how it was made. Damaged lines (such as the last one of a killed run) are skipped
    and counted in ``damaged``. Rows are held in a temporary database that spills to disk. Raises :class:`UsageProblem`
    if a file cannot be read, or is not empty but contains no row.
    """

    def __init__(self, reports: Iterable[Path]) -> None:
        self.damaged = 0
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(_SCHEMA)
        self._database.execute("BEGIN")
        for report in reports:
            self._take(report)
        self._database.execute("COMMIT")

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM row").fetchone()[0])

    def lines(self) -> Iterator[bytes]:
        """Yield each final row as it was written, one line of JSON."""
        for (line,) in self._database.execute("SELECT line FROM row ORDER BY number"):
            yield line

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each final row."""
        return map(json.loads, self.lines())

    def failed(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the photographs that failed."""
        for (line,) in self._database.execute("SELECT line FROM row WHERE status = 'failed' ORDER BY number"):
            yield json.loads(line)

    def summary(self) -> Report:
        """Return the counts, and with them the exit code, of one run that would have ended like this."""
        report = Report()
        counts = dict(self._database.execute("SELECT status, count(*) FROM row GROUP BY status"))
        report.done, report.skipped, report.failed = (counts.get(name, 0) for name in ("done", "skipped", "failed"))
        for (line,) in self._database.execute("SELECT line FROM row WHERE status = 'passed_over'"):
            report.add(Outcome(None, None, "passed_over", kind=str(json.loads(line).get("kind", OTHER))))
        return report

    def _take(self, report: Path) -> None:
        damaged = rows = 0
        try:
            with report.open("rb") as file:
                for line in file:
                    parsed = _parsed(line)
                    if parsed is None:
                        damaged += bool(line.strip(b" \t\r\n\0"))
                        continue
                    rows += 1
                    name, status = parsed
                    self._database.execute(_PUT, (name.encode("utf-8", "surrogatepass"), status, line.rstrip() + b"\n"))
        except OSError as error:
            raise UsageProblem(f"The report '{report}' cannot be read: {error.strerror}.", "Check its name.") from error
        if damaged and not rows:
            raise UsageProblem(f"'{report}' is not a report of colorize.", "Name a file that --report wrote.")
        self.damaged += damaged


def outcome_of_row(row: dict[str, Any]) -> Outcome | None:
    """Return what a row of a report says, None for the standard streams and for rows that nobody wrote like this."""
    source, target = row.get("input"), row.get("output") or row.get("target")
    if not isinstance(source, str) or not isinstance(target, str) or STANDARD_STREAM in (source, target):
        return None
    confidence = row.get("confidence")
    details: dict[str, Any] = {"model": str(row.get("model", ""))}
    if isinstance(confidence, int | float) and not isinstance(confidence, bool):
        details["confidence"] = confidence
    notes = (str(row["warning"]),) if row.get("warning") else ()
    status = row["status"]
    return Outcome(Path(source), Path(target), status, str(row.get("reason", "")), notes, details)


def _parsed(line: bytes) -> tuple[str, str] | None:
    """Return input and status of a row, None where the line is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    name, status = row.get("input"), row.get("status")
    if not isinstance(name, str) or not isinstance(status, str) or status not in FINAL or "\0" in name:
        return None
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return None
    return name, status
