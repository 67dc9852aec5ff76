"""sRGB for networks: of L*a*b* and back, on tensors, by the formulas of :mod:`colorize_cli.imaging.color`."""

import torch
from torch import Tensor

from colorize_cli.imaging.color import RGB_TO_XYZ, WHITE, XYZ_TO_RGB
from colorize_cli.models.heads.luv import cie_compress, cie_expand


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
