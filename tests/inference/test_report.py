"""The report counts outcomes, owns the exit code, and leaves whole rows behind."""

import json
import os
from pathlib import Path

import pytest

from colorize_cli.errors import DeviceError, OutputError
from colorize_cli.inference.report import REMEMBERED_FAILURES, Outcome, Report, RunFiles, failure_lines, json_line

DONE = Outcome(Path("a.jpg"), Path("a-color.jpg"), "done", details={"seconds": 0.5})
SKIPPED = Outcome(Path("b.jpg"), Path("b-color.jpg"), "skipped", "It exists.")
FAILED = Outcome(Path("c.jpg"), None, "failed", "c.jpg is empty.")


def report_of(*outcomes: Outcome) -> Report:
    report = Report()
    for outcome in outcomes:
        report.add(outcome)
    return report


def test_exit_code_is_the_most_serious_of_the_run():
    assert report_of().exit_code == 0
    assert report_of(DONE, SKIPPED).exit_code == 0
    report = report_of(DONE, FAILED)
    assert report.exit_code == 1
    report.stopped_by = DeviceError("no memory")
    assert report.exit_code == 4
    report.stopped_by = OutputError("disk full")
    assert report.exit_code == 5
    report.interrupted = True
    assert report.exit_code == 130


def test_summary_counts_what_happened_and_what_was_not_reached():
    report = report_of(DONE, DONE, SKIPPED, FAILED)
    report.not_reached = 3
    assert report.summary() == "2 done, 1 skipped, 1 failed, 3 not reached"
    assert report.counts() == {"done": 2, "skipped": 1, "failed": 1, "not_reached": 3}


def test_failures_kept_in_memory_are_bounded():
    report = report_of(*[FAILED] * (REMEMBERED_FAILURES + 50))
    assert (report.failed, len(report.failures)) == (REMEMBERED_FAILURES + 50, REMEMBERED_FAILURES)


def test_failure_line_names_the_file_once():
    lines = failure_lines(
        [FAILED, Outcome(Path("d.jpg"), None, "failed", "It broke."), Outcome(None, None, "failed", "x")]
    )
    assert lines == ["c.jpg is empty.", "'d.jpg': It broke.", "'standard input': x"]


def test_rows_are_written_as_they_come(tmp_path):
    with RunFiles(tmp_path / "report.jsonl", tmp_path / "failed.txt") as files:
        for outcome in (DONE, SKIPPED, FAILED):
            files.add(outcome)
        rows = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert [(row["input"], row["output"], row["status"]) for row in rows] == [
        ("a.jpg", "a-color.jpg", "done"),
        ("b.jpg", None, "skipped"),
        ("c.jpg", None, "failed"),
    ]
    assert rows[0]["seconds"] == 0.5
    assert rows[1]["reason"] == "It exists."
    assert (tmp_path / "failed.txt").read_text() == "c.jpg\n"


def test_name_that_is_not_utf8_survives_json_and_the_failed_list(tmp_path):
    outcome = Outcome(Path(os.fsdecode(b"caf\xe9.jpg")), None, "failed", "It broke.")
    assert os.fsencode(json.loads(json_line(outcome.row()))["input"]) == b"caf\xe9.jpg"
    with RunFiles(None, tmp_path / "failed.txt") as files:
        files.add(outcome)
    assert (tmp_path / "failed.txt").read_bytes() == b"caf\xe9.jpg\n"


def test_report_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        RunFiles(tmp_path / "no" / "such" / "folder.jsonl", None)
