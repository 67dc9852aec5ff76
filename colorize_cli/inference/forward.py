"""Running a network: its batch norms folded, a picture and its mirror image together, answers that are remembered.

A prediction may come with the error to expect. What the encoder says of the places of a photograph is compared with
those of another.
"""

import copy
import hashlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, TypeVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.entry import ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.color import lightness
from colorize_cli.imaging.geometry import fit
from colorize_cli.inference.correspondence import STRIDES, Cells, cells_of
from colorize_cli.models.heads.uncertainty import AveragesItself, ExpectsError, PredictsDistribution
from colorize_cli.models.network import ColorizationNet, encoder_of

MOST_CELLS = 64
"""Cells a side at which a distribution is looked at: hues belong to areas, and hundreds of planes to no more memory."""


def predicted(network: ColorizationNet, x: Tensor, options: Mapping[str, Any], *, mirror: bool, error: bool) -> Tensor:
    """Return a*b* and, with ``error``, its expected error behind it: float32 (N, 2 or 3, h, w), Lab units.

    ``x``: L* (N, 1, H, W) in 0..100. ``mirror``: average the answers for the pictures and for their mirror images. A
    network that does not know its error is asked for both in any case, and their distance takes the error's place.
    """
    if mirror and isinstance(network, AveragesItself):
        ab, expected = network.chroma_and_error_of_both(x, **options)
        return torch.cat([ab, expected], 1).float() if error else ab.float()
    knows = error and isinstance(network, ExpectsError)
    both = mirror or (error and not knows)
    # Together, not one after the other: the same arithmetic in fewer, larger steps.
    pictures = torch.cat([x, x.flip(-1)]) if both else x
    repeated = {
        name: torch.cat([value, value.flip(-1)]) if both and isinstance(value, Tensor) else value
        for name, value in options.items()
    }
    if knows:
        assert isinstance(network, ExpectsError)
        planes = torch.cat([part.float() for part in network.chroma_and_error(pictures, **repeated)], 1)
    else:
        planes = network.chroma(pictures, **repeated).float()
    if not both:
        return planes
    straight, mirrored = planes.chunk(2)
    mirrored = mirrored.flip(-1)
    mean = (straight + mirrored) / 2
    answer = mean if mirror else straight
    if not error or knows:
        return answer
    distance = torch.linalg.vector_norm(straight - mirrored, dim=1, keepdim=True)
    return torch.cat([answer, distance], 1)


def posterior(
    network: PredictsDistribution, x: Tensor, options: Mapping[str, Any], *, mirror: bool
) -> tuple[Tensor, Tensor]:
    """Return weights (N, K, h, w) that sum to 1 over K, and colors (N, K, 2), a*b* in Lab units, both float32.

    ``x``: L* (N, 1, H, W) in 0..100. ``mirror``: the mean over the pictures and their mirror images. A side has at most
    :data:`MOST_CELLS` cells.
    """
    weights, colors = network.distribution(torch.cat([x, x.flip(-1)]) if mirror else x, **options)
    weights, colors = weights.float(), colors.float().expand(len(weights), -1, -1)
    if mirror:
        straight, mirrored = weights.chunk(2)
        weights = (straight + mirrored.flip(-1)) / 2
        colors = torch.stack(colors.chunk(2)).mean(0)
    height, width = (min(side, MOST_CELLS) for side in weights.shape[-2:])
    return F.interpolate(weights, (height, width), mode="area"), colors


Network = TypeVar("Network", bound=nn.Module)


def fuse_batch_norm(network: Network) -> Network:
    """Fold every batch norm that directly follows a convolution into it, in place; return the network.

    For a network in ``eval`` mode, whose batch norms are fixed scales and shifts: the result computes the same up to
    rounding, and can no longer be trained or saved as a checkpoint. Pairs are those of ``nn.Sequential`` and those that
    a class names as its ``norm_follows``, where the order of the calls is known; any other batch norm stays.
    """
    for module in list(network.modules()):
        for conv, norm in _pairs(module):
            convolution, batch_norm = module.get_submodule(conv), module.get_submodule(norm)
            if _can_fuse(convolution, batch_norm):
                _fuse(cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, batch_norm))
                setattr(module, norm, nn.Identity())
    return network


def _fuse(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Fold a batch norm into a convolution as ``torch.nn.utils.fusion`` does, but without a copy of the weights."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    narrowing = torch.rsqrt(variance + norm.eps)
    scale, shift = (1.0, 0.0) if norm.weight is None else (norm.weight, norm.bias)
    bias: Tensor | float = 0.0 if convolution.bias is None else convolution.bias
    channels = (1, -1, 1, 1) if isinstance(convolution, nn.ConvTranspose2d) else (-1, 1, 1, 1)
    with torch.no_grad():
        convolution.weight.mul_((scale * narrowing).reshape(channels))
        convolution.bias = nn.Parameter((bias - mean) * narrowing * scale + shift)


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    """Return the names of children of which the second is called on the result of the first, and on nothing else."""
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        names = [name for name, _ in module.named_children()]
        return list(pairwise(names))
    pairs: tuple[tuple[str, str], ...] = getattr(type(module), "norm_follows", ())
    return list(pairs)


def _can_fuse(convolution: nn.Module, batch_norm: nn.Module) -> bool:
    # Exactly these classes: one derived from them, or with a hook, may compute its weight anew in every call.
    if type(convolution) not in (nn.Conv2d, nn.ConvTranspose2d) or type(batch_norm) is not nn.BatchNorm2d:
        return False
    if convolution._forward_pre_hooks or convolution._forward_hooks:
        return False
    # fuse_conv_bn_weights lays the scales of a grouped transposed convolution along the wrong axis.
    grouped = isinstance(convolution, nn.ConvTranspose2d) and convolution.groups > 1
    fixed = batch_norm.running_mean is not None and not (convolution.training or batch_norm.training)
    return fixed and not grouped


_REMEMBERED = ("logits", "chroma", "chroma_and_error")


def remembering(network: ColorizationNet) -> ColorizationNet:
    """Return a network with the same weights that remembers what it answered to each input.

    One that has ``logits`` remembers those, and decodes them anew; of any other the answers themselves are remembered,
    by input and choices. The memory lasts as long as the network returned.
    """
    twin = copy.copy(network)
    names = _REMEMBERED[:1] if hasattr(network, "logits") else _REMEMBERED[1:]
    for name in names:
        if hasattr(network, name):
            object.__setattr__(twin, name, _remembered(getattr(network, name)))
    return twin


def _remembered(call: Callable[..., Any]) -> Callable[..., Any]:
    answers: dict[str, Any] = {}

    def answer(lightness: Tensor, **options: Any) -> Any:
        key = _digest(lightness, options)
        if key not in answers:
            answers[key] = call(lightness, **options)
        return answers[key]

    return answer


def _digest(lightness: Tensor, options: dict[str, Any]) -> str:
    digest = hashlib.sha256(repr(tuple(lightness.shape)).encode())
    digest.update(_bytes(lightness))
    for name, value in sorted(options.items()):
        digest.update(name.encode() + (_bytes(value) if isinstance(value, Tensor) else repr(value).encode()))
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes()


_PROBE = 64


def compares_photos(network: ColorizationNet, device: torch.device) -> bool:
    """Whether a network has an encoder whose features tell places of photographs apart."""
    encoder = encoder_of(network)
    if encoder is None or not encoder.channels:
        return False
    with torch.inference_mode():
        maps = encoder(network.encoder_input(torch.zeros(1, 1, _PROBE, _PROBE, device=device)))
    return any(_PROBE / m.shape[-1] in STRIDES for m in maps)


def require_encoder(entry: ModelEntry, network: ColorizationNet, device: torch.device) -> None:
    """Raise :class:`UsageProblem` for a model that cannot take a reference."""
    if compares_photos(network, device):
        return
    raise UsageProblem(
        f"Model '{entry.name}' cannot take a --reference: it has no encoder to compare photos with.",
        "Leave it out, or use -m gan.",
    )


def describe(network: ColorizationNet, gray: np.ndarray, size: int, how: str, device: torch.device) -> Cells:
    """Return the cells of a photograph given as sRGB gray, uint8 or uint16 (H, W).

    ``size`` and ``how``: as for :func:`~colorize_cli.imaging.geometry.fit`. The caller chooses precision and gradients.
    """
    encoder = encoder_of(network)
    assert encoder is not None
    canvas, placement = fit(gray, size, how)  # type: ignore[arg-type]  # the checkpoint's own way to fit
    x = torch.from_numpy(lightness(canvas))[None, None].to(device, memory_format=torch.channels_last)
    maps = [m[0].float().cpu().numpy() for m in encoder(network.encoder_input(x))]
    return cells_of(maps, placement, lightness(gray))
