"""CIELUV for networks: u*v* of a*b* and back with the L* given, by the exact formulas of CIE 15:2004.

The same as :mod:`colorize_cli.imaging.color` computes for pictures, on tensors (N, 2, H, W). Both spaces share L*.
"""

import torch
from torch import Tensor

from colorize_cli.imaging.color import WHITE

_X, _Y, _Z = (float(value) for value in WHITE)
_U_WHITE = 4 * _X / (_X + 15 * _Y + 3 * _Z)
_V_WHITE = 9 * _Y / (_X + 15 * _Y + 3 * _Z)
_EPSILON, _SLOPE, _OFFSET = 0.008856, 7.787, 16 / 116
AB_LIMIT = 128.0


def cie_expand(compressed: Tensor) -> Tensor:
    """Inverse of CIE f(t)."""
    return torch.where(compressed > _EPSILON ** (1 / 3), compressed**3, (compressed - _OFFSET) / _SLOPE)


def cie_compress(ratio: Tensor) -> Tensor:
    """CIE f(t): cube root, continued by a straight line near black."""
    return torch.where(ratio > _EPSILON, ratio.clamp(min=_EPSILON) ** (1 / 3), _SLOPE * ratio + _OFFSET)


def ab_to_uv(lightness: Tensor, ab: Tensor) -> Tensor:
    """Return u*v* (N, 2, H, W) for L* (N, 1, H, W) in 0..100 and a*b* (N, 2, H, W), float32."""
    L, a, b = lightness.float(), ab[:, :1].float(), ab[:, 1:].float()
    fy = (L + 16) / 116
    x, y, z = _X * cie_expand(fy + a / 500), cie_expand(fy), _Z * cie_expand(fy - b / 200)
    denominator = x + 15 * y + 3 * z
    # Black has no chromaticity: u* and v* are 0 for any quotient.
    denominator = torch.where(denominator > 0, denominator, 1)
    return 13 * L * torch.cat([4 * x / denominator - _U_WHITE, 9 * y / denominator - _V_WHITE], 1)


def uv_to_ab(lightness: Tensor, uv: Tensor) -> Tensor:
    """Return a*b* (N, 2, H, W) for L* (N, 1, H, W) in 0..100 and u*v* (N, 2, H, W), float32; 0 at black.

    Impossible u*v* give extreme a*b*, which are limited to +-128.
    """
    L = lightness.float()
    scale = 13 * torch.where(L > 0, L, 1)
    u, v = uv.float().chunk(2, 1)
    u_prime = u / scale + _U_WHITE
    # v' of real colors is at least 0.017; an extreme prediction must give a finite result, not a division by zero.
    v_prime = (v / scale + _V_WHITE).clamp(min=1e-3)
    fy = (L + 16) / 116
    y = cie_expand(fy)
    x = y * 9 * u_prime / (4 * v_prime)
    z = y * (12 - 3 * u_prime - 20 * v_prime) / (4 * v_prime)
    ab = torch.cat([500 * (cie_compress(x / _X) - fy), 200 * (fy - cie_compress(z / _Z))], 1)
    return torch.where(L > 0, ab, 0).clamp(-AB_LIMIT, AB_LIMIT)
