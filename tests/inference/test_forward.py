import pytest
import torch
from torch import nn

from colorize_cli.inference.forward import fuse_batch_norm
from colorize_cli.models.brown.generator import Generator
from colorize_cli.models.brown.pix2pix_unet import Pix2PixUNet


def with_statistics(network: nn.Module) -> nn.Module:
    """Give every batch norm statistics and scales as training leaves them: not the identity."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, 0, 0.3)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.3)
    if isinstance(network, Generator):
        nn.init.normal_(network.decode.centers, 0, 40)
    return network.eval()


def batch_norms(network: nn.Module) -> int:
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (lambda: Generator(bins=12, width=16, refinements=1), 0),
        (lambda: Generator(bins=12, width=16, refinements=1, encoder="resnet18"), 0),
        (Pix2PixUNet, None),
    ],
)
def test_a_fused_network_predicts_the_same(build, left):
    network = with_statistics(build())
    lightness = torch.rand(2, 1, 64, 64) * 100
    with torch.inference_mode():
        before = network.chroma(lightness)
        count = batch_norms(network)
        after = fuse_batch_norm(network).chroma(lightness)
    assert batch_norms(network) < count and (left is None or batch_norms(network) == left)
    assert before.abs().max() > 0.1
    torch.testing.assert_close(after, before, atol=2e-3, rtol=1e-4)


def test_a_batch_norm_that_does_not_directly_follow_a_convolution_stays():
    network = with_statistics(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)))
    assert batch_norms(fuse_batch_norm(network)) == 1


def test_a_network_in_training_is_left_alone():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).train()
    assert batch_norms(fuse_batch_norm(network)) == 1


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolutions_keep_their_result(groups):
    network = with_statistics(nn.Sequential(nn.ConvTranspose2d(4, 6, 4, 2, 1, groups=groups), nn.BatchNorm2d(6)))
    x = torch.randn(1, 4, 8, 8)
    with torch.inference_mode():
        before = network(x)
        torch.testing.assert_close(fuse_batch_norm(network)(x), before, atol=1e-5, rtol=1e-4)


def test_a_convolution_that_computes_its_weight_in_every_call_is_left_alone():
    spectral = nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 4, 3))
    network = with_statistics(nn.Sequential(spectral, nn.BatchNorm2d(4)))
    assert batch_norms(fuse_batch_norm(network)) == 1
