"""Convolution under spectral normalization (Miyato et al. 2018), stored like PyTorch's first implementation."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POWER_ITERATIONS_AT_START = 10


def normal(*shape: int, std: float = 1.0) -> Tensor:
    """Return values drawn from N(0, std); none are drawn on the meta device, where that would take seconds."""
    values = torch.empty(shape)
    return values if values.is_meta else values.normal_(0, std)


class SpectralConv2d(nn.Module):
    """A convolution with weight W / sigma, sigma = u.W.v from the stored singular vectors (their section 2.1, eq. 20).

    State dict: ``weight_orig``, ``bias``, ``weight_u`` (channels), ``weight_v`` (channels_in * kernel**2). The division
    is done once, when weights are loaded or when the module enters evaluation mode; after changing parameters of a
    module in evaluation mode by other means, call :meth:`fold`. Training updates u and v by a power iteration per step.
    """

    weight: Tensor
    weight_u: Tensor
    weight_v: Tensor

    def __init__(self, channels_in: int, channels: int, kernel: int, *, bias: bool) -> None:
        super().__init__()
        self.padding = (kernel - 1) // 2
        weight = normal(channels, channels_in, kernel, kernel, std=(2 / (channels_in * kernel**2)) ** 0.5)
        self.weight_orig = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
        self.register_buffer("weight_u", normal(channels))
        self.register_buffer("weight_v", normal(channels_in * kernel**2))
        self.register_buffer("weight", torch.empty_like(weight), persistent=False)
        if not weight.is_meta:
            self._power_iteration(POWER_ITERATIONS_AT_START)
            self.fold()
        self.register_load_state_dict_post_hook(_fold_after_loading)

    @torch.no_grad()
    def _power_iteration(self, steps: int) -> None:
        matrix = self.weight_orig.flatten(1)
        for _ in range(steps):
            self.weight_v = F.normalize(matrix.t() @ self.weight_u, dim=0, eps=1e-12)
            self.weight_u = F.normalize(matrix @ self.weight_v, dim=0, eps=1e-12)

    def normalized_weight(self) -> Tensor:
        """Return W / (u.W.v), of W's shape."""
        sigma = torch.dot(self.weight_u, self.weight_orig.flatten(1) @ self.weight_v)
        return self.weight_orig / sigma

    @torch.no_grad()
    def fold(self) -> None:
        """Update the weight used in evaluation from ``weight_orig``, ``weight_u`` and ``weight_v``."""
        self.weight = self.normalized_weight().detach()

    def train(self, mode: bool = True) -> "SpectralConv2d":
        """Switch between training, which normalizes at every step, and evaluation, which uses the folded weight."""
        if self.training and not mode:
            self.fold()
        super().train(mode)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels, H, W)."""
        if self.training:
            self._power_iteration(1)
            return F.conv2d(x, self.normalized_weight(), self.bias, padding=self.padding)
        return F.conv2d(x, self.weight, self.bias, padding=self.padding)


def _fold_after_loading(module: nn.Module, _: Any) -> None:
    assert isinstance(module, SpectralConv2d)
    module.fold()
