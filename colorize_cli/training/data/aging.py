"""Simulate the effects of age and old film on photographs, for a whole batch on the training device.

Ageing changes the network's input lightness; the target a*b* stay those of the clean photograph,
with two exceptions: for simulated red-blind film, a*b* are scaled into the gamut at the new lightness, and
around a mounted photograph and on blank pages they are 0. All randomness comes from the given generator.

`python tools/aging_sheet.py` draws every effect; docs/training.md shows the result.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from colorize_cli.imaging.color import RGB_TO_XYZ, WHITE, XYZ_TO_RGB
from colorize_cli.recipe import Augmentation

ORTHOCHROMATIC = (0.06, 0.47, 0.47)
"""Response to linear R, G and B of film without red sensitivity (most film before about 1925)."""
_LUMINANCE_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""JPEG's quantization table for luminance (ITU-T T.81, table K.1)."""


class Batch(NamedTuple):
    """L* (N, 1, S, S) in 0..100, a*b* (N, 2, S, S) in Lab units, both float32, and class indices (N,), -1 for none."""

    lightness: Tensor
    ab: Tensor
    label: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device, with lightness in the networks' channels-last layout."""
        lightness = self.lightness.to(device, memory_format=torch.channels_last, non_blocking=True)
        return Batch(lightness, self.ab.to(device, non_blocking=True), self.label.to(device, non_blocking=True))


class Chance:
    """Random numbers for ``count`` samples on a device, from one generator."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator, self.device = count, generator, generator.device

    def uniform(self, low: float = 0.0, high: float = 1.0, shape: tuple[int, ...] = (1, 1, 1)) -> Tensor:
        """Return uniform numbers from low to high, (count, *shape)."""
        return low + (high - low) * torch.rand(self.count, *shape, generator=self.generator, device=self.device)

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal numbers, (count, *shape)."""
        return torch.randn(self.count, *shape, generator=self.generator, device=self.device)

    def happens(self, probability: float) -> Tensor:
        """Return 1 where a sample is chosen, else 0, (count, 1, 1, 1)."""
        return (self.uniform() < probability).float()


def linear_of(srgb: Tensor) -> Tensor:
    """Return linear RGB, 0..1, for sRGB (N, 3, H, W) in 0..1."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab_of(linear: Tensor) -> Tensor:
    """Return CIELAB (N, 3, H, W), D65, for linear RGB in 0..1; the formulas of :mod:`colorize_cli.imaging.color`."""
    xyz = torch.einsum("xr,nrhw->nxhw", linear.new_tensor(RGB_TO_XYZ), linear)
    ratio = xyz / linear.new_tensor(WHITE).view(1, 3, 1, 1)
    f = torch.where(ratio > (6 / 29) ** 3, ratio.clamp(min=1e-6) ** (1 / 3), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def lightness_of(luminance: Tensor) -> Tensor:
    """Return L*, 0..100, for relative luminance in 0..1."""
    cube = luminance.clamp(min=1e-6) ** (1 / 3)
    return torch.where(luminance > (6 / 29) ** 3, 116 * cube - 16, luminance * (29 / 3) ** 3)


def linear_of_lab(lightness: Tensor, ab: Tensor) -> Tensor:
    """Return linear RGB (N, 3, H, W), not clipped, for L* (N, 1, H, W) and a*b* (N, 2, H, W)."""
    y = (lightness + 16) / 116
    f = torch.cat([y + ab[:, :1] / 500, y, y - ab[:, 1:] / 200], 1)
    ratio = torch.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    xyz = ratio * ratio.new_tensor(WHITE).view(1, 3, 1, 1)
    return torch.einsum("rx,nxhw->nrhw", ratio.new_tensor(XYZ_TO_RGB), xyz)


def _inside_srgb(lightness: Tensor, ab: Tensor) -> Tensor:
    linear = linear_of_lab(lightness, ab)
    return ((linear > -2e-3) & (linear < 1 + 2e-3)).all(1, keepdim=True)


def orthochromatic(lightness: Tensor, ab: Tensor, steps: int = 6) -> tuple[Tensor, Tensor]:
    """Return L* (N, 1, H, W) as red-blind film records it, and a*b* scaled into the gamut at that lightness."""
    weights = ab.new_tensor(ORTHOCHROMATIC).view(1, 3, 1, 1)
    shown = lightness_of((linear_of_lab(lightness, ab).clamp(0, 1) * weights).sum(1, keepdim=True))
    low, high = torch.zeros_like(shown), torch.ones_like(shown)
    for _ in range(steps):
        middle = (low + high) / 2
        inside = _inside_srgb(shown, middle * ab)
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return shown, torch.where(_inside_srgb(shown, ab), torch.ones_like(low), low) * ab


def blurred(x: Tensor, sigma: Tensor, radius: int = 5) -> Tensor:
    """Return x (N, 1, H, W) blurred by a Gaussian, sigma (N, 1, 1, 1) in pixels, one per sample."""
    offsets = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (offsets.view(1, -1) / sigma.view(-1, 1)) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    y = F.pad(x.transpose(0, 1), (radius,) * 4, mode="replicate")
    y = F.conv2d(y, kernel.view(len(x), 1, 1, -1), groups=len(x))
    return F.conv2d(y, kernel.view(len(x), 1, -1, 1), groups=len(x)).transpose(0, 1)


def _cosines(like: Tensor) -> Tensor:
    n = torch.arange(8, device=like.device, dtype=like.dtype)
    rows = torch.cos(math.pi / 8 * (n.view(1, 8) + 0.5) * n.view(8, 1)) / 2
    rows[0] /= math.sqrt(2)
    return rows


def compressed(x: Tensor, quality: Tensor) -> Tensor:
    """Return L* (N, 1, H, W) after JPEG compression with quality (N, 1, 1, 1) in 1..100."""
    height, width = x.shape[-2:]
    x = F.pad(x, (0, -width % 8, 0, -height % 8), mode="replicate")
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    table = ((x.new_tensor(_LUMINANCE_TABLE) * scale + 50) / 100).floor().clamp(1, 255)
    transform = _cosines(x)
    blocks = (x * 2.55 - 128).unfold(2, 8, 8).unfold(3, 8, 8)
    steps = table.view(-1, 1, 1, 1, 8, 8)
    kept = ((transform @ blocks @ transform.T) / steps).round() * steps
    back = transform.T @ kept @ transform
    return ((back.transpose(3, 4).reshape(x.shape) + 128) / 2.55)[..., :height, :width]


def _places(x: Tensor) -> tuple[Tensor, Tensor]:
    rows, columns = (torch.linspace(-1, 1, edge, device=x.device) for edge in x.shape[-2:])
    return rows.view(1, 1, -1, 1), columns.view(1, 1, 1, -1)


def scratched(x: Tensor, chance: Chance) -> Tensor:
    """Return x with one to three vertical scratches, light or dark."""
    _, columns = _places(x)
    for _ in range(3):
        place, width = chance.uniform(-1, 1), chance.uniform(0.5, 1.5) / x.shape[-1]
        strength = torch.where(chance.uniform() < 0.5, chance.uniform(15, 45), chance.uniform(-45, -15))
        x = x + strength * torch.exp(-(((columns - place) / width) ** 2)) * chance.happens(0.6)
    return x


def aged(x: Tensor, how: Augmentation, chance: Chance) -> Tensor:
    """Age L* (N, 1, S, S), 0..100: optics, fading, film, scratches, the scan's JPEG; ``how``: their probabilities."""
    rows, columns = _places(x)
    if how.blur:
        x = torch.lerp(x, blurred(x, chance.uniform(0.4, 1.6)), chance.happens(how.blur))
    if how.halation:
        glow = blurred((x - 75).clamp(min=0), chance.uniform(2.0, 4.0), radius=9)
        x = x + chance.happens(how.halation) * chance.uniform(0.3, 0.9) * glow
    if how.tone:
        faded = (x - 50) * chance.uniform(0.6, 1.15) + 50 + chance.uniform(-10, 10)
        x = torch.lerp(x, faded, chance.happens(how.tone))
    if how.gamma:
        curved = 100 * (x / 100).clamp(1e-4, 1) ** torch.exp(chance.uniform(-0.35, 0.35))
        x = torch.lerp(x, curved, chance.happens(how.gamma))
    if how.vignette:
        corners = (rows**2 + columns**2) / 2 * chance.uniform(0.1, 0.35) * chance.happens(how.vignette)
        x = x + (100 * chance.happens(0.5) - x) * corners
    if how.scratches:
        x = torch.lerp(x, scratched(x, chance), chance.happens(how.scratches))
    if how.grain:
        noise = chance.normal(1, *x.shape[-2:])
        clumped = blurred(noise, torch.full_like(x[:, :1, :1, :1], 0.7)) * 1.8
        noise = torch.lerp(noise, clumped, chance.happens(0.5)) * chance.uniform(1, 6)
        x = x + noise * chance.happens(how.grain)
    x = x.clamp(0, 100)
    if how.jpeg:
        x = torch.lerp(x, compressed(x, chance.uniform(25, 85)), chance.happens(how.jpeg)).clamp(0, 100)
    return x


def pages(size: int, chance: Chance) -> Tensor:
    """Return L* (N, 1, S, S) of surfaces without color: blank pages of every gray, text, line drawings, halftones."""
    count = chance.count
    rows, columns = _places(torch.empty(1, 1, size, size, device=chance.device))
    angle = chance.uniform(0, 2 * math.pi)
    level = torch.where(chance.uniform() < 0.5, chance.uniform(0, 100), chance.uniform(80, 100))
    page = level + chance.uniform(0, 6) * (torch.cos(angle) * columns + torch.sin(angle) * rows)
    mottle = F.interpolate(chance.normal(1, 5, 5), size=(size, size), mode="bicubic", align_corners=False)
    page = page + chance.uniform(0, 2.5) * mottle
    ink = torch.where(level > 50, chance.uniform(0, 30), chance.uniform(70, 100))
    lines = (torch.sin(rows * chance.uniform(20, 60)) > chance.uniform(-0.2, 0.6)).float()
    letters = F.interpolate(chance.uniform(shape=(1, size // 4, size // 3)), size=(size, size), mode="nearest")
    text = lines * (letters > 0.45).float()
    waves = F.interpolate(chance.normal(1, 9, 9), size=(size, size), mode="bicubic", align_corners=False)
    drawing = ((waves * 3).frac().abs() < chance.uniform(0.05, 0.15)).float()
    pitch = chance.uniform(40, 90)
    screen = torch.sin(pitch * (rows + columns)) * torch.sin(pitch * (rows - columns))
    halftone = (screen > waves).float()
    kind = chance.uniform()
    mark = torch.where(kind < 0.7, text, torch.where(kind < 0.85, drawing, halftone)) * (kind > 0.5).float()
    return torch.lerp(page, ink.expand(count, 1, size, size), mark).clamp(0, 100)


def mounted(lightness: Tensor, ab: Tensor, chance: Chance) -> tuple[Tensor, Tensor]:
    """Return photographs, L* (N, 1, S, S) and a*b* (N, 2, S, S), mounted on a neutral page."""
    rows, columns = _places(lightness)
    top, left = chance.uniform(-1.1, -0.6), chance.uniform(-1.1, -0.6)
    bottom, right = chance.uniform(0.6, 1.1), chance.uniform(0.6, 1.1)
    inside = ((rows > top) & (rows < bottom) & (columns > left) & (columns < right)).float()
    plain = pages(lightness.shape[-1], chance)
    return torch.lerp(plain, lightness, inside), ab * inside


def as_found(batch: Batch, how: Augmentation, generator: torch.Generator) -> Batch:
    """Turn clean crops into training samples: aged L*, and a*b* and labels where they still apply.

    The position in the batch decides which crops become red-blind film or mounted photographs, or are replaced by pages
    (the order of the batch is already random). A page has no label.
    """
    count = len(batch.lightness)
    extra = torch.rand(3, generator=generator, device=generator.device).tolist()
    shares = (how.orthochromatic, how.mounted, how.pages)
    red_blind, framed, blank = (int(share * count + u) for share, u in zip(shares, extra, strict=True))
    sizes = [red_blind, count - red_blind - framed - blank, framed, blank]
    lightness, ab, label = (list(x.split(sizes)) for x in batch)
    if red_blind:
        lightness[0], ab[0] = orthochromatic(lightness[0], ab[0])
    if framed:
        lightness[2], ab[2] = mounted(lightness[2], ab[2], Chance(framed, generator))
    if blank:
        lightness[3] = pages(batch.lightness.shape[-1], Chance(blank, generator))
        ab[3], label[3] = torch.zeros_like(ab[3]), torch.full_like(label[3], -1)
    shown = aged(torch.cat(lightness), how, Chance(count, generator))
    return Batch(shown.contiguous(memory_format=torch.channels_last), torch.cat(ab), torch.cat(label))
