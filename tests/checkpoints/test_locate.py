import dataclasses

import pytest

from colorize_cli import registry
from colorize_cli.checkpoints import locate, verify
from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
from colorize_cli.errors import WeightsInvalid, WeightsMissing
from colorize_cli.models.network import half


@pytest.fixture
def entry():
    return registry.get("gan")


def test_a_model_without_weights_says_how_to_get_them(entry):
    untrained = dataclasses.replace(entry, name="gan-64", bundled=None)
    with pytest.raises(WeightsMissing, match="colorize train PHOTOS -m gan-64"):
        locate.find_weights(untrained)


def test_a_folder_is_searched_for_the_best_checkpoint(entry, tmp_path):
    for name in ("last.safetensors", "best.safetensors", "other.safetensors"):
        (tmp_path / name).touch()
    assert locate.find_weights(entry, tmp_path).name == "best.safetensors"
    (tmp_path / "gan.safetensors").touch()
    assert locate.find_weights(entry, str(tmp_path)).name == "gan.safetensors"


def test_a_folder_with_nothing_or_too_much_is_refused(entry, tmp_path):
    with pytest.raises(WeightsMissing, match=r"no \.safetensors"):
        locate.find_weights(entry, tmp_path)
    (tmp_path / "a.safetensors").touch()
    assert locate.find_weights(entry, tmp_path).name == "a.safetensors"
    (tmp_path / "b.safetensors").touch()
    with pytest.raises(WeightsMissing, match="several"):
        locate.find_weights(entry, tmp_path)


@pytest.fixture
def bundle(entry, tmp_path, monkeypatch):
    """A folder of bundled weights with an index, in place of the product's own."""
    monkeypatch.setattr(locate, "bundled_folder", lambda: tmp_path)
    monkeypatch.setattr(verify, "bundled_folder", lambda: tmp_path)
    info = CheckpointInfo(model="gan", variant="efficientnet")
    save_checkpoint(tmp_path / "gan.safetensors", half(entry.build()), info)
    verify.write_index()
    return tmp_path


def test_bundled_weights_are_verified_against_the_index(entry, bundle):
    result = verify.verify(entry)
    assert result.path == bundle / "gan.safetensors"
    assert result.size == result.path.stat().st_size


def test_a_changed_bundled_file_is_noticed(entry, bundle):
    save_checkpoint(
        bundle / "gan.safetensors", half(entry.build()), CheckpointInfo(model="gan", variant="efficientnet")
    )
    with pytest.raises(WeightsInvalid, match="not the file that was published"):
        verify.verify(entry)


def test_a_damaged_index_is_reported(entry, bundle):
    (bundle / "index.json").write_text("{")
    with pytest.raises(WeightsInvalid, match=r"index\.json"):
        verify.verify(entry)


def test_weights_of_another_model_are_refused(entry, bundle):
    other = registry.get("gan-64")
    with pytest.raises(WeightsInvalid, match="-m gan"):
        verify.verify(other, bundle / "gan.safetensors")
