"""The gray VGG-16 encoder and what stands on it: published weights, folding, CIELUV, bins, smoothing."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from colorize_cli import registry
from colorize_cli.imaging import color
from colorize_cli.models.encoders.vgg import IMAGENET_MEAN, IMAGENET_STD, VGGEncoder, folded, zero_centered
from colorize_cli.models.heads.color_spaces import ab_to_hs, ab_to_uv, hs_to_ab, srgb_to_ab, uv_to_ab
from colorize_cli.models.heads.smoothing import blurred, smoothed
from colorize_cli.models.hultgren.networks import VGGDecoder
from colorize_cli.models.hwang_zhou.networks import BinDecoder, VGGClassifier, VGGRegression, uv_accuracies, uv_bins

WIDTH = 1 / 16


def published(channels: int) -> dict[str, Tensor]:
    """The first two layers of a VGG-16 with its classifier, as torchvision names them."""
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, channels, 3, 1, 1), nn.Conv2d(channels, channels, 3, 1, 1)
    state = {f"features.0.{k}": v.detach() for k, v in first.state_dict().items()}
    state |= {f"features.2.{k}": v.detach() for k, v in second.state_dict().items()}
    return state | {"classifier.0.weight": torch.zeros(4, 4), "features.5.weight": torch.zeros(1)}


def test_the_encoder_has_the_names_and_shapes_of_vgg16() -> None:
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        theirs = timm.create_model("vgg16", pretrained=False).state_dict()
        ours = VGGEncoder().state_dict()
    assert ours["features.0.weight"].shape == (64, 1, 3, 3)
    features = {name: value.shape for name, value in theirs.items() if name.startswith("features.")}
    assert {n: s for n, s in features.items() if n != "features.0.weight"} == {
        n: v.shape for n, v in ours.items() if n != "features.0.weight"
    }


def test_published_weights_answer_a_gray_picture_as_their_rgb_network_does() -> None:
    encoder = VGGEncoder(WIDTH, blocks=1)
    state = published(4)
    encoder.load_state_dict(encoder.of_imagenet(state))
    gray = torch.rand(1, 1, 9, 9)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    rgb = nn.functional.conv2d((gray - mean) / std, state["features.0.weight"], state["features.0.bias"])
    ours = encoder.features[0](zero_centered(100 * gray))
    assert torch.allclose(ours[..., 1:-1, 1:-1], rgb, atol=1e-5)


def test_batch_norms_fold_into_a_plain_encoder_that_computes_the_same() -> None:
    torch.manual_seed(0)
    encoder = VGGEncoder(WIDTH)
    twin = encoder.with_batch_norm()
    assert torch.equal(twin.convolutions()[3].weight, encoder.convolutions()[3].weight)
    for layer in twin.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
    x = torch.randn(4, 1, 32, 32)
    twin(x)  # statistics
    encoder.load_state_dict(folded(twin))
    for mine, theirs in zip(encoder(x), twin.eval()(x), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-3)


def test_the_bottleneck_of_the_decoder_is_7x7x512() -> None:
    with torch.device("meta"):
        encoder = VGGEncoder()
        assert encoder.pooled(torch.empty(1, 1, 224, 224)).shape == (1, 512, 7, 7)
        assert VGGDecoder().predictions(torch.empty(1, 1, 224, 224)).shape == (1, 2, 224, 224)
        decoder = sum(p.numel() for p in VGGDecoder().decoder.parameters())
    assert decoder == pytest.approx(1.57e6, rel=0.01), "section 4.1: approximately 1.5M parameters"


def test_a_decoder_of_rgb_is_judged_by_the_picture_and_used_for_its_chroma() -> None:
    torch.manual_seed(0)
    network = VGGDecoder(WIDTH, output="rgb").eval()
    rgb = np.random.default_rng(0).random((32, 32, 3))
    planes = torch.from_numpy(color.srgb_to_lab(rgb)).permute(2, 0, 1)[None].float()
    targets = network.targets(planes[:, :1], planes[:, 1:])
    assert np.allclose((targets[0].numpy().transpose(1, 2, 0) + 1) / 2, rgb, atol=2e-3)
    assert torch.allclose(srgb_to_ab((targets + 1) / 2), planes[:, 1:], atol=0.1)
    assert network.predictions(planes[:, :1]).shape == (1, 3, 32, 32)
    assert network.chroma(planes[:, :1]).shape == (1, 2, 32, 32)


def test_uv_is_that_of_the_exact_formulas() -> None:
    rgb = np.random.default_rng(0).random((16, 16, 3))
    lab = color.srgb_to_lab(rgb)
    lab[0, 0] = 0
    planes = torch.from_numpy(lab).permute(2, 0, 1)[None].float()
    uv = ab_to_uv(planes[:, :1], planes[:, 1:])
    expected = color.lab_to_luv(lab)[..., 1:].transpose(2, 0, 1)
    assert np.allclose(uv[0].numpy(), expected, atol=1e-3)
    assert torch.allclose(uv_to_ab(planes[:, :1], uv), planes[:, 1:], atol=1e-2)


@pytest.mark.parametrize("lightness", [0.0, 0.5, 5.0, 100.0])
@pytest.mark.parametrize("u", [-300.0, 300.0])
@pytest.mark.parametrize("v", [-300.0, 300.0])
def test_impossible_uv_gives_finite_colors(lightness: float, u: float, v: float) -> None:
    ab = uv_to_ab(torch.full((1, 1, 1, 1), lightness), torch.tensor([u, v]).view(1, 2, 1, 1))
    assert torch.isfinite(ab).all() and ab.abs().max() <= 128
    assert lightness > 0 or not ab.any()


def test_hue_and_saturation_are_those_of_hsv_and_come_back_with_the_lightness() -> None:
    rgb = np.random.default_rng(0).random((16, 16, 3))
    planes = torch.from_numpy(color.srgb_to_lab(rgb)).permute(2, 0, 1)[None].float()
    hs = ab_to_hs(planes[:, :1], planes[:, 1:])[0].numpy()
    expected = np.array([[colorsys.rgb_to_hsv(*pixel)[:2] for pixel in row] for row in rgb]).transpose(2, 0, 1)
    assert np.allclose((hs / 100 + 1) / 2, expected, atol=2e-3)
    assert torch.allclose(hs_to_ab(planes[:, :1], torch.from_numpy(hs)[None]), planes[:, 1:], atol=0.3)


def test_bins_are_fifty_over_the_papers_range() -> None:
    uv = torch.tensor([-100.0, -96.01, -96.0, 0.0, 99.9, 250.0]).view(1, 1, 1, 6).expand(1, 2, 1, 6)
    assert uv_bins(uv)[0, 0, 0].tolist() == [0, 0, 1, 25, 49, 49]
    true = uv_bins(uv)
    wrong = true.clone()
    wrong[:, 1, :, :3] += 1
    assert uv_accuracies(wrong, true) == {"acc_u": 1.0, "acc_v": 0.5}


def test_a_bin_is_decoded_to_the_mean_of_its_colors() -> None:
    decode = BinDecoder()
    centers = decode.means.clone()
    lab = torch.tensor([[50.0, 20.0, 10.0], [50.0, 20.3, 10.2]]).T.reshape(1, 3, 1, 2)
    uv = ab_to_uv(lab[:, :1], lab[:, 1:])
    bins = uv_bins(uv)[0, :, 0, 0]
    assert (uv_bins(uv)[0, :, 0, 1] == bins).all(), "both colors lie in one bin"
    decode.count([uv])
    assert torch.allclose(decode.means[[0, 1], bins], uv[0].mean((1, 2)), atol=1e-4)
    assert (decode.means != centers).sum() == 2, "bins that never occur keep their center"
    scores = torch.zeros(1, 2, 50, 1, 1)
    scores[0, [0, 1], bins] = 5.0
    assert torch.allclose(decode(scores)[0, :, 0, 0], uv[0].mean((1, 2)), atol=1e-4)


def test_temperature_goes_from_the_likeliest_bin_to_the_mean() -> None:
    decode = BinDecoder()
    scores = torch.zeros(1, 2, 50, 1, 1)
    scores[0, :, 10], scores[0, :, 40] = 3.0, 2.0
    likeliest, cold, warm = (decode(scores, t)[0, 0, 0, 0].item() for t in (0.0, 0.05, 1.0))
    assert likeliest == decode.means[0, 10]
    assert cold == pytest.approx(likeliest, abs=0.1) and likeliest < warm < 20


def test_score_blur_and_smoothing_calm_the_picture() -> None:
    torch.manual_seed(0)
    network = VGGClassifier(WIDTH, stride=2).eval()
    lightness = torch.rand(1, 1, 32, 32) * 10 + 45
    with torch.inference_mode():
        noisy = network.chroma(lightness)
        for calmer in (network.chroma(lightness, score_blur=6.0), network.chroma(lightness, smoothing=30.0)):
            assert calmer.shape == noisy.shape
            assert calmer.diff(dim=-1).abs().mean() < 0.7 * noisy.diff(dim=-1).abs().mean()


def test_blur_keeps_the_mean_and_leaves_zero_alone() -> None:
    point = torch.zeros(1, 2, 21, 21)
    point[..., 10, 10] = 1
    spread = blurred(point, 2.0)
    assert spread.sum().item() == pytest.approx(2, abs=1e-4)
    assert spread[0, 0, 10, 10].item() == pytest.approx(1 / (2 * np.pi * 4), rel=0.02)
    assert blurred(point, 0) is point


def test_total_variation_evens_areas_and_keeps_edges_that_lightness_has() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.full((1, 2, 24, 24), -20.0)
    truth[..., 12:] = 20
    lightness = torch.where(truth[:, :1] > 0, 80.0, 20.0)
    noisy = truth + 8 * torch.randn(truth.shape, generator=generator)
    even = smoothed(noisy, lightness, 10.0)
    assert (even - truth).abs().mean() < 0.35 * (noisy - truth).abs().mean()
    step = even[..., 12].mean() - even[..., 11].mean()
    flat = smoothed(noisy, torch.full_like(lightness, 50.0), 10.0)
    assert step > 38 > flat[..., 12].mean() - flat[..., 11].mean()
    assert smoothed(noisy, lightness, 0) is noisy


def test_regression_compares_uv_and_answers_in_lab() -> None:
    torch.manual_seed(0)
    network = VGGRegression(WIDTH).eval()
    lightness, ab = torch.rand(2, 1, 16, 16) * 80 + 10, torch.randn(2, 2, 16, 16) * 10
    assert torch.allclose(network.targets(lightness, ab) * 100, ab_to_uv(lightness, ab))
    with torch.inference_mode():
        uv = network.predictions(lightness) * 100
        assert torch.allclose(network.chroma(lightness), uv_to_ab(lightness, uv))
        right = network.accuracies(network.targets(lightness, ab), network.targets(lightness, ab))
    assert right == {"acc_u": 1.0, "acc_v": 1.0}


@pytest.mark.parametrize("name", ["vgg-regression", "vgg-classifier", "vgg-decoder"])
def test_only_the_papers_width_has_a_published_encoder(name: str) -> None:
    with torch.device("meta"):
        assert registry.get(name).build("paper").encoder.hub.repo == "timm/vgg16.tv_in1k"
        assert registry.get(name).build("light").encoder.hub is None
