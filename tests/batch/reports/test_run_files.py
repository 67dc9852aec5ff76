"""The report and the failed list: whole rows as they come, nothing precious overwritten."""

import json
import os
from pathlib import Path

import pytest

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.sources import read_list
from colorize_cli.batch.reports.outcome import Outcome, json_line
from colorize_cli.batch.reports.own_files import FAILED_LIST_MARK
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
    assert list(read_list(str(tmp_path / "failed.txt"))) == ["c.jpg"]


def test_name_that_is_not_utf8_survives_json_and_the_failed_list(tmp_path):
    outcome = Outcome(Path(os.fsdecode(b"caf\xe9.jpg")), None, "failed", "It broke.")
    assert os.fsencode(json.loads(json_line(outcome.row()))["input"]) == b"caf\xe9.jpg"
    with run_files(None, tmp_path / "failed.txt") as files:
        files.add(outcome)
    assert (tmp_path / "failed.txt").read_bytes() == FAILED_LIST_MARK + b"\ncaf\xe9.jpg\n"


def test_report_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"), run_files(tmp_path / "no" / "such" / "folder.jsonl"):
        pass


def test_resuming_continues_the_report_and_begins_the_failed_list_anew(tmp_path):
    paths = (tmp_path / "report.jsonl", tmp_path / "failed.txt")
    for outcome in (FAILED, DONE):
        with run_files(*paths, skip_existing=True) as files:
            files.add(outcome)
    assert [json.loads(line)["status"] for line in paths[0].read_text().splitlines()] == ["failed", "done"]
    assert list(read_list(str(paths[1]))) == []


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


@pytest.mark.parametrize("option", ["report", "failed_list"])
@pytest.mark.parametrize("options", [{"skip_existing": True}, {"overwrite": True}])
def test_only_what_this_program_wrote_is_replaced_and_never_through_a_link(tmp_path, option, options):
    path, link, photo = tmp_path / "mine.txt", tmp_path / "link.txt", tmp_path / "scan.jpg"
    path.write_bytes(b"Dear diary")
    photo.write_bytes(b"photo")
    link.symlink_to(photo)
    for name, said in ((path, "not written by colorize"), (link, "is a link")):
        with pytest.raises(UsageProblem, match=said):
            run_files(**{option: name}, **options)
    (tmp_path / "empty.txt").touch()
    for name in ("empty.txt", "empty.txt", "new.txt"):
        with run_files(**{option: tmp_path / name}, **options) as files:
            files.add(FAILED)
    assert (path.read_bytes(), photo.read_bytes()) == (b"Dear diary", b"photo")


def test_names_with_newlines_survive_the_failed_list(tmp_path):
    names = ["a.jpg", "b\n.jpg", "c\r.jpg", "d.jpg"]
    with run_files(None, tmp_path / "failed.txt") as files:
        for name in names:
            files.add(Outcome(Path(name), None, "failed", "It broke."))
    assert list(read_list(str(tmp_path / "failed.txt"))) == names


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lists_of_windows_are_read(tmp_path, encoding, end):
    text = end.join(["stra\u00dfe.jpg", "b.jpg", ""])
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    (tmp_path / "list.txt").write_bytes(mark + text.encode(encoding))
    assert list(read_list(str(tmp_path / "list.txt"))) == ["stra\u00dfe.jpg", "b.jpg"]
