"""Options that would have no effect, or another one than meant, are refused or said."""

from pathlib import Path

import pytest
from PIL import Image, ImageFont

from colorize_cli.errors import UsageProblem
from colorize_cli.imaging import marks
from colorize_cli.imaging.marks import check_letters
from tests.cli.conftest import make_photo, snapshot


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.jpg", "--label-position", "below"), "Add --label"),
        (("a.jpg", "--label-font", "x.ttf"), "Add --label"),
        (("a.jpg", "--gallery-size", "5"), "Add --gallery"),
        (("a.jpg", "b.jpg", "-o", "one.jpg"), "several results need a folder"),
        (("box", "-o", "one.TIF"), "several results need a folder"),
        (("a.jpg", "--label", "日本"), "No font for --label has the letters '日本'"),
        (("a.jpg", "--label", "x", "--label-font", "a.jpg"), "'a.jpg' is not a font"),
        (("a.jpg", "b.jpg", "--hints", "hints.png"), "fits one photo"),
        (("box", "--hints", "hints.png"), "fits one photo"),
    ],
)
def test_option_that_cannot_be_meant_is_refused_before_any_work(run, models, monkeypatch, words, said):
    monkeypatch.setattr("colorize_cli.imaging.marks._SYSTEM_FONTS", ("none.ttf",))
    marks._font_with.cache_clear()
    for name in ("a.jpg", "b.jpg", "box/c.jpg", "box/d.jpg"):
        make_photo(name)
    Image.new("RGBA", (8, 8), (255, 0, 0, 255)).save("hints.png")
    before = snapshot()
    result = run(*words)
    assert (result.exit_code, models.loaded, snapshot()) == (2, [], before)
    assert said in result.stderr


def test_folder_may_have_the_name_of_a_photo_when_it_ends_in_a_slash(run):
    make_photo("a.jpg")
    make_photo("b.jpg")
    assert run("a.jpg", "b.jpg", "-o", "one.jpg/").exit_code == 0
    assert sorted(path.name for path in Path("one.jpg").iterdir()) == ["a.jpg", "b.jpg"]


def test_hints_for_the_one_photo_of_a_folder_are_taken(run):
    make_photo("box/c.jpg")
    Image.new("RGBA", (8, 8), (255, 0, 0, 255)).save("hints.png")
    assert run("box", "--hints", "hints.png").exit_code == 0


def test_quality_of_a_format_without_loss_is_said_to_have_no_effect(run):
    make_photo("a.png")
    make_photo("b.jpg")
    assert "no effect" in run("a.png", "--quality", "80").stderr
    assert "no effect" not in run("b.jpg", "--quality", "80").stderr


@pytest.fixture
def font(tmp_path) -> Path:
    """A file with the letters of ASCII only."""
    path = tmp_path / "font.ttf"
    path.write_bytes(ImageFont.load_default(10).path.getvalue())
    return path


def test_font_in_a_file_is_used_for_letters_it_has(run, font):
    make_photo("a.png", width=300, height=200)
    assert run("a.png", "--label", "Colored", "--label-font", str(font)).exit_code == 0
    with pytest.raises(UsageProblem, match="'öß'"):
        check_letters("Größe", font)


def test_fonts_of_the_system_are_looked_at_for_letters_that_the_default_lacks(monkeypatch, font):
    looked = []
    real = marks._font
    monkeypatch.setattr(marks, "_SYSTEM_FONTS", ("none.ttf", str(font)))
    monkeypatch.setattr(marks, "_font", lambda file, size: looked.append(file) or real(file, size))
    marks._font_with.cache_clear()
    with pytest.raises(UsageProblem, match="'Я'"):
        check_letters("aЯ")
    assert "none.ttf" in looked and str(font) in looked


def test_label_with_control_characters_matches_on_resume(run):
    make_photo("a.png")
    words = ("a.png", "--label", "a\x01\r\nb")
    assert run(*words).exit_code == 0
    again = run(*words, "--skip-existing")
    assert "other options" not in again.stderr
    assert "1 skipped" in again.stderr
