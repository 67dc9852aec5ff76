"""The script that colorizes an archive in small: it makes the same archive again, and sees what went wrong."""

import hashlib
import importlib.util
from pathlib import Path

import pytest
from PIL import Image

from colorize_cli.batch.colorize_options import ColorizeOptions

SCRIPT = Path(__file__).parents[2] / "tools" / "archive_run.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("archive_run", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.SIZES = {0.01: 0.5, 0.02: 0.5}
    module.CORRUPT_SHARE = 0.2
    return module


def colorized(scans: Path, results: Path, damaged: set[Path]) -> dict[str, dict]:
    """Stand in for a run without mistakes, and return the rows of its report."""
    rows = {}
    for source in scans.rglob("*.*"):
        target = results / source.relative_to(scans)
        rows[str(source)] = {"status": "failed"}
        if source not in damaged:
            target.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(source) as picture:
                # No worse than colorize itself writes: the check of lightness is meant for its results.
                options = {} if target.suffix == ".tif" else {"quality": 95}
                picture.convert("RGB").save(target, **options)
            rows[str(source)] = {"status": "done", "output_sha256": hashlib.sha256(target.read_bytes()).hexdigest()}
    return rows


def test_archive_is_the_same_for_the_same_seed_and_holds_what_was_asked(tool, tmp_path):
    damaged = tool.write_archive(tmp_path, 40, seed=1)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert len(files) == 40
    assert {path.suffix for path in files} == {".jpg", ".png", ".tif", ".webp"}
    assert 0 < len(damaged) < 20
    assert tool.write_archive(tmp_path, 40, seed=1) == damaged
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == files


def test_mistakes_of_a_run_are_found(tool, tmp_path):
    scans, results = tmp_path / "scans", tmp_path / "color"
    damaged = tool.write_archive(scans, 30, seed=2)
    rows = colorized(scans, results, damaged)
    assert list(tool.mistakes(scans, results, dict(rows), damaged)) == []
    whole = [Path(name) for name, row in rows.items() if row["status"] == "done"]
    lost, cut, skipped, black = whole[:4]
    del rows[str(lost)]
    (results / cut.relative_to(scans)).write_bytes(b"half")
    rows[str(skipped)] = {"status": "skipped", "reason": "none"}
    rows[str(next(iter(damaged)))] = {"status": "done"}
    dark = results / black.relative_to(scans)
    with Image.open(dark) as picture:
        Image.new("RGB", picture.size).save(dark)
    rows[str(black)]["output_sha256"] = hashlib.sha256(dark.read_bytes()).hexdigest()
    (results / ".colorize-1.part").write_bytes(b"")
    found = "\n".join(tool.mistakes(scans, results, dict(rows), damaged))
    assert found.count("\n") == 5
    for words in (f"{lost}: no row", "not the file of the report", "skipped: none", "damaged, but done", "left behind",
                  f"{dark}: not as light as its scan"):  # fmt: skip
        assert words in found


def test_limit_is_measured_on_a_sample_and_extended_to_all(tool, tmp_path):
    scans, results = tmp_path / "scans", tmp_path / "color"
    rows = colorized(scans, results, tool.write_archive(scans, 12, seed=3))
    done = {
        Path(name): results / Path(name).relative_to(scans) for name, row in rows.items() if row["status"] == "done"
    }
    codec, predict = tool.limit_seconds(done, ColorizeOptions(), sample=4)
    assert codec > 0
    assert predict > 0
