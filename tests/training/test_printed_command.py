"""The command that a message prints where a model has no weights: it trains, for every entry, whatever is at hand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from colorize_cli import registry
from colorize_cli.checkpoints import locate
from colorize_cli.checkpoints.hub import download
from colorize_cli.checkpoints.locate import find_weights
from colorize_cli.cli.app import app
from colorize_cli.entry import HubFile, ModelEntry
from colorize_cli.errors import NoNetwork, WeightsMissing
from tests.training.conftest import encoded, picture

TRAINABLE = [name for name, entry in registry.ENTRIES.items() if entry.variants[entry.default_variant].recipes]


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    """A folder with nine photos and no subfolder."""
    folder = tmp_path / "unlabelled photos"
    folder.mkdir()
    for seed in range(9):
        (folder / f"{seed}.png").write_bytes(encoded(picture(seed, 72, 80)))
    return folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(hub: HubFile) -> None:
        raise NoNetwork(f"{hub} does not answer.")

    monkeypatch.setattr(download, "fetch", unreachable)


def printed_command(entry: ModelEntry, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of the command in the message for a model whose weights are missing."""
    with monkeypatch.context() as missing:
        missing.setattr(locate, "bundled_path", lambda entry: None)
        with pytest.raises(WeightsMissing) as caught:
            find_weights(entry)
    command = re.search(r"`colorize (train PHOTOS [^`]+)`", str(caught.value))
    assert command is not None
    return shlex.split(command[1])


def run(words: list[str], photos: Path, output: Path, *fitted: str) -> str:
    words = [str(photos) if word == "PHOTOS" else str(output) if word == "run/" else word for word in words]
    result = CliRunner().invoke(app, [*words, "--size", "64", "--workers", "0", *fitted])
    assert result.exit_code == 0, result.stderr
    assert (output / "best.safetensors").is_file()
    return result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINABLE)
def test_the_printed_command_trains(
    name: str, unlabelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = registry.get(name)
    steps = () if entry.recipe().fitting is not None else ("--max-steps", "2")
    said = run(printed_command(entry, monkeypatch), unlabelled, tmp_path / "run", *steps)
    assert ("encoder" in said) == (hasattr(entry.build(), "encoder")), "a run says where its encoder is from"


def test_without_any_pretrained_encoder_a_run_begins_from_scratch_and_says_so(
    unlabelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorize_cli.training.initialize.bundled_path", lambda entry: None)
    words = [*printed_command(registry.get("vgg-decoder"), monkeypatch), "--variant", "light", "--max-steps", "2"]
    said = run(words, unlabelled, tmp_path / "run")
    assert said.count("Warning: no pretrained encoder") == 1
