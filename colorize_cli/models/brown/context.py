"""Self-attention over a coarse feature map: the content of one part of a photograph informs the colors of others."""

import torch.nn.functional as F
from torch import Tensor, nn


class ContextBlock(nn.Module):
    """A transformer encoder block over the positions of a feature map, layer norm first (Xiong et al. 2020).

    No position code: the features of a convolutional network encode position, and the block works at every size.
    """

    def __init__(self, channels: int, heads: int = 4, expansion: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, expansion * channels)
        self.project = nn.Linear(expansion * channels, channels)

    def start_as_identity(self) -> None:
        """Zero the residual branches, so that the block is the identity."""
        for layer in (self.out, self.project):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        tokens = x.flatten(2).transpose(1, 2)
        query, key, value = self.qkv(self.norm1(tokens)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        read = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.out(read.transpose(1, 2).flatten(2))
        tokens = tokens + self.project(F.gelu(self.expand(self.norm2(tokens))))
        return tokens.transpose(1, 2).unflatten(2, x.shape[-2:])
