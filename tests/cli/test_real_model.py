"""The command line with a real network (its weights random): the same pixels and the same record as the library."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.resume import expected_provenance
from colorize_cli.cli import main
from tests.cli.conftest import gray_picture as make_gray
from tests.cli.conftest import make_photo


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A checkpoint of ``gan`` whose weights are random, so that it paints something."""
    import torch

    from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
    from colorize_cli.registry import get

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "gan.safetensors"
    entry = get("gan")
    save_checkpoint(path, entry.build().state_dict(), CheckpointInfo("gan", entry.default_variant))
    return path


def test_command_line_and_library_paint_the_same_pixels(weights, tmp_path, monkeypatch, capfdbinary):
    from colorize_cli import Colorizer

    monkeypatch.chdir(tmp_path)
    for number in range(3):
        make_photo(f"scans/{number}.png", width=70 + 9 * number, height=50, seed=number)
    code = main(["scans", "-o", "out", "--weights", str(weights), "--size", "64", "--device", "cpu", "--jobs", "2"])
    assert code == 0, capfdbinary.readouterr().err
    colorizer = Colorizer("gan", weights=weights, size=64, device="cpu")
    for number in range(3):
        painted = np.asarray(Image.open(f"out/{number}.png"))
        alone = np.asarray(colorizer(f"scans/{number}.png"))
        assert np.abs(painted.astype(int) - alone.astype(int)).max() <= 1  # batches round differently


@pytest.mark.parametrize("options", [{}, {"size": 64}, {"strength": 0.5}, {"vividness": 0.25}], ids=str)
def test_record_is_known_without_loading_the_model(weights, options):
    from colorize_cli import Colorizer

    expected = expected_provenance(ColorizeOptions(weights=str(weights), **options))
    assert expected == Colorizer("gan", weights=weights, device="cpu", **options).provenance()


def test_models_verify_accepts_sound_weights_and_names_damaged_ones(weights, tmp_path, capfd):
    assert main(["models", "verify", "gan", "--weights", str(weights), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["sound"] is True
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(weights.read_bytes()[:1000])
    assert main(["models", "verify", "gan", "--weights", str(damaged)]) == 3
    assert "damaged.safetensors" in capfd.readouterr().err


def test_models_show_tells_the_facts_of_model_and_weights(weights, capfd):
    assert main(["models", "show", "gan", "--weights", str(weights), "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert (facts["name"], facts["variant"], facts["weights"]) == ("gan", "efficientnet", str(weights))


def test_models_list_names_every_model_those_that_are_ready_first(capfd):
    from colorize_cli.registry import ENTRIES

    assert main(["models", "list", "--json"]) == 0
    assert [entry["name"] for entry in json.loads(capfd.readouterr().out)] == list(ENTRIES)
    assert main(["models", "list"]) == 0
    rows = [line.split()[:2] for line in capfd.readouterr().out.splitlines()]
    assert sorted(name for name, _ in rows) == sorted(ENTRIES)
    ready = [state == "ready" for _, state in rows]
    assert ready == sorted(ready, reverse=True) and any(ready)


@pytest.mark.parametrize(("name", "variant"), [("classifier", "paired"), ("unet-gan", "light"), ("ols", "guided")])
def test_models_list_describes_the_weights_that_would_be_used(name, variant, capfd):
    from colorize_cli.checkpoints.file import read_info
    from colorize_cli.checkpoints.locate import bundled_path
    from colorize_cli.registry import get

    assert main(["models", "list", "--json"]) == 0
    facts = next(row for row in json.loads(capfd.readouterr().out) if row["name"] == name)
    assert facts["variant"] == variant == read_info(bundled_path(get(name))).variant
    described = get(name).described(variant)
    assert facts["parameters"] == described.parameters
    assert facts["encoder"] == (described.encoder or None)
    assert facts["notes"] == list(described.notes)
    assert main(["models", "list"]) == 0
    line = next(line for line in capfd.readouterr().out.splitlines() if line.startswith(f"{name} "))
    assert described.objective in line and described.title in line


def test_models_show_describes_the_variant_that_a_file_holds(tmp_path, capfd):
    from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
    from colorize_cli.registry import get

    path = tmp_path / "paper.safetensors"
    save_checkpoint(path, get("unet-gan").build("light").state_dict(), CheckpointInfo("unet-gan", "paper"))
    assert main(["models", "show", "unet-gan", "--weights", str(path), "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert (facts["variant"], facts["parameters"], facts["objective"]) == ("paper", 31_036_546, "adversarial")


def test_unknown_model_and_missing_weights_are_model_errors(tmp_path, capfd):
    assert main(["models", "show", "gann"]) == 3
    photo = make_photo(tmp_path / "a.png")
    assert main([str(photo), "--weights", str(tmp_path / "gone.safetensors")]) == 3
    assert "gone.safetensors" in capfd.readouterr().err


def test_device_that_is_not_there_is_a_device_error(weights, tmp_path, capfd):
    photo = make_photo(tmp_path / "a.png")
    assert main([str(photo), "--weights", str(weights), "--device", "cuda:99"]) == 4
    assert "CUDA device" in capfd.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]


def test_variants_begin_with_the_answer_whatever_the_shape_and_the_borders(weights):
    import torch

    from colorize_cli import Colorizer

    colorizer = Colorizer("gan", weights=weights, size=64, device="cpu")
    centers = colorizer.network.decode.centers
    centers.copy_(40 * torch.randn(centers.shape, generator=torch.Generator().manual_seed(0)))
    framed = np.zeros((90, 140), np.uint8)
    framed[15:75, 20:120] = np.asarray(make_gray(100, 60))
    for gray in (framed, np.asarray(make_gray(40, 90))):
        (prediction,) = colorizer.predict([gray])
        (variants,) = colorizer.variants([gray], [prediction], 3)
        assert variants.shape == (3, *prediction.shape)
        np.testing.assert_array_equal(variants[0], prediction)
        assert np.abs(variants[1] - prediction).max() > 0.1
        assert np.abs(variants[1] - variants[2]).max() > 0.1
        np.testing.assert_array_equal(colorizer.variants([gray], [prediction], 3)[0], variants)


def test_architecture_without_a_distribution_has_no_variants(tmp_path, monkeypatch, capfd):
    from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
    from colorize_cli.models.network import half
    from colorize_cli.registry import get

    monkeypatch.chdir(tmp_path)
    make_photo("a.png")
    network = get("gan").build("dynamic-unet")
    save_checkpoint(tmp_path / "other.safetensors", half(network), CheckpointInfo("gan", "dynamic-unet"))
    assert main(["a.png", "--weights", "other.safetensors", "--variants", "2", "--device", "cpu"]) == 2
    assert "This architecture of 'gan' predicts a single color" in capfd.readouterr().err
