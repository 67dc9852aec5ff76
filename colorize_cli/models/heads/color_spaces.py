"""Color spaces of networks, on tensors (N, C, H, W): a*b* to and from CIELUV, sRGB, and the hue and saturation of HSV.

All share the given L*. The formulas are those of :mod:`colorize_cli.imaging.color`; CIELUV is that of CIE 15:2004. Hue
and saturation are scaled to -100..100, the range of the bins of Hwang & Zhou 2016; HSV is that of gamma-encoded sRGB.
Its value is not predicted: it follows from the lightness of the photo.
"""

import torch
from torch import Tensor

from colorize_cli.imaging.color import RGB_TO_XYZ, WHITE, XYZ_TO_RGB

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


def encode(linear: Tensor) -> Tensor:
    """Return gamma-encoded sRGB, 0..1, of linear values, limited to 0..1."""
    linear = linear.clamp(0, 1)
    return torch.where(linear > 0.0031308, 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055, 12.92 * linear)


def decode(srgb: Tensor) -> Tensor:
    """Return linear values, 0..1, of gamma-encoded sRGB."""
    return torch.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)


def lab_to_srgb(lightness: Tensor, ab: Tensor) -> Tensor:
    """Return sRGB (N, 3, H, W), 0..1, of L* (N, 1, H, W) in 0..100 and a*b* (N, 2, H, W) in Lab units."""
    fy = (lightness.float() + 16) / 116
    relative = cie_expand(torch.cat([fy + ab[:, :1].float() / 500, fy, fy - ab[:, 1:].float() / 200], 1))
    white = torch.from_numpy(WHITE).to(fy).view(1, 3, 1, 1)
    return encode(torch.einsum("ij,njhw->nihw", torch.from_numpy(XYZ_TO_RGB).to(fy), relative * white))


def luminance(linear: Tensor) -> Tensor:
    """Return the luminance (N, 1, H, W), 0..1, of linear sRGB (N, 3, H, W)."""
    return torch.einsum("j,njhw->nhw", torch.from_numpy(RGB_TO_XYZ[1]).to(linear), linear)[:, None]


def srgb_to_ab(srgb: Tensor) -> Tensor:
    """Return a*b* (N, 2, H, W) in Lab units of sRGB (N, 3, H, W), 0..1."""
    white = torch.from_numpy(WHITE).to(srgb).view(1, 3, 1, 1)
    xyz = torch.einsum("ij,njhw->nihw", torch.from_numpy(RGB_TO_XYZ).to(srgb), decode(srgb))
    fx, fy, fz = cie_compress(xyz / white).chunk(3, 1)
    return torch.cat([500 * (fx - fy), 200 * (fy - fz)], 1)


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
