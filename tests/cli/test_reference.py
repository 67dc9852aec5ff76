"""``--reference`` from the command line: what it changes, what it records, and what it leaves alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from colorize_cli.cli import main
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from tests.cli.conftest import make_photo, snapshot


@pytest.fixture(autouse=True)
def roll(tmp_path, monkeypatch):
    """Two scans, one of which shows what the reference shows, and two references with colors of their own."""
    monkeypatch.chdir(tmp_path)
    whole = np.asarray(load_sample_image("china.jpg"))
    Path("scans").mkdir()
    Image.fromarray(whole[27:, 80:]).convert("L").resize((280, 200)).save("scans/hall.png")
    make_photo("scans/other.png", width=96, height=64)
    for name, order in (("color.png", [2, 0, 1]), ("green.png", [1, 2, 0])):
        Image.fromarray(whole[:400, :560, order]).save(name)


def colorize(*words):
    return main(["scans", "-o", "out", "-m", "gan", "--device", "cpu", *words])


def rows(path="report.jsonl"):
    found = [json.loads(line) for line in Path(path).read_text().splitlines()]
    return {Path(row["input"]).name: row for row in found}


def test_a_photo_that_shows_the_same_is_guided_and_another_is_named(capfd):
    before = Path("color.png").read_bytes()
    assert colorize("--reference", "color.png", "--report", "report.jsonl") == 0
    said = capfd.readouterr().err
    assert "other.png': the reference shows other things" in said.replace("\n", " ")
    assert "Reference: used for 1 of 2, not for 1 that shows other things" in said
    report = rows()
    assert (report["hall.png"]["reference"], report["other.png"]["reference"]) == ("used", "not used")
    assert "warning" in report["other.png"] and "warning" not in report["hall.png"]
    stated = read_provenance(Path("out/hall.png")).parameters
    assert stated["reference"].startswith("color.png, sha256 ") and float(stated["reference_match"]) > 0.2
    assert read_provenance(Path("out/other.png")).parameters["reference_match"].endswith("not used")
    assert Path("color.png").read_bytes() == before
    guided = np.asarray(Image.open("out/hall.png"))
    assert colorize("--overwrite", "-q") == 0
    assert np.abs(guided.astype(int) - np.asarray(Image.open("out/hall.png"))).mean() > 5


def test_another_reference_makes_results_due_again_and_the_same_does_not(capfd):
    assert colorize("-q", "--reference", "color.png") == 0
    first = snapshot("out")
    assert colorize("-q", "--reference", "color.png", "--skip-existing") == 0
    assert snapshot("out") == first
    assert colorize("-q", "--reference", "green.png", "--skip-existing") == 0
    assert read_provenance(Path("out/hall.png")).parameters["reference"].startswith("green.png")
    assert snapshot("out")["out/hall.png"] != first["out/hall.png"]


def test_a_result_that_is_the_reference_is_never_replaced(capfd):
    assert colorize("-q") == 0
    before = Path("out/hall.png").read_bytes()
    assert colorize("--reference", "out/hall.png", "--overwrite") == 2
    assert "would replace the reference" in capfd.readouterr().err
    assert colorize("--reference", "out/hall.png", "--skip-existing") == 0
    assert "left alone" in capfd.readouterr().err
    assert Path("out/hall.png").read_bytes() == before
    assert "reference" in read_provenance(Path("out/other.png")).parameters


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--reference", "none.png"], "There is no reference photo"),
        (["--reference", "scans/other.png"], "no colors to take"),
        (["--reference", "scans"], "cannot be used"),
        (["--reference", "color.png", "--variants", "3"], "--variants tries others"),
        (["--reference", "color.png", "-m", "unet"], "-m gan"),
        (["--reference", ""], "--reference"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(capfd, words, said):
    before = snapshot()
    assert colorize(*words) == 2
    assert said in capfd.readouterr().err.replace("\n", " ")
    assert snapshot() == before
