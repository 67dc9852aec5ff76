"""How a photograph is given to the network: the checkpoint decides, the registry where it says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from colorize_cli import registry
from colorize_cli.checkpoints.file import CheckpointInfo, load_checkpoint, save_checkpoint
from colorize_cli.checkpoints.input_format import InputFormat, input_format, input_format_of

GAN = registry.get("gan")
ENTRYS_OWN = InputFormat(GAN.input_size, GAN.fit, GAN.mirror)


def test_what_a_checkpoint_says_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    stored = {"size": 96, "fit": "stretch", "mirror": False}
    save_checkpoint(path, {"x": torch.zeros(1)}, CheckpointInfo("gan", "light", input=stored))
    assert input_format_of(GAN, path) == InputFormat(96, "stretch", False)
    assert input_format(GAN, load_checkpoint(path).info.input) == InputFormat(96, "stretch", False)


def test_files_without_these_fields_read_as_before(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, {"x": torch.zeros(1)}, CheckpointInfo("gan", "light"))
    assert input_format_of(GAN, path) == ENTRYS_OWN
    save_file({"x": torch.zeros(1)}, path)
    assert input_format_of(GAN, path) == ENTRYS_OWN
    path.write_bytes(b"no checkpoint at all")
    assert input_format_of(GAN, path) == ENTRYS_OWN


@pytest.mark.parametrize("stored", [{"size": "wide"}, {"size": -1}, {"fit": "crop"}, {"mirror": 1}])
def test_values_that_nobody_knows_are_the_entrys(stored: dict[str, object]) -> None:
    assert input_format(GAN, stored) == ENTRYS_OWN
