"""The published colorizers against an independent float64 computation from one random state dict."""

import numpy as np
import pytest
import torch

from colorize_cli.models.published import ddcolor
from colorize_cli.models.published.ddcolor import ConvNeXt
from colorize_cli.models.published.query_decoder import QueryDecoder, SpectralConv2d, sine_positions
from colorize_cli.models.published.zhang import ECCV16, SIGGRAPH17
from tests.models.published import reference

TOLERANCE = 1e-4


def shaken(network, seed=0):
    """The network in evaluation with every tensor moved away from its start: norms, layer scales, u and v too."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, value in network.state_dict().items():
        noise = torch.randn(value.shape, generator=generator)
        if name.endswith("num_batches_tracked") or name in ("mean", "std"):
            state[name] = value
        elif name.endswith("running_var"):
            state[name] = 0.5 + torch.rand(value.shape, generator=generator)
        elif name.endswith("gamma"):
            state[name] = 0.3 * noise
        elif value.ndim >= 2:
            state[name] = value + 0.2 * value.std() * noise
        elif name.endswith(("weight_u", "weight_v")):
            state[name] = torch.nn.functional.normalize(value + 0.2 * value.std() * noise, dim=0)
        else:
            state[name] = value + 0.1 * noise
    network.load_state_dict(state, strict=True)
    return network.eval()


def agree(ours, expected):
    difference = np.abs(ours.numpy() - expected).max()
    assert difference <= TOLERANCE * np.abs(expected).max(), difference / np.abs(expected).max()


@pytest.fixture
def lightness():
    small = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(3)) * 110 - 5
    return torch.nn.functional.interpolate(small, (64, 64), mode="bicubic").clamp(0, 100)


@pytest.fixture(autouse=True)
def no_gradients():
    torch.manual_seed(0)
    with torch.no_grad():
        yield


def test_eccv16_computes_what_its_authors_published(lightness):
    lightness = lightness[..., :32, :40]
    network = shaken(ECCV16())
    network.model8[6].weight *= 20  # away from the uniform distribution
    agree(network(lightness), reference.eccv16(reference.numbers(network), lightness.double().numpy()))


def test_siggraph17_computes_what_its_authors_published(lightness):
    lightness = lightness[..., :24, :32]
    network = shaken(SIGGRAPH17())
    hints, mask = torch.randn(1, 2, 24, 32) * 40, (torch.rand(1, 1, 24, 32) > 0.9).float()
    state = reference.numbers(network)
    L, ab, m = (x.double().numpy() for x in (lightness, hints, mask))
    agree(network.chroma(lightness, hints, mask), reference.siggraph17(state, L, ab, m))
    agree(network(lightness), reference.siggraph17(state, L, 0 * ab, 0 * m))


def test_a_centered_mask_is_the_published_one_shifted(lightness):
    network, centered = shaken(SIGGRAPH17()), SIGGRAPH17(mask_center=0.5).eval()
    centered.load_state_dict(network.state_dict())
    half = torch.full_like(lightness, 0.5)
    assert torch.equal(centered.chroma(lightness, mask=half), network(lightness))


def test_hints_move_the_color_where_they_are(lightness):
    network = shaken(SIGGRAPH17())
    hints, mask = torch.zeros(1, 2, 64, 64), torch.zeros(1, 1, 64, 64)
    hints[:, 0, 30:34, 30:34], mask[:, :, 30:34, 30:34] = 80, 1
    change = (network.chroma(lightness, hints, mask) - network(lightness)).abs().sum(1)[0]
    assert change[30:34, 30:34].mean() > 2 * change[:8, :8].mean()


@pytest.mark.parametrize("size", [(40, 56), (33, 47)])
def test_the_encoders_strides_leave_no_size_out(size):
    for network in (ECCV16(), SIGGRAPH17()):
        assert network.eval()(torch.rand(2, 1, *size) * 100).shape == (2, 2, *size)


def test_convnext_returns_the_normalized_features_of_every_stage():
    network = shaken(ConvNeXt((1, 2, 1, 1), (16, 24, 32, 40)))
    x = torch.randn(2, 3, 64, 96)
    expected = reference.convnext(reference.numbers(network), x.double().numpy(), (1, 2, 1, 1), prefix="")
    for ours, theirs in zip(network(x), expected, strict=True):
        agree(ours, theirs)


def test_spectral_normalization_divides_by_the_stored_singular_vectors():
    layer = shaken(SpectralConv2d(6, 10, 3, bias=True))
    x = torch.randn(1, 6, 9, 9)
    state = {f"c.{name}": value for name, value in reference.numbers(layer).items()}
    agree(layer(x), reference.spectral(x.double().numpy(), state, "c", padding=1))
    assert set(layer.state_dict()) == {"weight_orig", "bias", "weight_u", "weight_v"}


def test_spectral_normalization_is_folded_again_after_training():
    layer = SpectralConv2d(4, 4, 1, bias=False).train()
    layer.weight_orig.mul_(3).add_(0.1)
    x = torch.randn(1, 4, 5, 5)
    trained = layer(x)
    assert torch.allclose(layer.eval()(x), trained, atol=1e-5)


def test_spectral_training_bounds_the_largest_gain():
    layer = SpectralConv2d(8, 8, 1, bias=False).train()
    for _ in range(40):
        layer(torch.randn(1, 8, 4, 4))
    assert torch.linalg.matrix_norm(layer.eval().weight.flatten(1), 2) == pytest.approx(1, abs=0.01)


def test_positions_code_rows_and_columns():
    agree(sine_positions(5, 7, 32, torch.zeros(1)), reference.positions(5, 7, 32))


def test_the_color_decoder_cycles_through_the_scales():
    network = shaken(QueryDecoder((24, 16, 8), queries=5, blocks=4, channels=32, heads=8, hidden=48))
    features = [torch.randn(1, c, s, s + 1) for c, s in ((24, 2), (16, 4), (8, 8))]
    state = reference.numbers(network)
    expected = reference.color_decoder(
        {f"d.{k}": v for k, v in state.items()}, [f.double().numpy() for f in features], 4, prefix="d"
    )
    agree(network(features)[0], expected)


def test_the_pixel_decoder_restores_a_quarter_of_the_size():
    network = shaken(ddcolor.Decoder((8, 12, 16, 20), width=16, queries=3, blocks=1))
    features = [torch.randn(1, c, s, s) for c, s in ((8, 16), (12, 8), (16, 4), (20, 2))]
    state = {f"decoder.{k}": v for k, v in reference.numbers(network).items()}
    expected, pixels = reference.pixel_decoder(state, [f.double().numpy() for f in features])
    ours = network.features(tuple(features))
    for layer, theirs in zip(ours, expected, strict=True):
        agree(layer, theirs)
    mixture = torch.randn(1, 2, 8)
    mixed = np.tensordot(mixture[0].double().numpy(), pixels[0], (1, 0))[None]
    agree(network.last_shuf(ours[-1], mixture), mixed)


def test_ddcolor_computes_what_its_authors_published(lightness, monkeypatch):
    depths = (1, 1, 2, 1)
    monkeypatch.setitem(ddcolor.ENCODERS, "small", lambda: ConvNeXt(depths, (16, 24, 32, 40)))
    network = shaken(ddcolor.DDColor("small", width=64, queries=10, blocks=6))
    expected = reference.ddcolor(reference.numbers(network), lightness.double().numpy(), depths, blocks=6)
    agree(network(lightness), expected)


@pytest.mark.slow
def test_ddcolor_tiny_computes_what_its_authors_published(lightness):
    network = shaken(ddcolor.DDColor("convnext-t"))
    agree(network(lightness), reference.ddcolor(reference.numbers(network), lightness.double().numpy(), (3, 3, 9, 3)))


def test_ddcolor_learns(lightness, monkeypatch):
    monkeypatch.setitem(ddcolor.ENCODERS, "small", lambda: ConvNeXt((1, 1, 1, 1), (8, 8, 8, 8)))
    network = ddcolor.DDColor("small", width=32, queries=4, blocks=3).train()
    with torch.enable_grad():
        network(lightness.repeat(2, 1, 1, 1)).square().mean().backward()
    unused = {"encoder.arch.norm.weight", "encoder.arch.norm.bias"}
    assert {name for name, p in network.named_parameters() if p.grad is None} == unused


@pytest.mark.parametrize("level", [0.0, 4.0, 8.0, 50.0, 100.0])
def test_the_gray_given_to_ddcolor_has_the_lightness_asked_for(level):
    from colorize_cli.imaging.color import srgb_to_lab

    gray = float(ddcolor.gray_rgb(torch.tensor([[[[level]]]], dtype=torch.float64)))
    assert srgb_to_lab(np.full((1, 1, 3), gray))[0, 0, 0] == pytest.approx(level, abs=1e-3)


TENSORS = {"convnext-t": (440, 55_006_640), "convnext-l": (602, 227_869_328)}


@pytest.mark.parametrize("encoder", TENSORS)
def test_ddcolor_has_the_published_layout(encoder):
    with torch.device("meta"):
        network = ddcolor.DDColor(encoder)
    state = network.state_dict()
    assert (len(state), sum(p.numel() for p in network.parameters())) == TENSORS[encoder]
    for name in (
        "encoder.arch.downsample_layers.3.1.weight",
        "encoder.arch.stages.2.8.pwconv2.bias",
        "encoder.arch.norm.weight",
        "decoder.layers.0.shuf.conv.0.weight_orig",
        "decoder.layers.1.shuf.conv.1.running_mean",
        "decoder.layers.2.conv.2.weight",
        "decoder.last_shuf.conv.0.weight_v",
        "decoder.color_decoder.transformer_cross_attention_layers.8.multihead_attn.in_proj_weight",
        "decoder.color_decoder.color_embed.layers.2.bias",
        "refine_net.0.0.weight_u",
    ):
        assert name in state
    assert state["decoder.last_shuf.conv.0.weight_orig"].shape == (4096, 256, 1, 1)
    assert state["mean"].shape == (1, 3, 1, 1)
