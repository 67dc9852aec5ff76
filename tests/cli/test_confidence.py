"""``--confidence-map`` and confidence in the report."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import gray_picture, make_photo, snapshot


def test_every_row_tells_how_sure_the_model_is(run):
    make_photo("scans/a.jpg")
    row = json.loads(run("scans", "--json").stdout.splitlines()[0])
    assert row["confidence"] == 0.5
    run("scans/a.jpg", "-o", "other.jpg", "--report", "report.jsonl")
    assert json.loads(Path("report.jsonl").read_text())["confidence"] == 0.5


def test_map_lies_beside_the_result_at_the_size_of_the_photo(run):
    make_photo("a.jpg")
    result = run("a.jpg", "--confidence-map")
    assert (result.exit_code, result.stdout) == (0, "a-color.jpg\n")
    with Image.open("a-confidence.png") as picture:
        assert (picture.size, picture.mode) == ((48, 32), "L")
        rows = np.asarray(picture).astype(int).mean(1)
    assert rows[0] < 30 and rows[-1] > 220


def test_maps_follow_the_results_into_a_folder(run):
    make_photo("scans/1920/b.png")
    run("scans", "-o", "out", "--confidence-map")
    assert sorted(snapshot("out")) == ["out/1920/b-confidence.png", "out/1920/b.png"]


@pytest.mark.parametrize(
    ("files", "words", "said"),
    [
        (["a.jpg", "a-confidence.png"], ["a.jpg"], "'a-confidence.png' already exists"),
        (["a.jpg", "a.tif"], ["a.jpg", "a.tif", "-o", "out/"], "would both be written to 'out/a-confidence.png'"),
        (["a.jpg", "a-confidence.png"], ["a.jpg", "a-confidence.png", "--overwrite"], "would replace the original"),
        (["a.jpg"], ["a.jpg", "-o", "-"], "which standard output does not have"),
    ],
)
def test_names_that_are_taken_are_refused_before_any_work(run, models, files, words, said):
    for name in files:
        make_photo(name)
    before = snapshot()
    result = run(*words, "--confidence-map")
    assert result.exit_code == 2
    assert said in result.stderr
    assert (snapshot(), models.loaded) == (before, [])


def test_overwrite_replaces_the_map(run):
    make_photo("a.jpg")
    make_photo("a-confidence.png")
    assert run("a.jpg", "--confidence-map", "--overwrite").exit_code == 0
    with Image.open("a-confidence.png") as picture:
        assert picture.size == (48, 32) and np.asarray(picture)[0].mean() < 30


def test_maps_are_not_taken_for_photographs(run, models):
    make_photo("scans/a.jpg")
    run("scans", "--confidence-map")
    before = snapshot()
    result = run("scans", "--confidence-map", "--skip-existing")
    assert (result.exit_code, result.stdout, snapshot()) == (0, "", before)
    assert len(models.loaded) == 1


def test_resuming_adds_maps_to_results_that_lack_them(run, models):
    make_photo("scans/a.jpg")
    run("scans", "-o", "out")
    before = snapshot()
    dry = run("scans", "-o", "out", "--skip-existing", "--confidence-map", "--dry-run")
    assert dry.stdout == "scans/a.jpg -> out/a.jpg\n"
    result = run("scans", "-o", "out", "--skip-existing", "--confidence-map")
    assert result.exit_code == 0
    assert "only missing files" in result.stderr
    after = snapshot()
    assert after.pop("out/a-confidence.png")
    assert after == before


def test_resuming_leaves_maps_alone_and_names_foreign_ones(run):
    make_photo("scans/a.jpg")
    make_photo("out/a-confidence.png", seed=1)
    foreign = Path("out/a-confidence.png").read_bytes()
    result = run("scans", "-o", "out", "--skip-existing", "--confidence-map")
    assert result.stdout == "out/a.jpg\n"
    assert "'out/a-confidence.png' exists and was not made by colorize" in result.stderr
    assert Path("out/a-confidence.png").read_bytes() == foreign


def test_result_that_was_lost_comes_back_beside_its_map(run):
    make_photo("a.jpg")
    run("a.jpg", "--confidence-map")
    shutil.move("a-color.jpg", "kept.jpg")
    assert run("a.jpg", "--confidence-map", "--skip-existing").stdout == "a-color.jpg\n"
    assert Path("a-color.jpg").read_bytes() == Path("kept.jpg").read_bytes()


def test_map_of_an_album_shows_its_first_page_and_that_is_said(run):
    gray_picture().save("album.tif", save_all=True, append_images=[gray_picture(seed=1)])
    result = run("album.tif", "--confidence-map", "--json")
    row = json.loads(result.stdout.splitlines()[0])
    assert row["pages"] == 2 and row["confidence"] == 0.5
    assert "first page" in row["warning"]
