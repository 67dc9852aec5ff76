"""``--lossless-luma`` and ``recover`` on the command line."""

import importlib.util
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from tests.cli.conftest import make_photo, saturation, snapshot

pytest.importorskip("jpeglib")


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"))


def test_scans_are_colorized_and_recovered_and_only_jpeg_files_are_taken(run):
    make_photo("scans/a.jpg", width=61, height=33)
    make_photo("scans/b.jpeg", width=40, height=50)
    make_photo("scans/c.tif")
    make_photo("scans/d.bin.jpg").rename("scans/d.png")
    before = snapshot("scans")
    result = run("scans", "-o", "out/", "--lossless-luma", "--report", "report.jsonl")
    assert result.exit_code == 1
    assert sorted(result.stdout.split()) == ["out/a.jpg", "out/b.jpeg", "out/d.jpg"]
    assert "scans/c.tif cannot keep its luma: it is TIFF, not JPEG. Omit --lossless-luma" in result.stderr
    rows = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    done = {row["output"]: row for row in rows if row["status"] == "done"}
    assert all(0 < row["lightness_change"] < 10 for row in done.values())
    assert saturation("out/a.jpg") > 10
    assert read_provenance("out/a.jpg").parameters["luma"] == "kept"
    assert run("recover", "out/a.jpg", "-o", "a.jpg").stdout == "a.jpg\n"
    assert run("recover", "out/d.jpg").stdout == "out/d-gray.jpg\n"
    assert np.array_equal(pixels("a.jpg"), pixels("scans/a.jpg"))
    assert np.array_equal(pixels("out/d-gray.jpg"), pixels("scans/d.png"))
    assert snapshot("scans") == before


def test_results_of_the_other_kind_are_not_taken_for_these_on_resuming(run):
    make_photo("a.jpg")
    run("a.jpg", "-o", "out/")
    assert "made with other options" in run("a.jpg", "-o", "out/", "--skip-existing", "--lossless-luma").stderr
    run("a.jpg", "-o", "out/", "--overwrite", "--lossless-luma")
    again = run("a.jpg", "-o", "out/", "--skip-existing", "--lossless-luma", "-v")
    assert "made by the same model" in again.stderr
    assert again.exit_code == 0


def test_works_as_a_filter(run):
    make_photo("a.jpg")
    result = run("-", "--lossless-luma", stdin=Path("a.jpg").read_bytes())
    assert result.exit_code == 0
    assert Image.open(io.BytesIO(result.stdout_bytes)).mode == "RGB"
    Path("color.jpg").write_bytes(result.stdout_bytes)
    run("recover", "color.jpg", "-o", "gray.jpg")
    assert np.array_equal(pixels("gray.jpg"), pixels("a.jpg"))


def test_recover_replaces_nothing_and_refuses_other_files(run):
    make_photo("a.jpg")
    run("a.jpg", "--lossless-luma")
    assert run("recover", "a-color.jpg", "-o", "a.jpg").exit_code == 2
    assert run("recover", "a-color.jpg", "-o", "a-color.jpg", "--overwrite").exit_code == 2
    result = run("recover", "a.jpg")
    assert result.exit_code == 1
    assert "not made with --lossless-luma" in result.stderr
    assert sorted(snapshot()) == ["a-color.jpg", "a.jpg"]


def test_another_format_contradicts_it(run):
    make_photo("a.jpg")
    for words in (["--format", "png"], ["-o", "a.png"]):
        assert run("a.jpg", "--lossless-luma", *words).exit_code == 2
    assert sorted(snapshot()) == ["a.jpg"]


def test_missing_library_is_named_with_its_extra_before_any_work(run, monkeypatch):
    make_photo("a.jpg")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "jpeglib" else find(name, *rest)
    )
    result = run("a.jpg", "--lossless-luma")
    assert result.exit_code == 4
    assert "pip install jpeglib" in result.stderr
    assert sorted(snapshot()) == ["a.jpg"]
