"""Every file met in a folder is accounted for: colorized, or passed over with its kind and a reason."""

import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from colorize_cli.batch.inputs.kinds import ASIDE, in_words, kind_of
from tests.cli.conftest import gray_picture, make_photo, models, run
from tests.imaging.codecs.readers import no_readers

__all__ = ["models", "no_readers", "run"]
pytestmark = pytest.mark.usefixtures("no_readers")

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def _bytes(format: str) -> bytes:
    buffer = io.BytesIO()
    gray_picture().save(buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.jpg", b"", None),
        ("a.TIF", b"no image", None),
        ("a.heic", b"", "HEIC"),
        ("a.HEIF", b"", "HEIC"),
        ("a.pdf", b"", "PDF"),
        ("a.jxl", b"", "JPEG XL"),
        ("a.psd", b"", "Photoshop"),
        ("a.dng", b"", "camera raw"),
        ("a.CR2", b"", "camera raw"),
        ("a.mov", b"", "video"),
        ("a.txt", b"", "other"),
        ("a.xmp", b"", ASIDE),
        ("Thumbs.db", b"", ASIDE),
        ("scan", b"text", "other"),
        ("scan", b"", "other"),
        ("scan", HEIC, "HEIC"),
        ("scan.001", b"%PDF-1.7", "PDF"),
        ("scan", _bytes("JPEG"), None),
        ("scan.img", _bytes("PNG"), None),
    ],
)
def test_suffix_decides_and_where_it_tells_nothing_the_first_bytes(tmp_path, name, content, kind):
    path = tmp_path / name
    path.write_bytes(content)
    assert kind_of(path) == kind


def test_pipe_without_a_suffix_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    assert kind_of(tmp_path / "pipe") == kind_of(tmp_path / "link") == "other"


def test_counts_are_told_most_frequent_first_and_other_last():
    assert in_words({"other": 300, "HEIC": 90, "PDF": 200}) == "200 PDF, 90 HEIC, 300 other"


def mixed_folder() -> None:
    make_photo("scans/a.jpg")
    for name in ("b.heic", "c.heic", "d.pdf", "e.psd", "notes.txt", "deep/f.dng"):
        Path("scans", name).parent.mkdir(exist_ok=True)
        Path("scans", name).write_bytes(b"x")
    Path("scans/a.xmp").write_text("<x/>")
    Path("scans/.DS_Store").write_bytes(b"x")
    Path("scans/scan").write_bytes(_bytes("JPEG"))


def rows(path: str = "report.jsonl") -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


LINE = "6 files not read: 2 HEIC, 1 PDF, 1 Photoshop, 1 camera raw, 1 other."


def test_every_file_of_a_folder_is_in_the_summary_and_in_the_report(run):
    mixed_folder()
    result = run("scans", "-o", "out", "--report", "report.jsonl")
    assert result.exit_code == 0
    assert LINE in result.stderr
    assert "2 done" in result.stderr
    passed = {row["input"]: row for row in rows() if row["status"] == "passed_over"}
    assert {name: row["kind"] for name, row in passed.items()} == {
        "scans/b.heic": "HEIC", "scans/c.heic": "HEIC", "scans/d.pdf": "PDF", "scans/e.psd": "Photoshop",
        "scans/notes.txt": "other", "scans/deep/f.dng": "camera raw", "scans": ASIDE,
    }  # fmt: skip
    assert passed["scans"]["reason"] == "2 sidecars and hidden files."
    assert all(row["reason"] for row in passed.values())
    assert Image.open("out/scan.jpg").mode == "RGB"
    merged = run("report", "merge", "report.jsonl", "-o", "merged.jsonl")
    assert merged.exit_code == 0
    assert "2 photos: 2 done" in merged.stderr and LINE in merged.stderr


def test_dry_run_says_so_too_and_verbose_names_each(run):
    mixed_folder()
    result = run("scans", "-o", "out", "--dry-run")
    assert LINE in result.stderr
    assert "scans/e.psd: passed over: Photoshop files are not read." in result.stdout
    assert (
        "scans/d.pdf: passed over: PDF files need a reader. Install the reader, `pip install pypdfium2`"
        in result.stdout
    )
    assert "Not read: 'scans/b.heic': HEIC files need a reader." in run("scans", "-o", "out", "-v").stderr


def test_strict_exits_with_1_for_what_was_not_read_but_not_for_sidecars(run):
    mixed_folder()
    assert run("scans", "-o", "out", "--strict").exit_code == 1
    make_photo("clean/a.jpg")
    Path("clean/a.xmp").write_text("<x/>")
    assert run("clean", "-o", "out2", "--strict").exit_code == 0


def test_folder_of_nothing_else_says_what_is_in_it(run):
    Path("scans").mkdir()
    Path("scans/a.pdf").write_bytes(b"x")
    result = run("scans", "-o", "out")
    assert result.exit_code == 2
    assert "no photographs in 'scans', only 1 PDF" in result.stderr


def test_report_of_the_run_is_not_counted_among_the_files(run):
    make_photo("a.jpg")
    words = (".", "-o", "out", "--report", "report.jsonl", "--failed-list", "failed.list", "--skip-existing")
    run(*words)
    assert "not read" not in run(*words).stderr
