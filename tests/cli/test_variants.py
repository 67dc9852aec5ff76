"""``--variants N``: several colorizations of each photograph, and a contact sheet."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from tests.cli.conftest import gray_picture, make_photo, snapshot

THREE = ["a-color-1.png", "a-color-2.png", "a-color-3.png"]
EVERYTHING = {*THREE, "a-variants.jpg"}


def color(path: str | Path) -> np.ndarray:
    """Mean color of a picture."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), float).mean((0, 1))


def test_variants_lie_beside_the_photo_with_a_numbered_sheet(run):
    make_photo("a.png")
    result = run("a.png", "--variants", "3", "--report", "report.jsonl")
    assert (result.exit_code, result.stdout.split()) == (0, THREE)
    assert {path.name for path in Path().iterdir()} == {*EVERYTHING, "a.png", "report.jsonl"}
    with Image.open("a-variants.jpg") as sheet:
        assert sheet.size == (8 + 3 * 56, 48)
    row = json.loads(Path("report.jsonl").read_text())
    assert (row["output"], row["variants"], row["contact_sheet"]) == ("a-color-1.png", THREE, "a-variants.jpg")


def test_first_variant_is_the_result_without_the_option_and_the_others_differ(run):
    make_photo("a.png")
    run("a.png", "-o", "plain.png")
    run("a.png", "--variants", "3")
    np.testing.assert_array_equal(np.asarray(Image.open("a-color-1.png")), np.asarray(Image.open("plain.png")))
    for one, other in [(0, 1), (0, 2), (1, 2)]:
        assert np.abs(color(THREE[one]) - color(THREE[other])).max() > 10


def test_each_file_says_which_variant_it_is_and_by_which_seed(run):
    make_photo("a.png")
    run("a.png", "--variants", "2", "--seed", "7")
    told = {}
    for path in Path().glob("a-*"):
        provenance = read_provenance(path)
        assert provenance is not None and provenance.parameters["seed"] == "7"
        told[path.name] = provenance.parameters["variant"]
    assert told == {"a-color-1.png": "1 of 2", "a-color-2.png": "2 of 2", "a-variants.jpg": "sheet of 2"}


def test_seed_is_handed_on_and_the_same_one_gives_the_same_pictures(run):
    make_photo("a.png")
    for folder, seed in [("one/", "1"), ("again/", "1"), ("two/", "2")]:
        assert run("a.png", "-o", folder, "--variants", "2", "--seed", seed).exit_code == 0
    assert Path("one/a-color-2.png").read_bytes() == Path("again/a-color-2.png").read_bytes()
    assert np.abs(color("one/a-color-2.png") - color("two/a-color-2.png")).max() > 5


@pytest.mark.parametrize(
    ("output", "names"),
    [
        ("out/", {"out/a-color-1.png", "out/a-color-2.png", "out/a-variants.jpg", "out/a-confidence.png"}),
        ("b.jpg", {"b-color-1.jpg", "b-color-2.jpg", "b-variants.jpg", "b-confidence.png"}),
    ],
)
def test_names_follow_the_output(run, output, names):
    make_photo("a.png")
    before = set(snapshot())
    assert run("a.png", "-o", output, "--variants", "2", "--confidence-map").exit_code == 0
    assert set(snapshot()) - before == names


@pytest.mark.parametrize(
    ("files", "words", "said"),
    [
        (["a.png", "a-color-2.png"], ["a.png"], "'a-color-2.png' already exists"),
        (["a.png", "a-variants.jpg"], ["a.png", "a-variants.jpg", "--overwrite"], "would replace the original"),
        (["a.png", "a.tif"], ["a.png", "a.tif", "-o", "out/"], "would both be written to 'out/a-variants.jpg'"),
        (["a.png"], ["a.png", "-o", "-"], "standard output takes one"),
        (["a.png", "h.png"], ["a.png", "--hints", "h.png"], "--hints fixes the colors"),
        (["a.png"], ["a.png", "-m", "regression"], "Use -m gan, -m classifier"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(run, models, files, words, said):
    for name in files:
        make_photo(name)
    before = snapshot()
    result = run(*words, "--variants", "3")
    assert result.exit_code == 2
    assert said in result.stderr
    assert (snapshot(), models.loaded) == (before, [])


@pytest.mark.parametrize("count", ["1", "10"])
def test_two_to_nine_make_sense(run, count):
    make_photo("a.png")
    assert run("a.png", "--variants", count).exit_code == 2


def test_standard_input_needs_a_name_for_its_results(run):
    photo = make_photo("a.png").read_bytes()
    assert run("-", "--variants", "2", stdin=photo).exit_code == 2
    assert run("-", "-o", "b.png", "--variants", "2", stdin=photo).exit_code == 0
    assert Path("b-variants.jpg").exists() and Path("b-color-2.png").exists()


def test_variants_are_not_taken_for_photographs_and_a_second_run_has_nothing_to_do(run, models):
    make_photo("scans/a.png")
    run("scans", "--variants", "3")
    before = snapshot()
    result = run("scans", "--variants", "3", "--skip-existing")
    assert (result.exit_code, result.stdout, snapshot()) == (0, "", before)
    assert len(models.loaded) == 1


@pytest.mark.parametrize("lost", sorted(EVERYTHING))
def test_what_is_missing_comes_back_as_it_was_and_the_rest_is_left_alone(run, lost):
    make_photo("a.png")
    run("a.png", "--variants", "3")
    before = snapshot()
    shutil.move(lost, "lost")
    there = {name: Path(name).stat().st_mtime_ns for name in EVERYTHING - {lost}}
    assert run("a.png", "--variants", "3", "--skip-existing").exit_code == 0
    assert {name: Path(name).stat().st_mtime_ns for name in there} == there
    Path("lost").unlink()
    assert snapshot().keys() == before.keys()
    assert np.abs(color(lost) - color_of(before[lost])).max() < 1e-6


def color_of(encoded: bytes) -> np.ndarray:
    """Mean color of a picture in memory."""
    Path("kept").write_bytes(encoded)
    try:
        return color("kept")
    finally:
        Path("kept").unlink()


def test_variants_of_another_seed_are_named_and_left_alone(run):
    make_photo("a.png")
    run("a.png", "--variants", "2")
    before = snapshot()
    result = run("a.png", "--variants", "2", "--seed", "5", "--skip-existing")
    assert "made with other options" in result.stderr
    assert snapshot() == before


def test_every_variant_of_an_album_has_all_pages(run):
    gray_picture().save("album.tif", save_all=True, append_images=[gray_picture(seed=1)])
    result = run("album.tif", "--variants", "2", "--json")
    assert "first page only" in json.loads(result.stdout.splitlines()[0])["warning"]
    pages = []
    for number in (1, 2):
        with Image.open(f"album-color-{number}.tif") as album:
            assert album.n_frames == 2
            album.seek(1)
            pages.append(np.asarray(album.convert("RGB"), float))
    assert np.abs(pages[0] - pages[1]).mean() > 5


def test_failed_photo_is_tried_again_where_its_variants_were_to_go(run, models):
    make_photo("a.png")
    Path("a.png").rename("kept")
    Path("a.png").write_bytes(b"no picture")
    run("a.png", "-o", "out/", "--variants", "2", "--report", "report.jsonl")
    shutil.move("kept", "a.png")
    assert run("--retry", "report.jsonl", "--variants", "2").exit_code == 2, "nothing shows that out/ is its own"
    assert run("--retry", "report.jsonl", "--variants", "2", "-o", "out/").exit_code == 0
    assert {path.name for path in Path("out").iterdir()} == {"a-color-1.png", "a-color-2.png", "a-variants.jpg"}
