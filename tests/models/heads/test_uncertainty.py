"""The error a network expects of its own colors."""

import numpy as np
import pytest
import torch
from torch import Tensor

from colorize_cli.models.brown.classifier import LightClassifier, PaperClassifier
from colorize_cli.models.brown.generator import Generator
from colorize_cli.models.heads.ab_bins import AbDecoder, srgb_bins
from colorize_cli.models.heads.color_spaces import uv_to_ab
from colorize_cli.models.heads.uncertainty import HALF_AT, ExpectsError, PredictsDistribution, confidence_of
from colorize_cli.models.hwang_zhou.networks import VGGClassifier
from colorize_cli.models.published.zhang import ECCV16


@pytest.fixture
def decoder() -> AbDecoder:
    bins = srgb_bins()
    decoder = AbDecoder(len(bins))
    decoder.centers.copy_(bins)
    decoder.log_prior.copy_(torch.log_softmax(-bins.norm(dim=1) / 15, 0))
    return decoder


def logits_of(decoder: AbDecoder, shares: dict[tuple[float, float], float]) -> Tensor:
    """A posterior that gives each color its share and nothing to the others."""
    logits = torch.full((1, len(decoder.centers), 1, 1), -60.0)
    for color, share in shares.items():
        index = int((decoder.centers - torch.tensor(color)).norm(dim=1).argmin())
        logits[0, index] = float(np.log(share))
    return logits


def test_one_certain_color_leaves_no_error(decoder):
    ab, error = decoder.with_error(logits_of(decoder, {(20.0, 30.0): 1.0}), 0.0)
    assert torch.allclose(ab[0, :, 0, 0], torch.tensor([20.0, 30.0]), atol=1e-3)
    assert float(error) < 0.1


def test_two_colors_are_off_by_half_their_distance(decoder):
    ab, error = decoder.with_error(logits_of(decoder, {(20.0, 0.0): 0.5, (-20.0, 0.0): 0.5}), 0.0)
    assert torch.allclose(ab, torch.zeros(()), atol=1e-3)
    assert float(error) == pytest.approx(20, abs=0.05)


@pytest.mark.parametrize("vividness", [None, 0.0, 0.4, 1.0])
def test_error_is_that_of_the_answer_under_the_true_posterior(decoder, vividness):
    torch.manual_seed(0)
    logits = 3 * torch.randn(2, len(decoder.centers), 3, 5)
    ab, error = decoder.with_error(logits, vividness)
    assert torch.equal(ab, decoder(logits, vividness))
    p = logits.softmax(1)
    distances = (decoder.centers[None, :, :, None, None] - ab[:, None]).square().sum(2)
    assert torch.allclose(error[:, 0], (p * distances).sum(1).sqrt(), rtol=1e-3)


def test_colors_and_weights_of_a_distribution_make_the_answer(decoder):
    torch.manual_seed(0)
    network = Generator(bins=20, width=16, refinements=1).eval()
    network.decode.centers.copy_(torch.randn(20, 2) * 30)
    # What colors contribute is before the curve over chroma, with the mean gain: an untrained network is equally unsure
    # everywhere.
    network.decode.curve.zero_()
    network.decode.neutral.zero_()
    lightness = torch.rand(1, 1, 33, 47) * 100
    assert isinstance(network, ExpectsError) and isinstance(network, PredictsDistribution)
    weights, colors = network.distribution(lightness, vividness=0.7)
    assert torch.allclose(weights.sum(1), torch.ones(()))
    answer = torch.einsum("nkhw,nkc->nchw", weights, colors)
    assert torch.allclose(answer, network.chroma(lightness, vividness=0.7), atol=1e-3)


@pytest.mark.parametrize("side", [32, 29])
def test_eccv16_expects_an_error_and_answers_as_without(side):
    torch.manual_seed(0)
    network = ECCV16().eval()
    lightness = torch.rand(1, 1, side, 40) * 100
    with torch.inference_mode():
        ab, error = network.chroma_and_error(lightness)
        weights, colors = network.distribution(lightness)
        assert torch.allclose(ab, network.chroma(lightness), atol=1e-4)
    assert error.shape == (1, 1, side, 40) and float(error.min()) >= 0
    mean = torch.einsum("nkhw,kc->nchw", weights, colors)
    shrunk = torch.nn.functional.interpolate(ab, mean.shape[-2:], mode="area")
    assert torch.allclose(mean.mean((2, 3)), shrunk.mean((2, 3)), atol=0.2)


@pytest.mark.parametrize("build", [PaperClassifier, LightClassifier])
def test_classifiers_answer_as_without_and_have_no_doubt_about_the_only_color(build):
    torch.manual_seed(0)
    network = build().eval()
    lightness = torch.rand(1, 1, 33, 47) * 100
    with torch.inference_mode():
        ab, error = network.chroma_and_error(lightness, temperature=0.4)
        assert torch.allclose(ab, network.chroma(lightness, temperature=0.4), atol=1e-3)
        assert error.shape == (1, 1, *ab.shape[-2:]) and float(error.min()) > 20  # untrained: any color may be
        network.classifier.bias[40] += 1000
        assert float(network.chroma_and_error(lightness)[1].max()) < 0.1


def scoring(network, shares):
    """Let the network score the bins of u* and of v* so that they have these shares, whatever it sees."""
    for head, bins in zip((network.score_u, network.score_v), shares, strict=True):
        torch.nn.init.zeros_(head.weight)
        head.bias.data.fill_(-60.0)
        for index, share in bins.items():
            head.bias.data[index] = float(np.log(share))


def test_pairs_of_bins_are_off_by_how_far_the_answer_lies_from_them():
    network = VGGClassifier(0.1, stride=2).eval()
    assert isinstance(network, ExpectsError)
    lightness = torch.full((1, 1, 16, 24), 60.0)
    scoring(network, [{30: 1.0}, {20: 1.0}])
    with torch.inference_mode():
        ab, error = network.chroma_and_error(lightness, temperature=0.0)
        assert torch.equal(ab, network.chroma(lightness, temperature=0.0))
        assert error.shape == (1, 1, 8, 12) and float(error.max()) < 0.01
        scoring(network, [{20: 0.4, 30: 0.6}, {22: 0.5, 27: 0.5}])
        error = network.chroma_and_error(lightness, temperature=0.0)[1]
        answer = network.chroma(lightness, temperature=0.0)[0, :, 0, 0]
        means = network.decode.means
        truths = torch.tensor([[means[0, u], means[1, v]] for u in (20, 30) for v in (22, 27)])[..., None, None]
        distances = (uv_to_ab(lightness[:, :, :1, :1].expand(4, -1, -1, -1), truths)[..., 0, 0] - answer).square()
        expected = (distances.sum(1) * torch.tensor([0.2, 0.2, 0.3, 0.3])).sum().sqrt()
    assert float(error[0, 0, 3, 3]) == pytest.approx(float(expected), rel=0.05)
    assert float(expected) > 10


def test_confidence_halves_with_every_so_many_units_of_error():
    assert confidence_of(0.0) == 1
    assert confidence_of(HALF_AT) == 0.5
    assert confidence_of(2 * HALF_AT) == 0.25
