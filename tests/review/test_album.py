"""What is listed, and where strokes and final pictures of each photograph belong."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from colorize_cli import Colorizer
from colorize_cli.cli import main
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.review.album import make_album
from tests.imaging.codecs.test_pdf import write_album
from tests.review.conftest import scene


@pytest.fixture(scope="module")
def colored(tmp_path_factory):
    """A folder of two scans colorized beside themselves, with a report, and into a folder of results."""
    home = tmp_path_factory.mktemp("colored")
    (home / "scans").mkdir()
    for name in ("a.png", "b.png"):
        scene().save(home / "scans" / name)
    words = ["-q", "--report", str(home / "report.jsonl"), "--confidence-map"]
    assert main([str(home / "scans"), *words]) == 0
    assert main([str(home / "scans" / "a.png"), "-q", "-o", f"{home}/results/"]) == 0
    return home


def names(album):
    return {shot.source.name: shot.result.name if shot.result else None for shot in album.shots}


def test_results_beside_their_scans_are_no_photos_of_their_own(colored):
    assert names(make_album(colored / "scans", None)) == {"a.png": "a-color.png", "b.png": "b-color.png"}


def test_a_result_without_its_scan_stands_for_itself(colored):
    album = make_album(colored / "results", None)
    assert names(album) == {"a.png": "a.png"}
    assert album.shots[0].hints == colored / "results" / "a-hints.png"


def test_a_report_gives_results_and_confidence(colored):
    album = make_album(colored / "report.jsonl", None)
    assert names(album) == {"a.png": "a-color.png", "b.png": "b-color.png"}
    assert all(0 < shot.confidence < 1 for shot in album.shots)
    assert album.home == colored


def test_a_photo_that_failed_shows_why(tmp_path):
    report = tmp_path / "report.jsonl"
    report.write_text(json.dumps({"input": "x.png", "output": None, "status": "failed", "reason": "It is damaged."}))
    assert make_album(report, None).shots[0].problem == "It is damaged."


def test_strokes_lie_beside_the_result_and_below_the_folder_of_the_review(colored, tmp_path):
    beside = make_album(colored / "scans", None).shots[0]
    assert beside.hints == colored / "scans" / "a-hints.png"
    elsewhere = make_album(colored / "scans", tmp_path / "out")
    assert elsewhere.shots[0].hints == tmp_path / "out" / "a-hints.png"
    assert elsewhere.review_file == tmp_path / "out" / "review.jsonl"


def test_two_photos_of_one_stem_have_strokes_and_names_of_their_own(tmp_path):
    for name in ("a.png", "a.jpg", "b.png", "b.gif"):
        scene().save(tmp_path / name)
    shots = make_album(tmp_path, None).shots
    assert len({shot.hints for shot in shots}) == len({shot.place for shot in shots}) == 4


def test_final_pictures_are_not_listed_again(folder):
    (folder / "final").mkdir()
    shutil.copy(folder / "a.png", folder / "final" / "a.png")
    assert [shot.source.name for shot in make_album(folder, None).shots] == ["a.png", "b.jpg", "c.tif"]


def test_numbers_are_places_in_the_album(folder):
    album = make_album(folder, None)
    assert [shot.number for shot in album.shots] == [0, 1, 2]
    assert album.shots[2].folder == "album"
    assert replace(album.shots[0], number=5) != album.shots[0]


def test_a_name_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageProblem, match="no file or folder"):
        make_album(tmp_path / "nowhere", None)


def test_the_result_of_the_library_is_not_taken_for_a_result(tmp_path):
    scene().save(tmp_path / "a.png")
    Colorizer("gan", device="cpu")(tmp_path / "a.png").save(tmp_path / "a-color.png")
    assert len(make_album(tmp_path, None).shots) == 2, "without a record it may be somebody's own"


def test_pages_of_a_pdf_file_are_photos_of_their_own(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("pypdfium2")
    monkeypatch.chdir(tmp_path)
    write_album("scans/album.pdf", pages=2)
    names = [f"album.pdf#page={number}" for number in (1, 2, 3)]
    for given in (Path("scans"), Path("scans/album.pdf")):
        shots = make_album(given, tmp_path / "out").shots
        assert [shot.source.name for shot in shots] == names
        assert [shot.place.name for shot in shots] == [f"album-{number:04d}.png" for number in (1, 2, 3)]
    rows = [{"input": f"scans/{name}", "status": "done", "output": "x.png"} for name in names]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path.parent)
    found = make_album(tmp_path / "r.jsonl", tmp_path / "out").shots
    assert [shot.source for shot in found] == [tmp_path / "scans" / name for name in names]
    assert [read_photo(shot.source).page for shot in found[:2]] == [0, 1]
