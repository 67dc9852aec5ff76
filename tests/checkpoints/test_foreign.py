"""Checkpoints that others published: read safely, matched strictly, converted."""

import os
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from colorize_cli import registry
from colorize_cli.checkpoints import foreign
from colorize_cli.checkpoints.file import CheckpointInfo, load_checkpoint, read_info
from colorize_cli.checkpoints.foreign import convert, load_network, open_checkpoint, read_foreign
from colorize_cli.errors import (
    OutputError,
    OutputExists,
    UnknownLayout,
    UnsafeWeights,
    WeightsInvalid,
    WeightsMissing,
    WrongHash,
)
from colorize_cli.files import sha256_of
from tests.checkpoints.thin import thin


@pytest.fixture(scope="module")
def entry():
    return registry.get("siggraph17")


@pytest.fixture(scope="module")
def state(entry):
    torch.manual_seed(0)
    return thin({name: value.half() if value.ndim > 1 else value for name, value in entry.build().state_dict().items()})


def same(network, state):
    return all(torch.equal(value, state[name].to(value.dtype)) for name, value in network.state_dict().items())


@pytest.mark.parametrize("wrapper", [None, "params", "state_dict"])
def test_a_published_pickle_of_tensors_is_read(entry, state, tmp_path, wrapper):
    path = tmp_path / "weights.pth"
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, path)
    checkpoint = open_checkpoint(path, entry)
    assert checkpoint.sha256 == sha256_of(path)
    assert same(load_network(checkpoint, entry, "x"), state)


def test_a_file_in_the_first_pickle_format_is_read(entry, state, tmp_path):
    path = tmp_path / "weights.bin"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    assert same(load_network(open_checkpoint(path, entry), entry, "x"), state)


def test_safetensors_without_a_description_are_read_as_the_model_asked_for(entry, state, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    assert same(load_network(open_checkpoint(path, entry), entry, "x"), state)


def test_batch_counters_may_be_missing(entry, state, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}, path)
    assert same(load_network(open_checkpoint(path, entry), entry, "x"), state)


def test_another_layout_is_refused_with_the_names_that_differ(entry, state, tmp_path):
    path = tmp_path / "weights.pth"
    changed = dict(state)
    del changed["model1.0.bias"]
    changed["surplus.weight"] = torch.zeros(1)
    changed["model2.0.weight"] = torch.zeros(3, 3)
    torch.save(changed, path)
    with pytest.raises(UnknownLayout) as caught:
        open_checkpoint(path, entry)
    told = str(caught.value)
    assert "1 missing (model1.0.bias)" in told
    assert "1 unexpected (surplus.weight)" in told
    assert "1 of another shape (model2.0.weight)" in told
    assert "-m" in told


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_a_pickle_with_code_is_refused_and_not_run(entry, state, tmp_path, new):
    path, trace = tmp_path / "weights.pth", tmp_path / "it-ran"
    torch.save({**state, "optimizer": Payload(trace)}, path, _use_new_zipfile_serialization=new)
    with pytest.raises(UnsafeWeights, match="could run code"):
        open_checkpoint(path, entry)
    assert not trace.exists()


def test_a_bare_pickle_with_code_is_refused_and_not_run(entry, tmp_path):
    path, trace = tmp_path / "weights.bin", tmp_path / "it-ran"
    path.write_bytes(pickle.dumps(Payload(trace)))
    with pytest.raises(WeightsInvalid):
        open_checkpoint(path, entry)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut off"])
@pytest.mark.parametrize("suffix", [".pth", ".bin", ".safetensors"])
def test_what_is_no_checkpoint_is_refused_in_plain_words(entry, tmp_path, content, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsInvalid, match=path.name):
        open_checkpoint(path, entry)


PAGE = b"\n<!DOCTYPE html>\n<html><title>404</title>" + b"x" * 2000
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize("suffix", [".pth", ".bin", ".safetensors"])
@pytest.mark.parametrize(
    ("content", "says"),
    [(PAGE, "is a web page"), (POINTER, "is a Git LFS pointer"), (b'{"error":"Repository not found"}', "is JSON text")],
)
def test_what_was_saved_in_place_of_weights_is_called_that(entry, tmp_path, suffix, content, says):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsInvalid, match=says) as caught:
        open_checkpoint(path, entry)
    assert not isinstance(caught.value, UnsafeWeights)


def test_one_bit_that_changed_in_a_pickle_of_tensors_is_noticed(entry, state, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(state, path)
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 0x10
    path.write_bytes(changed)
    with pytest.raises(WeightsInvalid, match="checksum"):
        open_checkpoint(path, entry)


def test_a_compressed_archive_is_no_checkpoint(entry, state, tmp_path):
    torch.save(state, tmp_path / "stored.pth")
    with (
        zipfile.ZipFile(tmp_path / "stored.pth") as stored,
        zipfile.ZipFile(tmp_path / "weights.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in stored.namelist():
            packed.writestr(member, stored.read(member))
    with pytest.raises(WeightsInvalid, match="compressed"):
        open_checkpoint(tmp_path / "weights.pth", entry)


@pytest.mark.parametrize("other", [torch.int32, torch.int8, torch.bool, torch.complex64])
def test_weights_that_are_no_floating_point_numbers_are_refused(entry, state, tmp_path, other):
    path = tmp_path / "weights.pth"
    torch.save({**state, "model1.0.bias": state["model1.0.bias"].to(other)}, path)
    with pytest.raises(WeightsInvalid, match=r"model1\.0\.bias"):
        load_network(open_checkpoint(path, entry), entry, str(path))


def test_a_truncated_download_is_refused(entry, state, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:-100_000])
    assert not zipfile.is_zipfile(path)
    with pytest.raises(WeightsInvalid, match="again"):
        open_checkpoint(path, entry)


@pytest.mark.parametrize("content", [[1, 2], {"a": 3}, torch.zeros(2)])
def test_tensors_without_names_are_refused(entry, tmp_path, content):
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(WeightsInvalid, match="named tensors"):
        open_checkpoint(path, entry)


def test_values_that_are_not_finite_are_refused(entry, state, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({**state, "model1.0.bias": torch.full((64,), float("nan"))}, path)
    with pytest.raises(WeightsInvalid, match="not finite"):
        load_network(open_checkpoint(path, entry), entry, str(path))


def test_a_missing_file_is_named(entry, tmp_path):
    with pytest.raises(WeightsMissing, match="--weights"):
        open_checkpoint(tmp_path / "none.pth", entry)


def test_conversion_gives_a_checkpoint_of_ours(entry, state, tmp_path):
    source, target = tmp_path / "mine.pth", tmp_path / "siggraph17.safetensors"
    torch.save(state, source)
    convert(source, entry, target, variant="centered-mask")
    info = read_info(target)
    assert (info.model, info.variant) == ("siggraph17", "centered-mask")
    assert sha256_of(source) in info.recipe
    network = load_network(load_checkpoint(target), entry, "x")
    assert same(network, state)
    assert network.mask_center == 0.5
    with pytest.raises(OutputExists, match="--overwrite"):
        convert(source, entry, target)
    convert(source, entry, target, overwrite=True)


def test_a_file_under_the_publishers_name_must_have_its_hash(entry, state, tmp_path):
    source = tmp_path / entry.original.file
    torch.save(state, source)
    with pytest.raises(WrongHash, match="colorizers"):
        convert(source, entry, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_a_target_that_cannot_be_written_is_reported(entry, state, tmp_path):
    source = tmp_path / "mine.pth"
    torch.save(state, source)
    with pytest.raises(OutputError, match="cannot be written"):
        foreign.convert(source, entry, tmp_path / "no" / "folder.safetensors")


def test_weights_in_half_precision_are_widened(entry, state, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(state, path)
    network = load_network(read_foreign(path, entry), entry, "x")
    assert {value.dtype for value in network.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["gan", "classifier", "unet", "koalarization", "vgg-decoder", "ddcolor-tiny"])
def test_building_a_network_to_be_filled_draws_no_random_numbers(name):
    entry = registry.get(name)
    before = torch.get_rng_state()
    foreign._built(CheckpointInfo(name, entry.default_variant), entry)
    assert torch.equal(torch.get_rng_state(), before)
