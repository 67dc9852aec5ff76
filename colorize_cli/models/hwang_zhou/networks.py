"""The networks of Hwang & Zhou 2016: u* and v* of CIELUV as numbers (section 3.5), and as classes (3.6).

``vgg-regression`` is a VGG-16 residual encoder. The paper describes the "creating" half as upscaling, an elementwise
sum with a map of VGG-16 and a convolution, repeated, after Dahl's "residual encoder", without naming layers; the
layers are Dahl's: the last maps of the first four blocks and the gray input itself. Dahl's last layers have three
channels and batch norms up to the output; in this network the last two have none, as in the paper (3.4), and the
output is linear: u* and v*, divided by 100.

``vgg-classifier`` has two sets of 50 classes over VGG-16 hypercolumns: a concatenation of VGG-16 maps, three 3x3
convolutions, two parallel 1x1 convolutions with 50 scores each. The paper does not say which maps are joined nor how
wide the three convolutions are: this network uses the last maps of the first four blocks, each with a batch norm, and
the gray input, then 128, 64 and 64 channels at full width.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.encoders.vgg import VGGNet
from colorize_cli.models.heads.luv import ab_to_uv, uv_to_ab
from colorize_cli.models.heads.smoothing import blurred, smoothed
from colorize_cli.models.network import resize_like

UV_UNIT = 100.0
"""u*v* of an output of 1: the paper's targets are in [-100, 100] (3.6)."""
UV_BINS = 50
"""Bins over [-100, 100] on each axis (3.6)."""
CHANNELS = (128, 64, 64)


def uv_bins(uv: Tensor) -> Tensor:
    """Return the bin 0..49 of u* and of v*, int64 (N, 2, H, W); values outside count for the outermost one."""
    width = 2 * UV_UNIT / UV_BINS
    return ((uv + UV_UNIT) / width).floor().clamp(0, UV_BINS - 1).long()


def uv_accuracies(predicted: Tensor, true: Tensor) -> dict[str, Tensor]:
    """Return ``acc_u`` and ``acc_v``, Acc(U) and Acc(V) of section 5.1: the shares of equal bins (N, 2, H, W)."""
    same = (predicted == true).float().mean((0, 2, 3))
    return {"acc_u": same[0], "acc_v": same[1]}


class _Step(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        )


class VGGRegression(VGGNet):
    """Lightness to u*v* at full size. ``width``: share of VGG-16's channels."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__(width, blocks=4)
        full, half, quarter, eighth = self.encoder.channels
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in (eighth, quarter, half, full))
        self.reduce = nn.Sequential(
            nn.Conv2d(eighth, quarter, 1, bias=False), nn.BatchNorm2d(quarter), nn.ReLU(inplace=True)
        )
        self.step3 = _Step(quarter, half)
        self.step2 = _Step(half, full)
        self.step1 = _Step(full, 3)
        self.last = nn.Conv2d(3, 3, 3, 1, 1)
        self.output = nn.Conv2d(3, 2, 3, 1, 1)

    def predictions(self, lightness: Tensor) -> Tensor:
        """Return u*v* / 100 (N, 2, H, W) for L* (N, 1, H, W) in 0..100."""
        x = self.encoder_input(lightness)
        full, half, quarter, eighth = self.encoder(x)
        y = self.reduce(self.norms[0](eighth))
        y = self.step3(resize_like(y, quarter) + self.norms[1](quarter))
        y = self.step2(resize_like(y, half) + self.norms[2](half))
        y = self.step1(resize_like(y, full) + self.norms[3](full))
        # The paper's network gets the gray picture in all three channels.
        return self.output(F.relu(self.last(y + x)))

    def targets(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return the true u*v* / 100 (N, 2, H, W)."""
        return ab_to_uv(lightness, ab) / UV_UNIT

    @torch.no_grad()
    def accuracies(self, predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return ``acc_u`` and ``acc_v``."""
        return uv_accuracies(uv_bins(predictions * UV_UNIT), uv_bins(targets * UV_UNIT))

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units for L* (N, 1, H, W) in 0..100."""
        return uv_to_ab(lightness, self.predictions(lightness).float() * UV_UNIT)


class BinDecoder(nn.Module):
    """Scores of u* and v* bins to u*v*, by the mean of the colors that each bin holds in the training photos."""

    means: Tensor

    def __init__(self) -> None:
        super().__init__()
        width = 2 * UV_UNIT / UV_BINS
        self.register_buffer("means", ((torch.arange(UV_BINS) + 0.5) * width - UV_UNIT).repeat(2, 1))

    def count(self, samples: Iterable[Tensor]) -> None:
        """Set the means from Lab (N, 3, h, w) of training photos; a bin that never occurs keeps its center."""
        sums = torch.zeros(2, UV_BINS, dtype=torch.float64)
        counts = torch.zeros(2, UV_BINS, dtype=torch.float64)
        for lab in samples:
            uv = ab_to_uv(lab[:, :1], lab[:, 1:])
            bins = uv_bins(uv)
            for axis in (0, 1):
                sums[axis].index_add_(0, bins[:, axis].flatten(), uv[:, axis].flatten().double())
                counts[axis] += torch.bincount(bins[:, axis].flatten(), minlength=UV_BINS)
        found = counts > 0
        self.means[found] = (sums[found] / counts[found]).float()

    def forward(self, scores: Tensor, temperature: float | None = None) -> Tensor:
        """Return u*v* (N, 2, h, w) for scores (N, 2, 50, h, w).

        ``temperature``: 0 or None takes the largest score's bin (the paper), above 0 the mean over the distribution
        sharpened by it (annealed mean, Zhang et al. 2016, section 2.3); 1 is the plain mean.
        """
        if temperature:
            chances = F.softmax(scores.float() / temperature, 2)
            return torch.einsum("nakhw,ak->nahw", chances, self.means)
        best = scores.argmax(2)
        return torch.stack([self.means[axis][best[:, axis]] for axis in (0, 1)], 1)


class VGGClassifier(VGGNet):
    """Lightness to scores of 50 bins of u* and 50 of v*, for each pixel.

    Parameters
    ----------
    width
        share of the channels.
    stride
        input pixels per classified location: 1 is every pixel, as in the paper.
    """

    def __init__(self, width: float = 1.0, stride: int = 1) -> None:
        super().__init__(width, blocks=4)
        self.stride = stride
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in self.encoder.channels)
        layers: list[nn.Module] = []
        before = sum(self.encoder.channels) + 1
        for share in CHANNELS:
            channels = max(32, round(share * width))
            layers += [nn.Conv2d(before, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(True)]
            before = channels
        self.head = nn.Sequential(*layers)
        self.score_u = nn.Conv2d(before, UV_BINS, 1)
        self.score_v = nn.Conv2d(before, UV_BINS, 1)
        self.decode = BinDecoder()

    def scores(self, lightness: Tensor) -> Tensor:
        """Return the scores (N, 2, 50, H / stride, W / stride) of u* and v* for L* (N, 1, H, W) in 0..100."""
        x = self.encoder_input(lightness)
        size = [max(1, -(-side // self.stride)) for side in x.shape[-2:]]
        maps = [norm(features) for norm, features in zip(self.norms, self.encoder(x), strict=True)]
        columns = [F.interpolate(m, size=size, mode="bilinear", align_corners=False) for m in [*maps, x]]
        y = self.head(torch.cat(columns, 1))
        return torch.stack([self.score_u(y), self.score_v(y)], 1)

    def bins(self, lightness: Tensor, ab: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the true bins (N, 2, *size), those of each location's mean color, for L* and a*b* at input size."""
        return uv_bins(F.adaptive_avg_pool2d(ab_to_uv(lightness, ab), size))

    @torch.no_grad()
    def accuracies(self, predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return ``acc_u`` and ``acc_v`` of predicted and true bins."""
        return uv_accuracies(predictions, targets)

    def count_colors(self, samples: Iterable[Tensor], pixels: int) -> None:
        """Compute the means of the bins from Lab (N, 3, h, w) of training photos."""
        self.decode.count(samples)

    def chroma(
        self,
        lightness: Tensor,
        temperature: float | None = None,
        score_blur: float | None = None,
        smoothing: float | None = None,
    ) -> Tensor:
        """Predict a*b* (N, 2, H / stride, W / stride) in Lab units for L* (N, 1, H, W) in 0..100.

        ``temperature``: see :class:`BinDecoder`. ``score_blur``: sigma, in pixels of the input, of a Gaussian over the
        scores, which the paper tried (5.3). ``smoothing``: weight of total variation over the colors, its future work.
        """
        return self._answer(self.scores(lightness).float(), lightness, temperature, score_blur, smoothing)

    def chroma_and_error(self, lightness: Tensor, **decoding: float) -> tuple[Tensor, Tensor]:
        """Predict a*b* as :meth:`chroma` does, and its expected error, (N, 1, h, w), Lab units.

        The two heads predict separate distributions of u* and v* without their dependence: they are assumed to
        be independent. Four colors, a standard deviation from the means on both axes, have the same mean and
        variances; converted to a*b* one by one, they represent the 2500 pairs of bins.
        """
        scores = self.scores(lightness).float()
        ab = self._answer(scores, lightness, **decoding)
        chances = F.softmax(scores, 2)
        mean = torch.einsum("nakhw,ak->nahw", chances, self.decode.means)
        square = torch.einsum("nakhw,ak->nahw", chances, self.decode.means.square())
        spread = (square - mean.square()).clamp_min(0).sqrt()
        small = resize_like(lightness.float(), ab)
        signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], device=ab.device)[..., None, None]
        squared = [(uv_to_ab(small, mean + sign * spread) - ab).square().sum(1, keepdim=True) for sign in signs]
        return ab, torch.stack(squared).mean(0).sqrt()

    def _answer(
        self,
        scores: Tensor,
        lightness: Tensor,
        temperature: float | None = None,
        score_blur: float | None = None,
        smoothing: float | None = None,
    ) -> Tensor:
        if score_blur:
            scores = blurred(scores.flatten(1, 2), score_blur / self.stride).view_as(scores)
        uv = self.decode(scores, temperature)
        small = resize_like(lightness.float(), uv)
        return smoothed(uv_to_ab(small, uv), small, smoothing or 0.0)
