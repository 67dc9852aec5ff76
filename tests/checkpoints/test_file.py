import json

import pytest
import torch
from safetensors.torch import save_file

from colorize_cli import files
from colorize_cli.checkpoints.file import (
    KEY,
    CheckpointInfo,
    load_checkpoint,
    load_strictly,
    read_info,
    save_checkpoint,
)
from colorize_cli.errors import OutputError, WeightsInvalid, WeightsMissing
from colorize_cli.files import sha256_of

INFO = CheckpointInfo(model="gan", variant="light", arguments={"width": 8}, recipe="bundled", data={"photos": 3})


def _network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4))


def test_a_checkpoint_comes_back_as_it_was_written(tmp_path):
    network = _network()
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, network.state_dict(), INFO)
    checkpoint = load_checkpoint(path)
    assert checkpoint.info == INFO
    assert checkpoint.sha256 == sha256_of(path)
    assert all(torch.equal(v, checkpoint.state[k]) for k, v in network.state_dict().items())


def test_nothing_is_left_behind_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, _network().state_dict(), INFO)
    before = path.read_bytes()

    def broken(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", broken)
    with pytest.raises(OutputError, match="No space"):
        save_checkpoint(path, torch.nn.Linear(2, 2).state_dict(), INFO)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsMissing, match=r"nothing\.safetensors"):
        read_info(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"\x00" * 64, b"\xff" * 64])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsInvalid):
        load_checkpoint(path)


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, _network().state_dict(), INFO)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(WeightsInvalid):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "text", [None, "{", "[]", json.dumps({"format": 1}), json.dumps({"format": 99, "version": "9.0", "model": "gan"})]
)
def test_a_checkpoint_without_a_usable_description_is_refused(tmp_path, text):
    path = tmp_path / "w.safetensors"
    save_file(_network().state_dict(), path, metadata=None if text is None else {KEY: text})
    with pytest.raises(WeightsInvalid):
        read_info(path)


def test_tensors_that_do_not_fit_are_listed(tmp_path):
    state = dict(_network().state_dict())
    state["0.weight"] = torch.zeros(5, 1, 3, 3)
    state["extra"] = state.pop("0.bias")
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, state, INFO)
    with pytest.raises(WeightsInvalid, match=r"missing: 0\.bias; unexpected: extra; of another shape: 0\.weight"):
        load_strictly(_network(), load_checkpoint(path), str(path))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, dtype, value):
    state = dict(_network().state_dict())
    state["0.bias"] = torch.tensor([1, -2, value, 3], dtype=dtype)
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, state, INFO)
    with pytest.raises(WeightsInvalid, match="not finite"):
        load_strictly(_network(), load_checkpoint(path), str(path))


def _sharing(tmp_path):
    """Two checkpoints of one network, the second with a bias of its own and all else in the first."""
    state = _network().state_dict()
    whole, light = tmp_path / "whole.safetensors", tmp_path / "light.safetensors"
    save_checkpoint(whole, state, INFO)
    own = {"0.bias": state["0.bias"] + 1}
    names = sorted(state.keys() - own.keys())
    shared = {whole.name: {"sha256": sha256_of(whole), "tensors": names}}
    save_checkpoint(light, own, CheckpointInfo("gan", "light", shared=shared))
    return state | own, whole, light


def test_tensors_stored_in_another_file_are_read_from_there(tmp_path):
    state, _, light = _sharing(tmp_path)
    checkpoint = load_checkpoint(light)
    assert checkpoint.state.keys() == state.keys()
    assert all(torch.equal(v, checkpoint.state[k]) for k, v in state.items())
    assert checkpoint.info.format == 2 and checkpoint.sha256 == sha256_of(light)


def test_a_shared_file_that_is_missing_or_another_one_is_named(tmp_path):
    _, whole, light = _sharing(tmp_path)
    save_checkpoint(whole, {name: tensor + 1 for name, tensor in _network().state_dict().items()}, INFO)
    with pytest.raises(WeightsInvalid, match=r"another whole\.safetensors"):
        load_checkpoint(light)
    whole.unlink()
    with pytest.raises(WeightsMissing, match=r"needs whole\.safetensors"):
        load_checkpoint(light)


def test_a_shared_file_is_only_looked_for_in_the_same_folder(tmp_path):
    _, whole, _ = _sharing(tmp_path)
    part = {"sha256": sha256_of(whole), "tensors": ["0.weight"]}
    (tmp_path / "deep").mkdir()
    save_checkpoint(
        tmp_path / "deep" / "x.safetensors", {}, CheckpointInfo("gan", "light", shared={"../whole.safetensors": part})
    )
    with pytest.raises(WeightsMissing):
        load_checkpoint(tmp_path / "deep" / "x.safetensors")
