"""The report and the failed list: whole rows as they come, nothing precious overwritten."""

import json
import os
from pathlib import Path

import pytest

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.reports.outcome import Outcome, json_line
from colorize_cli.batch.reports.run_files import RunFiles
from colorize_cli.errors import OutputError, OutputExists, UsageProblem

DONE = Outcome(Path("a.jpg"), Path("a-color.jpg"), "done", details={"seconds": 0.5})
SKIPPED = Outcome(Path("b.jpg"), Path("b-color.jpg"), "skipped", "It exists.")
FAILED = Outcome(Path("c.jpg"), None, "failed", "c.jpg is empty.")


def run_files(report: Path | None = None, failed_list: Path | None = None, **options) -> RunFiles:
    return RunFiles(ColorizeOptions(report=report, failed_list=failed_list, **options))


def test_rows_are_written_as_they_come(tmp_path):
    with run_files(tmp_path / "report.jsonl", tmp_path / "failed.txt") as files:
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
    with run_files(None, tmp_path / "failed.txt") as files:
        files.add(outcome)
    assert (tmp_path / "failed.txt").read_bytes() == b"caf\xe9.jpg\n"


def test_report_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"), run_files(tmp_path / "no" / "such" / "folder.jsonl"):
        pass


def test_resuming_continues_the_report_and_begins_the_failed_list_anew(tmp_path):
    paths = (tmp_path / "report.jsonl", tmp_path / "failed.txt")
    for outcome in (FAILED, DONE):
        with run_files(*paths, skip_existing=True) as files:
            files.add(outcome)
    assert [json.loads(line)["status"] for line in paths[0].read_text().splitlines()] == ["failed", "done"]
    assert paths[1].read_text() == ""


@pytest.mark.parametrize(
    ("name", "content", "options", "error"),
    [
        ("report.jsonl", b"{}", {}, OutputExists),
        ("scan.jpg", b"photo", {"overwrite": True}, UsageProblem),
        ("scan.TIF", None, {}, UsageProblem),
        ("diary.txt", b"Dear diary", {"skip_existing": True}, UsageProblem),
    ],
)
def test_nothing_precious_becomes_a_report(tmp_path, name, content, options, error):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error):
        run_files(tmp_path / name, **options)
    assert ((tmp_path / name).read_bytes() if content is not None else None) == content
