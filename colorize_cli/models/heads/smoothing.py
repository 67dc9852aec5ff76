"""Two ways to smooth noisy predictions: a Gaussian blur of scores, and edge-aware total variation."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

EDGE = 10.0
"""Lab units: an L* step of this size reduces the cost of a color step to 1/e of that in even areas."""
_STEP = 0.125  # 1 / the largest eigenvalue of the discrete Laplacian


def blurred(scores: Tensor, sigma: float) -> Tensor:
    """Blur (N, C, H, W) with a Gaussian of ``sigma`` pixels, with the border repeated; 0 leaves it unchanged."""
    if sigma <= 0:
        return scores
    radius = max(1, min(math.ceil(3 * sigma), 4 * max(scores.shape[-2:])))
    offsets = torch.arange(-radius, radius + 1, device=scores.device, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).to(scores.dtype)
    channels = scores.shape[1]
    across = kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    down = kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    x = F.conv2d(F.pad(scores, (radius, radius, 0, 0), mode="replicate"), across, groups=channels)
    return F.conv2d(F.pad(x, (0, 0, radius, radius), mode="replicate"), down, groups=channels)


def smoothed(chroma: Tensor, lightness: Tensor, weight: float, iterations: int = 100) -> Tensor:
    """Return chroma (N, 2, H, W) smoothed within areas, sharp where L* (N, 1, H, W) has edges; float32.

    Minimizes 1/2 |x - chroma|^2 + weight * sum of e^(-|step of L*| / 10) * |step of x|, a pixel's steps being those to
    the right and downwards, of both channels, under one norm, by the projected gradient of the dual (Chambolle 2004).
    ``weight`` has the units of the chroma: 10 removes specks of a few pixels that differ by 10. 0 changes nothing.
    """
    if weight <= 0:
        return chroma
    target = chroma.float()
    edges = _gradient(lightness.float()).square().sum((1, 2), keepdim=True).sqrt()
    strength = weight * torch.exp(-edges / EDGE)
    dual = torch.zeros_like(_gradient(target))
    for _ in range(iterations):
        step = dual + _STEP * _gradient(target + _divergence(dual))
        length = step.square().sum((1, 2), keepdim=True).sqrt()
        dual = step / (length / strength).clamp(min=1)
    return target + _divergence(dual)


def _gradient(x: Tensor) -> Tensor:
    """Steps to the right and downwards of (N, C, H, W): (N, C, 2, H, W), 0 beyond the border."""
    right = F.pad(x[..., :, 1:] - x[..., :, :-1], (0, 1, 0, 0))
    below = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return torch.stack([right, below], 2)


def _divergence(p: Tensor) -> Tensor:
    """The negative adjoint of :func:`_gradient`: (N, C, 2, H, W) to (N, C, H, W)."""
    right, below = p[:, :, 0, :, :-1], p[:, :, 1, :-1, :]
    return F.pad(right, (0, 1)) - F.pad(right, (1, 0)) + F.pad(below, (0, 0, 0, 1)) - F.pad(below, (0, 0, 1, 0))
