"""Reports read back: the last word on every photograph."""

import json
import os
from pathlib import Path

import pytest

from colorize_cli.batch.reports.final_rows import FinalRows
from colorize_cli.errors import UsageProblem


def report(path: Path, *rows: tuple[str, str], tail: bytes = b"") -> Path:
    lines = [json.dumps({"input": name, "status": status, "from": path.name}) + "\n" for name, status in rows]
    path.write_bytes("".join(lines).encode("ascii") + tail)
    return path


def test_last_row_wins_across_reports_but_skipping_says_nothing_new(tmp_path):
    first = report(tmp_path / "1", ("a", "failed"), ("b", "done"), ("c", "failed"), ("c", "done"), ("d", "skipped"))
    second = report(tmp_path / "2", ("a", "done"), ("b", "skipped"), ("c", "failed"), ("e", "failed"))
    rows = FinalRows([first, second])
    assert [(row["input"], row["status"], row["from"]) for row in rows] == [
        ("a", "done", "2"),
        ("b", "done", "1"),
        ("c", "failed", "2"),
        ("d", "skipped", "1"),
        ("e", "failed", "2"),
    ]
    assert [row["input"] for row in rows.failed()] == ["c", "e"]
    assert (rows.summary().counts(), rows.summary().exit_code) == ({"done": 2, "skipped": 1, "failed": 2}, 1)


def test_row_cut_short_by_a_kill_is_passed_over_and_counted(tmp_path):
    rows = FinalRows([report(tmp_path / "1", ("a", "done"), tail=b'{"input": "b", "sta')])
    assert (len(rows), rows.damaged) == (1, 1)


def test_name_that_is_not_utf8_comes_back_in_its_bytes(tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    (row,) = FinalRows([report(tmp_path / "1", (name, "failed"))]).failed()
    assert os.fsencode(row["input"]) == b"caf\xe9.jpg"


def test_empty_report_has_no_rows_and_another_file_is_refused(tmp_path):
    assert len(FinalRows([report(tmp_path / "1")])) == 0
    (tmp_path / "2").write_text("Dear diary\n[1]\n")
    with pytest.raises(UsageProblem, match="not a report"):
        FinalRows([tmp_path / "2"])
    with pytest.raises(UsageProblem, match="cannot be read"):
        FinalRows([tmp_path / "gone"])
