"""Hue and saturation of HSV for networks: of a*b*, and back with the L* given.

Both are scaled to -100..100, the range over which Hwang & Zhou 2016 lay their bins. HSV is that of gamma-encoded sRGB.
Its value is not predicted: it is what gives the color the lightness of the photo.
"""

import torch
from torch import Tensor

from colorize_cli.imaging.color import RGB_TO_XYZ, WHITE, XYZ_TO_RGB
from colorize_cli.models.heads.luv import cie_compress, cie_expand

UNIT = 100.0
_BISECTIONS = 16
"""Halvings of 0..1 in the search for the value: 1/65536."""


def _encode(linear: Tensor) -> Tensor:
    linear = linear.clamp(0, 1)
    return torch.where(linear > 0.0031308, 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055, 12.92 * linear)


def _decode(srgb: Tensor) -> Tensor:
    return torch.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)


def _product(matrix: Tensor, planes: Tensor) -> Tensor:
    return torch.einsum("ij,njhw->nihw", matrix.to(planes), planes)


def ab_to_hs(lightness: Tensor, ab: Tensor) -> Tensor:
    """Return hue and saturation (N, 2, H, W), -100..100, of L* (N, 1, H, W) in 0..100 and a*b* (N, 2, H, W)."""
    fy = (lightness.float() + 16) / 116
    fx, fz = fy + ab[:, :1].float() / 500, fy - ab[:, 1:].float() / 200
    white = torch.from_numpy(WHITE).to(fy).view(1, 3, 1, 1)
    rgb = _encode(_product(torch.from_numpy(XYZ_TO_RGB), cie_expand(torch.cat([fx, fy, fz], 1)) * white))
    red, green, blue = rgb.unbind(1)
    value, index = rgb.max(1)
    spread = value - rgb.amin(1)
    safe = torch.where(spread > 0, spread, 1)
    sixths = torch.stack([(green - blue) / safe % 6, (blue - red) / safe + 2, (red - green) / safe + 4], 1)
    hue = sixths.gather(1, index[:, None])[:, 0] / 6
    saturation = spread / torch.where(value > 0, value, 1)
    return (torch.stack([torch.where(spread > 0, hue, 0), saturation], 1) * 2 - 1) * UNIT


def hs_to_ab(lightness: Tensor, hs: Tensor) -> Tensor:
    """Return a*b* (N, 2, H, W) in Lab units for L* (N, 1, H, W) in 0..100 and hue and saturation (N, 2, H, W).

    A color that cannot be as light as L* at its saturation is taken at its lightest.
    """
    hue, saturation = ((hs.float() / UNIT + 1) / 2).clamp(0, 1).chunk(2, 1)
    wheel = torch.cat([(hue * 6 + turn) % 6 for turn in (0, 4, 2)], 1)
    full = ((wheel - 3).abs() - 1).clamp(0, 1)
    color = 1 - saturation * (1 - full)
    matrix = torch.from_numpy(RGB_TO_XYZ)
    wanted = cie_expand((lightness.float() + 16) / 116)
    low, high = torch.zeros_like(wanted), torch.ones_like(wanted)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        darker = _product(matrix[1:2], _decode(middle * color)) < wanted
        low, high = torch.where(darker, middle, low), torch.where(darker, high, middle)
    white = torch.from_numpy(WHITE).to(color).view(1, 3, 1, 1)
    fx, fy, fz = cie_compress(_product(matrix, _decode(high * color)) / white).chunk(3, 1)
    return torch.cat([500 * (fx - fy), 200 * (fy - fz)], 1)
