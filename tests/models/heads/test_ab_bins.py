import pytest
import torch

from colorize_cli.models.heads.ab_bins import (
    EXTENT,
    MOST_GAIN,
    SPREADS,
    STEEPEST,
    UNCHANGED_CHROMA,
    AbDecoder,
    soft_cross_entropy,
    soft_labels,
)


def _grid():
    a, b = torch.meshgrid(torch.arange(-30.0, 31, 10), torch.arange(-20.0, 21, 10), indexing="ij")
    return torch.stack([a.flatten(), b.flatten()], 1)


def test_soft_labels_average_back_to_the_color():
    centers = _grid()
    ab = (torch.rand(2, 2, 5, 4) - 0.5) * torch.tensor([58.0, 38.0]).view(1, 2, 1, 1)
    indices, weights = soft_labels(ab, centers)
    assert torch.allclose(weights.sum(1), torch.ones(2, 5, 4))
    mean = (centers[indices] * weights[..., None]).sum(1).permute(0, 3, 1, 2)
    assert torch.allclose(mean, ab, atol=1e-4)


def test_soft_labels_outside_the_bins_fall_on_the_nearest_bin():
    centers = _grid()
    ab = torch.tensor([90.0, 0.0]).view(1, 2, 1, 1)
    indices, weights = soft_labels(ab, centers)
    mean = (centers[indices] * weights[..., None]).sum(1).flatten()
    assert torch.allclose(mean, torch.tensor([30.0, 0.0]), atol=1e-4)


def test_cross_entropy_is_least_for_the_soft_labels_themselves():
    centers = _grid()
    ab = torch.tensor([4.0, -7.0]).view(1, 2, 1, 1)
    indices, weights = soft_labels(ab, centers)
    truth = torch.full((1, len(centers), 1, 1), 1e-9)
    truth.scatter_add_(1, indices, weights)
    best = soft_cross_entropy(truth.log(), ab, centers)
    assert best < soft_cross_entropy(truth.log() + torch.randn_like(truth), ab, centers)
    assert best < soft_cross_entropy(torch.zeros_like(truth), ab, centers)


def test_vividness_moves_the_color_away_from_what_is_common():
    centers = _grid()
    decode = AbDecoder(len(centers))
    decode.centers.copy_(centers)
    gray = (centers == 0).all(1)
    decode.log_prior.copy_(torch.where(gray, 0.7, 0.3 / (len(centers) - 1)).log())
    logits = torch.where(gray, 2.0, 0.0) + torch.where((centers == torch.tensor([30.0, 20.0])).all(1), 2.0, 0.0)
    logits = logits.view(1, -1, 1, 1)
    chroma = [decode(logits, vividness).norm().item() for vividness in (0.0, 0.5, 1.0)]
    assert chroma[0] < chroma[1] < chroma[2]
    assert torch.equal(decode(logits), decode(logits, 0.6)), "the checkpoint's own vividness is the default"


def test_vividness_zero_is_the_posterior_mean():
    centers = _grid()
    decode = AbDecoder(len(centers))
    decode.centers.copy_(centers)
    decode.log_prior.uniform_(-5, 0)
    logits = torch.randn(1, len(centers), 2, 3)
    mean = torch.einsum("nkhw,kc->nchw", logits.softmax(1), centers)
    assert torch.allclose(decode(logits, 0.0), mean, atol=1e-4)


def test_a_picture_gains_most_color_where_the_distribution_is_wide():
    torch.manual_seed(0)
    centers = _grid()
    decode = AbDecoder(len(centers))
    decode.centers.copy_(centers)
    noise = torch.randn(1, len(centers), 4, 5)
    gray = torch.where((centers == 0).all(1), 12.0, 0.0).view(1, -1, 1, 1)
    logits = torch.cat([noise, 20 * noise, gray + noise])
    decode.curve.zero_()
    decode.neutral.zero_()
    calm, vivid = decode(logits, 0.0), decode(logits, 0.5)
    factors = torch.linalg.vector_norm(vivid, dim=(1, 2, 3)) / torch.linalg.vector_norm(calm, dim=(1, 2, 3))
    wide, sure, neutral = factors
    assert 1 <= sure < wide <= 1 + 0.5 * MOST_GAIN + 1e-4
    assert neutral < 1.05, "what is surely gray stays gray"


def test_what_is_sure_of_its_color_gains_less_than_the_rest_of_the_picture():
    centers = torch.stack([torch.linspace(-40, 80, 13), torch.zeros(13)], 1)
    decode = _plain_decoder(centers)
    decode.gain.fill_(0.02)
    # All cells have a mean of a* 20, with standard deviations of 0, 10, 20 and 40.
    weights = torch.zeros(4, 13)
    for cell, steps in enumerate((0, 1, 2, 4)):
        weights[cell, 6 - steps] += 0.5
        weights[cell, 6 + steps] += 0.5
    calm, vivid = (decode(weights.T.log().view(1, 13, 2, 2), v).flatten(2)[0, 0] for v in (0.0, 1.0))
    assert torch.allclose(calm, torch.full((4,), 20.0), atol=1e-3)
    gains = vivid / calm - 1
    assert gains[0] < 0.01
    assert torch.allclose(gains[1:] / gains[1], torch.tensor([1.0, 2.0, 4.0]), rtol=1e-3)
    mean_variance = (10**2 + 20**2 + 40**2) / 4
    assert gains[1].item() == pytest.approx(0.02 * mean_variance**0.5 * 10 / (20**2 + 8**2) ** 0.5, rel=1e-3)


def test_the_curve_takes_from_faint_chroma_and_adds_to_strong():
    centers = torch.tensor([[0.0, 0.0], [5.0, 0.0], [UNCHANGED_CHROMA, 0.0], [30.0, 0.0], [0.0, 90.0]])
    decode = AbDecoder(len(centers))
    decode.centers.copy_(centers)
    # Each cell is sure of its color, so that nothing but the curve changes it.
    logits = 60 * torch.eye(len(centers)).view(1, len(centers), 1, -1)
    before, after = (decode(logits, v)[0, :, 0].T for v in (0.0, 1.0))
    assert torch.allclose(before, centers, atol=1e-3)
    chroma = before.norm(dim=1)[1:]
    ratio = after.norm(dim=1)[1:] / chroma
    expected = ((chroma / UNCHANGED_CHROMA) ** 0.675).clamp(max=STEEPEST) * chroma**2 / (chroma**2 + 9**2)
    assert torch.allclose(ratio, expected, rtol=1e-3)
    assert ratio[0] < 0.25 and ratio[-1] > 1.15
    assert after[0].norm() < 0.01


def test_the_displacement_moves_colors_in_proportion_to_vividness():
    centers = torch.tensor([[0.0, 0.0], [30.0, -20.0], [35.0, -20.0], [-EXTENT, EXTENT]])
    decode = _plain_decoder(centers)
    logits = 60 * torch.eye(len(centers)).view(1, len(centers), 1, -1)
    decode.displacement[:, 0, 14, 9] = 6.0  # at a* = 30, b* = -20
    decode.displacement[:, 1, 14, 9] = -4.0
    decode.displacement[:, 1, 0, 22] = 2.0
    assert torch.equal(decode(logits, 0.0), decode.undisplaced(logits, 0.0)[0]), "the posterior mean stays what it is"
    moved = (decode(logits, 0.5) - decode.undisplaced(logits, 0.5)[0])[0, :, 0].T
    expected = torch.tensor([[0.0, 0.0], [3.0, -2.0], [1.5, -1.0], [0.0, 1.0]])
    assert torch.allclose(moved, expected, atol=1e-3)
    ab, error = decode.with_error(logits, 0.5)
    assert torch.equal(ab, decode(logits, 0.5))
    assert error[0, 0, 0, 1].item() == pytest.approx(13**0.5, abs=0.01), "what it is moved by counts as error"


def test_the_displacement_depends_on_how_sure_the_color_is():
    # Each cell is split between two colors so that its mean is (20, 0), its spread the given one.
    first, second, third, last = SPREADS
    spreads = torch.tensor([0.5 * first, first, 0.5 * (second + third), 0.75 * third + 0.25 * last, 2 * last])
    centers = torch.stack([20 + torch.cat([-spreads, spreads]), torch.zeros(2 * len(spreads))], 1)
    decode = _plain_decoder(centers)
    logits = (60 * torch.eye(len(spreads)).repeat(2, 1)).view(1, len(centers), 1, -1)
    decode.displacement[:, 1, 13, 11] = torch.tensor([1.0, 2.0, 4.0, 8.0])  # at a* = 20, b* = 0
    before, spread = decode.undisplaced(logits, 1.0)
    assert torch.allclose(spread[0, 0, 0], spreads, rtol=1e-3)
    moved = (decode(logits, 1.0) - before)[0, :, 0]
    assert torch.allclose(moved[0], torch.zeros(len(spreads)), atol=1e-3)
    assert torch.allclose(moved[1], torch.tensor([1.0, 1.0, 3.0, 5.0, 8.0]), atol=2e-3)


def _plain_decoder(centers: torch.Tensor) -> AbDecoder:
    """Return a decoder in which vividness only moves colors."""
    decode = AbDecoder(len(centers))
    decode.centers.copy_(centers)
    for effect in (decode.curve, decode.neutral, decode.gain, decode.prior_weight):
        effect.zero_()
    return decode


def test_neutral_cells_have_a_gradient():
    centers = _grid()
    decode = AbDecoder(len(centers))
    decode.centers.copy_(centers)
    logits = torch.where((centers == 0).all(1), 30.0, 0.0).view(1, -1, 1, 1).requires_grad_()
    decode(logits, 0.5).sum().backward()
    assert torch.isfinite(logits.grad).all()
