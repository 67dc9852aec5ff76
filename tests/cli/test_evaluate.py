"""`colorize evaluate` as it is typed."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from colorize_cli.cli.app import app
from tests.evaluation.conftest import Tint, photos, tints  # noqa: F401


@pytest.fixture
def colorize(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    return lambda *words: CliRunner().invoke(app, ["evaluate", *map(str, words)])


def test_one_command_gives_table_folder_and_exports(colorize, photos, tints, tmp_path):  # noqa: F811
    exports = [tmp_path / f"s.{ending}" for ending in ("json", "csv", "md")]
    words = [word for path in exports for word in ("--export", path)]
    result = colorize(photos, "-m", "gan", "-o", tmp_path / "r", "--protocol", "native", *words)
    assert result.exit_code == 0, result.output
    assert "PSNR" in result.stdout and "mean-chroma" in result.stdout and "warm" in result.stdout
    assert (tmp_path / "r" / "report.html").exists()
    assert all(path.stat().st_size for path in exports)


def test_a_failed_photo_is_named_and_the_exit_code_says_so(colorize, photos, tints, tmp_path):  # noqa: F811
    (photos / "0.png").write_bytes(b"broken")
    result = colorize(photos, "--protocol", "native", "--json")
    assert result.exit_code == 1
    assert "0.png" in result.stderr and "1 of 6" in result.stderr
    assert json.loads(result.stdout)["summary"]["warm"]["psnr"]["n"] == 5


def test_nothing_is_replaced_unless_told_and_that_is_known_before_any_work(colorize, photos, tints, tmp_path):  # noqa: F811
    assert colorize(photos, "-o", tmp_path / "r", "--no-report", "-q").exit_code == 0
    tints[:] = [Tint("warm", (0, 0), failing=range(9))]
    result = colorize(photos, "-o", tmp_path / "r")
    assert result.exit_code == 2 and "--overwrite" in result.stderr
    study = tmp_path / "study.html"
    study.write_text("mine")
    assert colorize(photos, "--study", study).exit_code == 2
    assert study.read_text() == "mine"


def test_choices_of_decoding_and_loading_go_to_the_models(colorize, photos, tints, monkeypatch):  # noqa: F811
    asked = {}
    monkeypatch.setattr("colorize_cli.evaluation.session.load_models", lambda _, **given: asked.update(given) or tints)
    words = ["--temperature", 0.4, "--score-blur", 2, "--offline", "--accept-license"]
    assert colorize(photos, "--protocol", "native", *words).exit_code == 0
    assert asked["decoding"] == {"temperature": 0.4, "score_blur": 2}
    assert asked["offline"] and asked["accept_license"]
    result = colorize(photos, "--fallback", 7)
    assert result.exit_code == 2 and "--fallback must be between 0 and 1, not 7" in result.stderr


def test_two_folders_are_compared(colorize, photos, tints, tmp_path):  # noqa: F811
    for name, ab in (("a", (0, 0)), ("b", (5, 10))):
        tints[:] = [Tint("gan", ab)]
        assert colorize(photos, "-o", tmp_path / name, "--no-report", "-q", "--protocol", "native").exit_code == 0
    result = colorize("--compare", tmp_path / "a", tmp_path / "b", "--export", tmp_path / "d.md")
    assert result.exit_code == 0 and "wins A:B" in result.stdout
    assert "PSNR" in (tmp_path / "d.md").read_text()
    listed = json.loads(colorize("--compare", tmp_path / "a", tmp_path / "b", "--json").stdout)
    assert {d["contender_a"] for d in listed} == {"gan"}


def test_a_study_is_written_and_its_answers_are_read_from_a_row_of_files(colorize, photos, tints, tmp_path):  # noqa: F811
    study = tmp_path / "study.html"
    result = colorize(photos, "--study", study, "--study-kind", "prefer", "--study-trials", 3, "--exposure", 1)
    assert result.exit_code == 0 and "3 questions" in result.stderr
    files = []
    for rater in ("ann", "bob"):
        files.append(tmp_path / f"{rater}.json")
        answers = [{"question": 0, "photo": "x", "shown": ["cold", "warm"], "chosen": "warm"}]
        document = {"format": "colorize-study-answers", "study": "s", "kind": "prefer", "rater": rater}
        files[-1].write_text(json.dumps({**document, "questions": 1, "answers": answers}))
    result = colorize("--study-results", *files)
    assert result.exit_code == 0
    assert "2 rater(s), 2 answers" in result.stdout and "cold over warm" in result.stdout
    assert json.loads(colorize("--study-results", *files, "--json").stdout)["raters"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "No photo was named"),
        (("nowhere",), "nowhere"),
        (("x.png", "--protocol", "other"), "hwang-zhou"),
        (("x.png", "--export", "table.doc"), ".csv"),
        (("x.png", "--study", "s.html", "--study-kind", "quiz"), "prefer"),
        (("x.png", "-m", "a", "-m", "b", "--weights", "w"), "cannot be paired"),
        (("--compare", "no", "where"), "no complete evaluation results"),
        (("--study-results", "missing.json"), "missing.json"),
    ],
)
def test_mistakes_end_in_one_sentence_and_exit_code_two(colorize, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("x.png")
    result = colorize(*words)
    assert result.exit_code == 2, result.output
    assert said in result.stderr


@pytest.mark.parametrize("gray", ["gray.png", "gray.tif"])
def test_gray_files_are_named_and_measured_on_nobody(tmp_path, monkeypatch, gray):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b", "gray"):
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
        if name != "gray":
            small.save(f"photos/{name}.png")
        elif gray.endswith(".png"):
            small.convert("L").save(f"photos/{gray}")
        else:
            tifffile.imwrite(f"photos/{gray}", np.asarray(small.convert("L"), np.uint16) * 257)
    result = CliRunner().invoke(app, ["evaluate", "photos", "--protocol", "native", "--export", "f.json"])
    assert result.exit_code == 1
    assert f"{gray} is gray" in result.stderr
    assert json.loads((tmp_path / "f.json").read_text())["summary"]["gray"]["psnr"]["n"] == 2
