"""The report counts outcomes and owns the exit code."""

from pathlib import Path

from colorize_cli.batch.reports.outcome import REMEMBERED_FAILURES, Outcome, Report, failure_lines
from colorize_cli.errors import DeviceError, OutputError

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
