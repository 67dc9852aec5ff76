"""Learn to shift predicted colors so that their distribution matches that of true colors.

The network keeps its weights; only the displacement fields of its decoder are learned
(:mod:`colorize_cli.models.heads.ab_bins`). The objective, maximized, is a mean over photographs,

    PSNR + 0.05 dB * percent of the true colorfulness - 10 dB * distance of the ab histograms
        - 1/30 dB * mean square of excess warmth - roughness of the fields,

with histograms of the whole batch and total variation, 0 to 1, as their distance. The second term keeps the first
from removing all color; the last keeps neighbouring colors together: an unconstrained field would fill the bins
of the histogram one by one. "Too warm" is how far a color is beyond the true one in the direction of orange,
less a tolerance of 15 Lab units: an area wrongly painted red or orange is the most visible fault, and
the other terms weigh it no more than one painted blue.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.color import WHITE, XYZ_TO_RGB
from colorize_cli.models.heads.ab_bins import EXTENT, GRID, AbDecoder, soft_labels
from colorize_cli.models.network import resize_like
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives.base import Objective

COLOR_PRICE = 0.05
"""dB of PSNR that one percent of the true colorfulness may cost."""
HISTOGRAM_PRICE = 10.0
"""dB of PSNR that a whole unit of total variation may cost."""
STIFFNESS = 0.0015
"""dB that a mean square of one Lab unit of the fields' second differences costs."""
WARMTH_PRICE = 1 / 30
"""dB that a mean square of one Lab unit too warm costs."""
WARM = (0.77, 0.64)
"""The direction of orange in the ab plane, a hue of 40 degrees."""
TOLERATED = 15.0
"""Lab units that a color may be warmer than the true one."""
THINNING = 3
"""Only every third pixel of every third row is used."""


class ColorCalibration(Objective):
    """The displacement fields of a decoder of ab bins, everything else as it is (``frozen=("",)``)."""

    keeps_newest = True

    def extra_modules(self) -> nn.Module:
        """Return the holder of the fields that are learned; the network's own are a copy of them."""
        return nn.ParameterDict({"fields": nn.Parameter(self._decoder().displacement.clone())})

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss``, the negated objective, and its parts.

        ``gained`` in dB, ``colorfulness`` in percent, ``distance`` 0 to 1, ``warmth`` in squared Lab units.
        """
        decoder = self._decoder()
        with torch.no_grad():
            logits = self.network.logits(batch.lightness)
        with torch.autocast(batch.ab.device.type, enabled=False):
            fields = self.extra["fields"]  # type: ignore[index]
            ab = resize_like(decoder.displaced(*decoder.undisplaced(logits.float()), fields), batch.lightness)
            lightness, ab, truth = (x[..., ::THINNING, ::THINNING] for x in (batch.lightness, ab, batch.ab))
            painted, true = lab_to_srgb(lightness, ab), lab_to_srgb(lightness, truth)
            gray = lab_to_srgb(lightness, torch.zeros_like(truth))
            gained = (_decibels(painted, true) - _decibels(gray, true)).mean()
            share = 100 * _colorfulness(painted).mean() / _colorfulness(true).mean().clamp(min=1e-3)
            distance = _total_variation(ab, truth)
            warmth = _warmth(ab, truth)
            rough = sum(fields.diff(n=2, dim=dim).square().mean() for dim in (2, 3))
            costs = HISTOGRAM_PRICE * distance + WARMTH_PRICE * warmth + STIFFNESS * rough
            loss = costs - gained - COLOR_PRICE * share
        return {"loss": loss, "gained": gained, "colorfulness": share, "distance": distance, "warmth": warmth}

    def finish_step(self) -> None:
        """Give the network the new fields, then count the step.

        Where the network is certain of gray, as on a blank page, the fields move nothing: gray things in photographs
        often have a cast, which would tint pages.
        """
        with torch.no_grad():
            displacement = self._decoder().displacement
            displacement.copy_(self.extra["fields"])  # type: ignore[index]
            middle = displacement.shape[-1] // 2
            displacement[0, :, middle, middle] = 0
        super().finish_step()

    def _decoder(self) -> AbDecoder:
        decoder = self.network.ab_bins
        if decoder is None:
            raise UsageProblem(
                "This architecture predicts a*b* directly: it has no distribution to calibrate.", "Choose other stages."
            )
        return decoder


def lab_to_srgb(lightness: Tensor, ab: Tensor) -> Tensor:
    """Return sRGB (N, 3, H, W) in 0..255, clipped, for L* (N, 1, H, W) and a*b* (N, 2, H, W); CIE 1976, D65.

    The formulas of :mod:`colorize_cli.imaging.color`, through which gradients pass.
    """
    y = (lightness + 16) / 116
    compressed = torch.cat([y + ab[:, :1] / 500, y, y - ab[:, 1:] / 200], 1)
    ratio = torch.where(compressed > 6 / 29, compressed**3, 3 * (6 / 29) ** 2 * (compressed - 4 / 29))
    xyz = ratio * ratio.new_tensor(WHITE).view(1, 3, 1, 1)
    linear = torch.einsum("rx,nxhw->nrhw", ratio.new_tensor(XYZ_TO_RGB), xyz).clamp(0, 1)
    # The lower limit keeps the gradient of the power finite where the other branch applies.
    curved = 1.055 * linear.clamp(min=0.003) ** (1 / 2.4) - 0.055
    return 255 * torch.where(linear <= 0.0031308, 12.92 * linear, curved)


def _decibels(painted: Tensor, true: Tensor) -> Tensor:
    """Return the PSNR of each picture; the summand keeps it finite for a picture without error."""
    return 10 * torch.log10(255**2 / ((painted - true).square().mean((1, 2, 3)) + 1))


def _colorfulness(rgb: Tensor) -> Tensor:
    """Return the colorfulness (abs variant, see ``evaluation.colorfulness``) of each picture (N, 3, H, W), 0..255."""
    red, green, blue = rgb.unbind(1)
    opponents = torch.stack([red - green, 0.5 * (red + green) - blue], 1).abs().flatten(2)
    spread = opponents.var(2, correction=0).sum(1)
    return (spread + 1e-4).sqrt() + 0.3 * (opponents.mean(2).square().sum(1) + 1e-4).sqrt()


def _warmth(ab: Tensor, truth: Tensor) -> Tensor:
    """Return the mean square, Lab units, by which a*b* exceed the tolerance in the direction of orange."""
    beyond = ((ab - truth) * ab.new_tensor(WARM).view(1, 2, 1, 1)).sum(1) - TOLERATED
    return beyond.clamp(min=0).square().mean()


def _total_variation(ab: Tensor, truth: Tensor) -> Tensor:
    """Return the distance, 0..1, of the histograms of all a*b* (N, 2, H, W).

    The bins are shifted randomly by up to half a bin, so that their borders do not shape the fields.
    """
    offset = GRID * (torch.rand(1, 2, 1, 1, device=ab.device) - 0.5)
    return 0.5 * (_histogram(ab + offset) - _histogram(truth + offset)).abs().sum()


def _histogram(ab: Tensor) -> Tensor:
    """Return the share of each bin of a grid of 10 Lab units, each color shared bilinearly among four."""
    axis = torch.arange(-EXTENT - GRID, EXTENT + 2 * GRID, GRID, device=ab.device)
    indices, shares = soft_labels(ab, torch.cartesian_prod(axis, axis))
    return ab.new_zeros(len(axis) ** 2).index_add(0, indices.flatten(), shares.flatten()) / indices[:, 0].numel()
