"""The fusion network: what the embedding is given, where it goes, and that it is never trained."""

from __future__ import annotations

import sys

import pytest
import torch

from colorize_cli.errors import LibraryMissing
from colorize_cli.models.butoliya_mondal.networks import Koalarization, squared


@pytest.fixture
def network() -> Koalarization:
    torch.manual_seed(0)
    return Koalarization("resnet18").eval()


def test_the_embedding_colors_every_place_alike(network: Koalarization) -> None:
    lightness = torch.full((1, 1, 192, 192), 50.0)
    with torch.no_grad():
        first = network._colors(lightness, torch.zeros(1, 512))
        second = network._colors(lightness, torch.full((1, 512), 40.0))
    change = (second - first)[..., 88:104, 88:104]
    assert change.abs().max() > 1e-6
    assert torch.allclose(change, change[..., :1, :1].expand_as(change), atol=1e-6)


def test_the_embedding_keeps_weights_and_statistics_in_training(network: Koalarization) -> None:
    before = {name: value.clone() for name, value in network.encoder.state_dict().items()}
    network.train()
    network.predictions(torch.rand(2, 1, 32, 32) * 100).sum().backward()
    assert all(torch.equal(before[name], value) for name, value in network.encoder.state_dict().items())
    assert all(parameter.grad is None for parameter in network.encoder.parameters())
    assert network.fusion.weight.grad is not None


def test_the_color_branch_has_an_eighth_of_the_size_and_256_channels(network: Koalarization) -> None:
    assert network.local(torch.zeros(1, 1, 64, 96)).shape == (1, 256, 8, 12)


def test_embeddings_see_the_whole_picture_at_their_own_size() -> None:
    picture = torch.arange(600.0).view(1, 1, 1, 600).expand(1, 1, 400, 600)
    small = squared(picture, 100)
    assert small.shape == (1, 1, 100, 100)
    assert small.mean().item() == pytest.approx(picture.mean().item(), rel=1e-3)


def test_without_timm_the_papers_embedding_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(LibraryMissing, match="timm") as caught:
        Koalarization("inception-resnet-v2")
    assert caught.value.exit_code == 4 and "pip install timm" in caught.value.remedy
