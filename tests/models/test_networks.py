import pytest
import torch
import torchvision

from colorize_cli.models.brown.dynamic_unet import DynamicUNet
from colorize_cli.models.brown.encoder_decoder import ContextBlock
from colorize_cli.models.brown.generator import Generator
from colorize_cli.models.brown.pix2pix_unet import Pix2PixUNet
from colorize_cli.models.discriminators import BinaryDiscriminator, PatchDiscriminator
from colorize_cli.models.encoders.resnet import ResNetEncoder
from colorize_cli.models.zhou_zhu.unet import UNet
from colorize_cli.training.initialize import widened


def test_the_discriminator_judges_70_pixel_patches():
    network = PatchDiscriminator().eval()
    lightness = torch.rand(1, 1, 256, 256) * 100
    ab = torch.zeros(1, 2, 256, 256, requires_grad=True)
    logits = network(lightness, ab)
    assert logits.shape == (1, 1, 30, 30)
    logits[0, 0, 15, 15].backward()
    rows = ab.grad[0].abs().sum((0, 2)).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_the_discriminator_has_the_papers_size():
    assert sum(p.numel() for p in PatchDiscriminator().parameters()) == 2_765_697


def test_spectral_norm_bounds_the_discriminators_layers():
    network = PatchDiscriminator(norm="spectral").train()
    for _ in range(30):
        network(torch.rand(1, 1, 64, 64) * 100, torch.zeros(1, 2, 64, 64))
    weight = network.eval().layers[2].weight.detach().flatten(1)
    assert torch.linalg.matrix_norm(weight, 2) == pytest.approx(1, abs=0.05)


def test_the_generator_starts_from_its_light_head():
    torch.manual_seed(0)
    network = Generator(bins=12, width=16, refinements=1)
    network.decoder.start_as_light_head()
    network.eval()
    lightness = torch.rand(1, 1, 64, 64) * 100
    with torch.inference_mode():
        features = network.encoder((lightness / 100 - 0.5) / 0.25)
        decoder = network.decoder
        double = torch.nn.Upsample(scale_factor=2, mode="bilinear")
        x = decoder.smooth3(decoder.lateral3(features[-2]) + double(decoder.lateral4(features[-1])))
        x = decoder.smooth2(decoder.lateral2(features[-3]) + double(x))
        light_head = network.classifier(double(x))
        assert torch.allclose(network.logits(lightness), light_head, atol=1e-5)


def test_the_generator_predicts_at_a_quarter_of_its_input():
    network = Generator(bins=12, width=16, refinements=1).eval()
    assert network.chroma(torch.rand(1, 1, 64, 96)).shape == (1, 2, 16, 24)


@pytest.mark.parametrize(
    "network",
    [Pix2PixUNet(width=8), DynamicUNet(), UNet((4, 8, 8, 8, 8)), UNet((4, 8, 8, 8, 8, 8), stop=2)],
    ids=["pix2pix", "dynamic", "unet", "unet-stopped"],
)
@pytest.mark.parametrize("size", [(1, 1), (64, 64), (65, 31)])
def test_full_size_networks_answer_at_any_size(network, size):
    network.eval()
    with torch.inference_mode():
        assert network.chroma(torch.rand(1, 1, *size) * 100).shape == (1, 2, *size)


def test_the_binary_discriminator_gives_one_logit_a_picture_whatever_its_size():
    network = BinaryDiscriminator(width=8).eval()
    for size in (32, 400):
        assert network(torch.rand(3, 1, size, size) * 100, torch.zeros(3, 2, size, size)).shape == (3, 1)


def test_the_binary_discriminator_is_made_as_its_paper_says():
    layers = list(BinaryDiscriminator(width=8).modules())
    slopes = {layer.negative_slope for layer in layers if isinstance(layer, torch.nn.LeakyReLU)}
    assert slopes == {0.1}
    for kind in (torch.nn.BatchNorm2d, torch.nn.Dropout2d):
        assert any(isinstance(layer, kind) for layer in layers)


def test_a_u_net_hands_fine_detail_past_its_deepest_level():
    torch.manual_seed(0)
    network = UNet((4, 4, 4, 4, 4)).eval()
    with torch.no_grad():
        for up in network.up:
            up.weight.zero_()
            up.bias.zero_()
    flat, dotted = torch.full((1, 1, 32, 32), 50.0), torch.full((1, 1, 32, 32), 50.0)
    dotted[..., 16, 16] = 90
    with torch.inference_mode():
        changed = (network.chroma(dotted) - network.chroma(flat)).abs().sum((0, 1)) > 0
    assert changed[16, 16]
    assert not changed[:8].any()


def test_a_widened_network_begins_with_what_the_smaller_one_predicts():
    torch.manual_seed(0)
    small = Generator(bins=9, width=16, refinements=1)
    large = Generator(bins=9, width=16, refinements=1, encoder="paired", deep_width=32, context=2)
    large.decoder.start_as_light_head()
    resnet = {f"encoder.{name}": value for name, value in ResNetEncoder().state_dict().items()}
    large.load_state_dict(widened(large, small.state_dict(), resnet))
    x = torch.rand(2, 1, 64, 96) * 100
    with torch.no_grad():
        assert torch.allclose(small.eval().logits(x), large.eval().logits(x), atol=1e-5)
    assert torch.equal(large.encoder.resnet.conv1.weight, resnet["encoder.conv1.weight"])
    # What is new is not dead: every part of the second encoder's way into the decoder gets a gradient.
    large.train().logits(x).square().mean().backward()
    assert large.decoder.lateral3.weight.grad[:, -256:].abs().max() > 0


def test_context_lets_every_place_see_every_other():
    torch.manual_seed(0)
    block = ContextBlock(8).eval()
    x = torch.randn(1, 8, 6, 5)
    changed = x.clone()
    changed[..., 0, 0] = torch.randn(8)
    with torch.no_grad():
        difference = (block(changed) - block(x)).abs().amax(1)[0]
    assert (difference > 1e-6).all()
    block.start_as_identity()
    with torch.no_grad():
        assert torch.equal(block(x), x)


@pytest.mark.parametrize("layers", [18, 34])
def test_the_resnet_is_torchvisions(layers: int):
    torch.manual_seed(0)
    reference = getattr(torchvision.models, f"resnet{layers}")(weights=None).eval()
    encoder = ResNetEncoder(layers).eval()
    encoder.load_state_dict(encoder.of_imagenet(reference.state_dict()))
    gray = torch.randn(2, 1, 65, 96)
    x = reference.maxpool(reference.relu(reference.bn1(reference.conv1(gray.expand(-1, 3, -1, -1)))))
    with torch.no_grad():
        for name, feature in zip(("layer1", "layer2", "layer3", "layer4"), encoder(gray)[1:], strict=True):
            x = reference.get_submodule(name)(x)
            assert torch.allclose(feature, x, atol=1e-4)
