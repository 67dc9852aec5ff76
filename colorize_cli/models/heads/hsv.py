"""Hue and saturation of HSV for networks: of a*b*, and back with the L* given.

Both are scaled to -100..100, the range over which Hwang & Zhou 2016 lay their bins. HSV is that of gamma-encoded sRGB.
Its value is not predicted: it is what gives the color the lightness of the photo.
"""

import torch
from torch import Tensor

from colorize_cli.models.heads.luv import cie_expand
from colorize_cli.models.heads.srgb import decode, lab_to_srgb, luminance, srgb_to_ab

UNIT = 100.0
_BISECTIONS = 16
"""Halvings of 0..1 in the search for the value: 1/65536."""


def ab_to_hs(lightness: Tensor, ab: Tensor) -> Tensor:
    """Return hue and saturation (N, 2, H, W), -100..100, of L* (N, 1, H, W) in 0..100 and a*b* (N, 2, H, W)."""
    rgb = lab_to_srgb(lightness, ab)
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
    wanted = cie_expand((lightness.float() + 16) / 116)
    low, high = torch.zeros_like(wanted), torch.ones_like(wanted)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        darker = luminance(decode(middle * color)) < wanted
        low, high = torch.where(darker, middle, low), torch.where(darker, high, middle)
    return srgb_to_ab(high * color)
