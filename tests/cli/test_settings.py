"""Options from the environment, from colorize.toml and from presets, and which of them wins."""

import json
from pathlib import Path

import pytest

from colorize_cli.cli import settings
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from tests.cli.conftest import make_photo


def parameters(photo: str) -> dict[str, str]:
    found = read_provenance(Path(photo))
    assert found is not None
    return {name: value for name, value in found.parameters.items() if name != "size"}


def test_the_command_line_wins_over_environment_file_and_preset(run, monkeypatch):
    make_photo("scans/a.jpg")
    Path("colorize.toml").write_text('preset = "publication"\nstrength = 0.4\nvividness = 0.6\n')
    assert run("scans", "-o", "file").exit_code == 0
    assert parameters("file/a.jpg") == {"vividness": "0.6", "strength": "0.4", "label": "Colorized"}
    monkeypatch.setenv("COLORIZE_STRENGTH", "0.3")
    run("scans", "-o", "environment")
    assert parameters("environment/a.jpg")["strength"] == "0.3"
    run("scans", "-o", "words", "--strength", "0.2", "--vividness", "0.1")
    assert parameters("words/a.jpg")["strength"] == "0.2"
    assert parameters("words/a.jpg")["vividness"] == "0.1"


def test_the_file_of_this_folder_wins_over_the_users(run):
    make_photo("scans/a.jpg")
    settings.user_file().parent.mkdir(parents=True)
    settings.user_file().write_text("strength = 0.5\nvividness = 0.5\n")
    Path("colorize.toml").write_text("strength = 0.7\n")
    run("scans", "-o", "out")
    assert parameters("out/a.jpg") == {"vividness": "0.5", "strength": "0.7"}


@pytest.mark.parametrize("words", [("a.jpg",), (".",), ("*.jpg",), ("..",)])
def test_a_file_that_came_with_the_photos_is_not_read(run, words):
    make_photo("a.jpg")
    Path("colorize.toml").write_text("strength = 9\n")
    result = run(*words, "-o", "out/")
    assert result.exit_code == 0
    assert "'colorize.toml' is ignored" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("strengh = 1", "Did you mean 'strength'?"),
        ("overwrite = true", "--overwrite on the command line"),
        ("accept-license = true", "a file cannot set"),
        ('cluster = "local"', "a file cannot set"),
        ('output = "x/"', "a file cannot set"),
        ("strength = 4", "--strength is set by 'colorize.toml'"),
        ("[trian]\nepochs = 3", "Tables: train, evaluate"),
        ("strength =", "not valid TOML"),
        ('preset = "poster"', "Choose from archive, family, publication"),
    ],
)
def test_mistakes_in_the_file_are_refused_by_name(run, models, text, said):
    make_photo("scans/a.jpg")
    Path("colorize.toml").write_text(text)
    result = run("scans", "-o", "out/")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not Path("out").exists() and not models.loaded


def test_a_value_of_the_environment_that_is_refused_is_named(run, monkeypatch):
    make_photo("a.jpg")
    monkeypatch.setenv("COLORIZE_STRENGTH", "9")
    assert "--strength is set by COLORIZE_STRENGTH" in run("a.jpg").stderr


def test_a_switch_of_the_file_can_be_turned_off(run):
    make_photo("scans/a.jpg")
    Path("colorize.toml").write_text("keep-borders = true\n")
    run("scans", "-o", "on")
    run("scans", "-o", "off", "--no-keep-borders")
    assert parameters("on/a.jpg")["borders"] == "kept"
    assert "borders" not in parameters("off/a.jpg")


def test_config_show_names_the_origin_of_every_value(run, monkeypatch):
    Path("colorize.toml").write_text("strength = 0.4\n[train]\nepochs = 7\n[evaluate]\nlimit = 3\n")
    monkeypatch.setenv("COLORIZE_JOBS", "3")
    shown = json.loads(run("config", "show", "--json", "--preset", "publication", "--seed", "5").stdout)
    assert shown["strength"] == {"value": 0.4, "source": "colorize.toml"}
    assert shown["jobs"] == {"value": 3, "source": "COLORIZE_JOBS"}
    assert shown["label"] == {"value": "Colorized", "source": "preset publication"}
    assert shown["seed"] == {"value": 5, "source": "command line"}
    assert shown["format"] == {"value": "the photo's own", "source": "default"}
    text = run("config", "show", "train").stdout
    assert "epochs" in text and "7 " in text
    assert max(map(len, text.splitlines()[:-2])) <= 80


def test_options_of_the_machine_hold_for_every_command(run):
    Path("colorize.toml").write_text('device = "cpu"\nstrength = 0.4\n')
    shown = json.loads(run("config", "show", "train", "--json").stdout)
    assert shown["device"]["source"] == "colorize.toml"
    assert "strength" not in shown


def test_a_preset_leaves_out_what_the_model_does_not_take(run):
    shown = json.loads(run("config", "show", "--json", "-m", "ddcolor", "--preset", "family").stdout)
    assert shown["vividness"]["source"] == "default"
    assert shown["quality"] == {"value": 90, "source": "preset family"}


def test_the_help_says_what_each_preset_sets(run):
    text = " ".join(run("--help-all").stdout.split())
    for name, values in settings.PRESETS.items():
        assert name in text
        assert all(option.replace("_", "-") in text for option in values)
