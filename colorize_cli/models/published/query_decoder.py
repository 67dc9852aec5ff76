"""DDColor's color decoder (Kang et al. 2023, section 3.3): learned color queries that attend to the features.

Also the convolution under spectral normalization (Miyato et al. 2018) of both its decoders, stored like PyTorch's first
implementation.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POWER_ITERATIONS_AT_START = 10
TEMPERATURE = 10_000.0


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


def sine_positions(height: int, width: int, channels: int, like: Tensor) -> Tensor:
    """Return the two-dimensional sine position code (height * width, channels) on the device of ``like``.

    Vaswani et al. 2017, section 3.5, for rows in the first half of the channels and columns in the second (Carion et
    al. 2020, appendix A.4), with positions 1 .. n scaled to end at 2 pi, whatever the resolution.
    """
    half = channels // 2
    exponent = torch.arange(half, device=like.device, dtype=torch.float32).div(2, rounding_mode="floor") * 2 / half
    wavelength = TEMPERATURE**exponent

    def code(length: int) -> Tensor:
        position = torch.arange(1, length + 1, device=like.device, dtype=torch.float32)
        angle = (position / (length + 1e-6) * 2 * math.pi)[:, None] / wavelength
        return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], 2).flatten(1)

    rows = code(height)[:, None].expand(height, width, half)
    columns = code(width)[None].expand(height, width, half)
    return torch.cat([rows, columns], 2).flatten(0, 1).to(like.dtype)


class CrossAttention(nn.Module):
    """Queries attend to the picture; residual, then layer norm. Positions join queries and keys, not values."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.multihead_attn = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.norm = nn.LayerNorm(channels)

    def forward(self, queries: Tensor, memory: Tensor, query_positions: Tensor, positions: Tensor) -> Tensor:
        """Map queries (N, Q, C), given memory (N, P, C), to (N, Q, C)."""
        read, _ = self.multihead_attn(queries + query_positions, memory + positions, memory)
        return self.norm(queries + read)


class SelfAttention(nn.Module):
    """Queries attend to one another; residual, then layer norm."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.norm = nn.LayerNorm(channels)

    def forward(self, queries: Tensor, query_positions: Tensor) -> Tensor:
        """Map (N, Q, C) to the same shape."""
        placed = queries + query_positions
        read, _ = self.self_attn(placed, placed, queries)
        return self.norm(queries + read)


class FeedForward(nn.Module):
    """Two linear layers with ReLU between; residual, then layer norm."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, Q, C) to the same shape."""
        return self.norm(x + self.linear2(F.relu(self.linear1(x))))


class Perceptron(nn.Module):
    """Three linear layers with ReLU between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(channels, channels) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., C) to the same shape."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Table(nn.Module):
    """A learned table of vectors, starting from N(0, 1)."""

    def __init__(self, rows: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(rows, channels))


class QueryDecoder(nn.Module):
    """Blocks of cross-attention, self-attention and feed-forward, cycling through the scales of the pixel decoder.

    ``scales``: channels of each scale, coarsest first. The result is one embedding per query; its dot product with the
    pixel decoder's embedding of a pixel is the amount of that query's color in the pixel.
    """

    def __init__(
        self,
        scales: Sequence[int],
        queries: int = 100,
        blocks: int = 9,
        channels: int = 256,
        heads: int = 8,
        hidden: int = 2048,
    ) -> None:
        super().__init__()
        self.query_feat = Table(queries, channels)
        self.query_embed = Table(queries, channels)
        self.level_embed = Table(len(scales), channels)
        self.input_proj = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in scales)
        self.transformer_self_attention_layers = nn.ModuleList(SelfAttention(channels, heads) for _ in range(blocks))
        self.transformer_cross_attention_layers = nn.ModuleList(CrossAttention(channels, heads) for _ in range(blocks))
        self.transformer_ffn_layers = nn.ModuleList(FeedForward(channels, hidden) for _ in range(blocks))
        self.decoder_norm = nn.LayerNorm(channels)
        self.color_embed = Perceptron(channels)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return the color embeddings (N, queries, channels) for features (N, C_i, h_i, w_i), coarsest first."""
        memory, positions = [], []
        for i, (project, feature) in enumerate(zip(self.input_proj, features, strict=True)):
            projected = project(feature)
            memory.append(projected.flatten(2).transpose(1, 2) + self.level_embed.weight[i])
            _, channels, height, width = projected.shape
            positions.append(sine_positions(height, width, channels, projected))
        placed = self.query_embed.weight[None]
        queries = self.query_feat.weight[None].expand(len(features[0]), -1, -1)
        for i, (cross, own, forward) in enumerate(
            zip(
                self.transformer_cross_attention_layers,
                self.transformer_self_attention_layers,
                self.transformer_ffn_layers,
                strict=True,
            )
        ):
            scale = i % len(memory)
            queries = forward(own(cross(queries, memory[scale], placed, positions[scale]), placed))
        return self.color_embed(self.decoder_norm(queries))
