"""Fewer passes over memory at prediction: batch norms become part of the convolutions before them."""

from itertools import pairwise
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

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
