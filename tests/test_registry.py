"""The contract every registry entry keeps, whatever its architecture."""

import importlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from colorize_cli import registry
from colorize_cli.checkpoints.file import Checkpoint, CheckpointInfo, load_checkpoint, load_strictly, save_checkpoint
from colorize_cli.errors import UnknownModel
from colorize_cli.models.heads.uncertainty import PredictsDistribution
from colorize_cli.models.network import half
from colorize_cli.training.fitting.methods import METHODS
from colorize_cli.training.objectives import OBJECTIVES

LARGEST_FILE = 15e6
HALF_A_GIGABYTE = ("random-forest", "paper")
VARIANTS = [
    pytest.param(
        entry.name,
        name,
        marks=pytest.mark.slow if variant.parameters > 60e6 or (entry.name, name) == HALF_A_GIGABYTE else (),
    )
    for entry in registry.ENTRIES.values()
    for name, variant in entry.variants.items()
]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_every_variant_keeps_the_contract(name, variant, tmp_path):
    entry = registry.get(name)
    torch.manual_seed(0)
    network = entry.build(variant).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == entry.variants[variant].parameters
    lightness = torch.rand(2, 1, 33, 47) * 100
    with torch.inference_mode():
        ab = network(lightness)
        native = network.chroma(lightness)
    assert ab.shape == (2, 2, 33, 47)
    assert ab.dtype == torch.float32
    assert native.shape[:2] == (2, 2)
    assert torch.isfinite(ab).all()
    assert ab.abs().max() <= 200, "a*b* must be in Lab units"
    if variant == entry.default_variant:
        assert isinstance(network, PredictsDistribution) == entry.distribution
    assert hasattr(network, "encoder") == bool(entry.described(variant).encoder)
    if isinstance(network, PredictsDistribution):
        with torch.inference_mode():
            weights, colors = network.distribution(lightness)
        assert colors.shape in ((weights.shape[1], 2), (2, weights.shape[1], 2))
        assert weights.shape[0] == 2
        torch.testing.assert_close(weights.sum(1), torch.ones_like(weights[:, 0]))

    info, state = CheckpointInfo(model=name, variant=variant), network.state_dict()
    checkpoint = Checkpoint(info, state, "")
    # All files are alike, so that large networks need not be written: their files would come to 3 GB.
    if sum(tensor.nbytes for tensor in state.values()) < LARGEST_FILE:
        path = tmp_path / "model.safetensors"
        save_checkpoint(path, state, info)
        checkpoint = load_checkpoint(path)
    again = entry.build(variant).eval()
    load_strictly(again, checkpoint, name)
    with torch.inference_mode():
        assert torch.equal(again(lightness), ab)


@pytest.mark.parametrize("name", registry.ENTRIES)
def test_every_entry_states_its_facts(name):
    entry = registry.get(name)
    assert entry.name == name
    assert entry.title
    assert entry.paper
    assert entry.input_size % 32 == 0 or name == "koalarization", "its paper says 299"


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_every_variant_names_what_its_modules_have(name, variant):
    described = registry.get(name).described(variant)
    assert described.title and described.objective
    for reference in (described.builder, *described.recipes.values()):
        # import-linter sees no strings: what an entry refers to lies in the layer of its own.
        module, _, attribute = reference.partition(":")
        assert module.startswith("colorize_cli.models.")
        assert hasattr(importlib.import_module(module), attribute)
    for recipe_name in described.recipes:
        recipe = registry.get(name).recipe(variant, recipe_name)
        assert recipe.name == recipe_name
        if recipe.fitting is not None:
            assert recipe.fitting.method in METHODS
        assert all(stage.objective in OBJECTIVES for stage in recipe.stages)


def test_two_entries_of_one_name_are_refused():
    entry = registry.get("gan")
    with pytest.raises(ValueError, match="two models are called 'gan'"):
        registry.by_name([entry, registry.get("unet"), replace(entry, paper="another")])


def test_bundled_weights_do_not_wait_for_torchvision():
    code = (
        "import sys; from colorize_cli.registry import ENTRIES\n"
        "from colorize_cli.checkpoints.locate import used_variant\n"
        "for entry in ENTRIES.values():\n"
        "    if entry.bundled: entry.build(used_variant(entry))\n"
        "assert 'torch' in sys.modules and not {'torchvision', 'timm'} & sys.modules.keys()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


def test_half_precision_weights_stay_close():
    entry = registry.get("gan")
    torch.manual_seed(0)
    network = entry.build().eval()
    lightness = torch.rand(1, 1, 64, 64) * 100
    with torch.inference_mode():
        before = network.logits(lightness)
        network.load_state_dict({k: v.float() for k, v in half(network).items()})
        after = network.logits(lightness)
    assert not torch.equal(before, after)
    assert (before - after).abs().max() < 0.02 * before.abs().max()


def test_an_unknown_model_is_answered_with_the_nearest_name():
    with pytest.raises(UnknownModel, match="gan-64") as caught:
        registry.get("gan64")
    assert caught.value.exit_code == 3


def test_an_unknown_variant_is_answered_with_the_variants():
    with pytest.raises(UnknownModel, match="dynamic-unet"):
        registry.get("gan").build("heavy")
