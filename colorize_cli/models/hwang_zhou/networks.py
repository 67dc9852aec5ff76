"""The networks of Hwang & Zhou 2016: u* and v* of CIELUV as numbers (section 3.5) or as classes (3.6).

``vgg-regression`` is a VGG-16 residual encoder. The paper describes the "creating" half after
Dahl's "residual encoder": upscaling, an elementwise sum with a map of VGG-16 and a convolution, repeated. It does not
name the maps, so this network uses Dahl's: the last maps of the first four blocks and the gray input itself. Dahl's
last layers have three channels, and batch norms up to the output. In this network the last two layers have no batch
norm, as in the paper (3.4), and the output is linear: u* and v*, divided by 100.

``vgg-classifier`` has two sets of 50 classes: residual encoder units (5.2, item 2: each adds a map of VGG-16 to an
upscaled one and convolves the sum), a concatenation of the maps that they create, three 3x3 convolutions, and two
parallel 1x1 convolutions with 50 scores each. The paper does not say which maps are joined or how wide the three
convolutions are: this network joins one map of each scale and the gray input, and has 128, 64 and 64 channels at full
width. The paper's other experiments (5.2, items 1 to 4) are arguments.
"""

from collections.abc import Iterable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.encoders.vgg import VGGNet
from colorize_cli.models.heads.color_spaces import ab_to_hs, ab_to_uv, hs_to_ab, uv_to_ab
from colorize_cli.models.heads.smoothing import blurred, smoothed
from colorize_cli.models.network import resize_like

UV_UNIT = 100.0
"""The value of u* or v* that an output of 1 stands for: the paper's targets are in [-100, 100] (3.6)."""
UV_BINS = 50
"""Bins over [-100, 100] on each axis (3.6)."""
CHANNELS = (128, 64, 64)
Aggregation = Literal["concat", "sum"]


def uv_bins(uv: Tensor) -> Tensor:
    """Return the bin 0..49 of u* and of v*, int64 (N, 2, H, W); values outside the range count as the outermost bin."""
    width = 2 * UV_UNIT / UV_BINS
    return ((uv + UV_UNIT) / width).floor().clamp(0, UV_BINS - 1).long()


def uv_accuracies(predicted: Tensor, true: Tensor) -> dict[str, Tensor]:
    """Return ``acc_u`` and ``acc_v``, Acc(U) and Acc(V) of section 5.1: the shares of equal bins of (N, 2, H, W)."""
    same = (predicted == true).float().mean((0, 2, 3))
    return {"acc_u": same[0], "acc_v": same[1]}


class _Step(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        )


class ResidualEncoder(VGGNet):
    """VGG-16 and the "creating" process after it: upscale, add a map of VGG-16, convolve, repeat (3.5, 5.2).

    ``width``: factor for VGG-16's number of channels.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__(width, blocks=4)
        full, half, quarter, eighth = self.encoder.channels
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in (eighth, quarter, half, full))
        self.reduce = nn.Sequential(
            nn.Conv2d(eighth, quarter, 1, bias=False), nn.BatchNorm2d(quarter), nn.ReLU(inplace=True)
        )
        self.step3 = _Step(quarter, half)
        self.step2 = _Step(half, full)

    def created(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the maps of the creating process for the encoder's input (N, 1, H, W).

        They have 1/8, 1/4, 1/2 and all of its size, and 256, 128, 64 and 64 channels at full width; the last one is
        the sum before the next convolution.
        """
        full, half, quarter, eighth = self.encoder(x)
        at_8 = self.reduce(self.norms[0](eighth))
        at_4 = self.step3(resize_like(at_8, quarter) + self.norms[1](quarter))
        at_2 = self.step2(resize_like(at_4, half) + self.norms[2](half))
        return at_8, at_4, at_2, resize_like(at_2, full) + self.norms[3](full)


class VGGRegression(ResidualEncoder):
    """Lightness to u*v* at full size. ``width``: factor for VGG-16's number of channels."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__(width)
        self.step1 = _Step(self.encoder.channels[0], 3)
        self.last = nn.Conv2d(3, 3, 3, 1, 1)
        self.output = nn.Conv2d(3, 2, 3, 1, 1)

    def predictions(self, lightness: Tensor) -> Tensor:
        """Return u*v* / 100 (N, 2, H, W) for L* (N, 1, H, W) in 0..100."""
        x = self.encoder_input(lightness)
        # The network of the paper sees the gray picture in all three channels.
        return self.output(F.relu(self.last(self.step1(self.created(x)[-1]) + x)))

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
    """Scores of u* and v* bins to u*v*, by the mean of the training photos' colors in each bin."""

    means: Tensor

    def __init__(self) -> None:
        super().__init__()
        width = 2 * UV_UNIT / UV_BINS
        self.register_buffer("means", ((torch.arange(UV_BINS) + 0.5) * width - UV_UNIT).repeat(2, 1))

    def count(self, samples: Iterable[Tensor]) -> None:
        """Set the means from u*v* (N, 2, h, w) of training photos; a bin that never occurs keeps its center."""
        sums = torch.zeros(2, UV_BINS, dtype=torch.float64)
        counts = torch.zeros(2, UV_BINS, dtype=torch.float64)
        for uv in samples:
            bins = uv_bins(uv)
            for axis in (0, 1):
                sums[axis].index_add_(0, bins[:, axis].flatten(), uv[:, axis].flatten().double())
                counts[axis] += torch.bincount(bins[:, axis].flatten(), minlength=UV_BINS)
        found = counts > 0
        self.means[found] = (sums[found] / counts[found]).float()

    def forward(self, scores: Tensor, temperature: float | None = None) -> Tensor:
        """Return u*v* (N, 2, h, w) for scores (N, 2, 50, h, w).

        ``temperature``: 0 or None takes the bin with the largest score (the paper); above 0, the mean over the
        distribution sharpened by it (annealed mean, Zhang et al. 2016, section 2.3); 1 is the plain mean.
        """
        if temperature:
            chances = F.softmax(scores.float() / temperature, 2)
            return torch.einsum("nakhw,ak->nahw", chances, self.means)
        best = scores.argmax(2)
        return torch.stack([self.means[axis][best[:, axis]] for axis in (0, 1)], 1)


class VGGClassifier(ResidualEncoder):
    """Lightness to scores of 50 bins of u* and 50 of v*, for each pixel.

    Parameters
    ----------
    width
        factor for the number of channels.
    stride
        side in input pixels of each area that is classified; 1 classifies every pixel, as in the paper.
    aggregation
        how the maps of all scales are joined: ``concat``, or ``sum``, for which a 1x1 convolution gives each of them
        the same number of channels (5.2, item 1).
    residual
        whether the maps are those of residual encoder units; if not, they are VGG-16's own (5.2, item 2).
    convolutions
        number of 3x3 convolutions that follow, 1 to 3 (5.2, item 3).
    color_space
        ``luv``, or ``hsv``: hue and saturation in place of u* and v*, each over -100..100 (5.2, item 4).
    """

    def __init__(
        self,
        width: float = 1.0,
        stride: int = 1,
        aggregation: Aggregation = "concat",
        residual: bool = True,
        convolutions: int = 3,
        color_space: Literal["luv", "hsv"] = "luv",
    ) -> None:
        super().__init__(width)
        self.of_ab, self.to_ab = {"luv": (ab_to_uv, uv_to_ab), "hsv": (ab_to_hs, hs_to_ab)}[color_space]
        self.stride, self.residual = stride, residual
        full, half, quarter, eighth = self.encoder.channels
        channels = (quarter, half, full, full) if residual else (eighth, quarter, half, full)
        if not residual:
            del self.reduce, self.step3, self.step2
        widths = [max(32, round(share * width)) for share in CHANNELS[-convolutions:]]
        self.projections: nn.ModuleList | None = None
        if aggregation == "sum":
            self.projections = nn.ModuleList(nn.Conv2d(count, widths[0], 1) for count in (*channels, 1))
        layers: list[nn.Module] = []
        before = widths[0] if aggregation == "sum" else sum(channels) + 1
        for after in widths:
            layers += [nn.Conv2d(before, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(True)]
            before = after
        self.head = nn.Sequential(*layers)
        self.score_u = nn.Conv2d(before, UV_BINS, 1)
        self.score_v = nn.Conv2d(before, UV_BINS, 1)
        self.decode = BinDecoder()

    def scores(self, lightness: Tensor) -> Tensor:
        """Return the scores (N, 2, 50, H / stride, W / stride) of u* and v* for L* (N, 1, H, W) in 0..100."""
        x = self.encoder_input(lightness)
        size = [max(1, -(-side // self.stride)) for side in x.shape[-2:]]
        maps = [*(self.created(x) if self.residual else self._plain_maps(x)), x]
        if self.projections is not None:
            maps = [project(m) for project, m in zip(self.projections, maps, strict=True)]
        columns = [F.interpolate(m, size=size, mode="bilinear", align_corners=False) for m in maps]
        y = self.head(torch.cat(columns, 1) if self.projections is None else torch.stack(columns).sum(0))
        return torch.stack([self.score_u(y), self.score_v(y)], 1)

    def _plain_maps(self, x: Tensor) -> list[Tensor]:
        """Return VGG-16's own maps, normalized, from the deepest to the finest."""
        return [norm(features) for norm, features in zip(self.norms, reversed(self.encoder(x)), strict=True)]

    def bins(self, lightness: Tensor, ab: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the true bins (N, 2, *size), of the mean color of each area, for L* and a*b* of the input's size."""
        cells = F.adaptive_avg_pool2d(torch.cat([lightness, ab], 1), size)
        return uv_bins(self.of_ab(cells[:, :1], cells[:, 1:]))

    @torch.no_grad()
    def accuracies(self, predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return ``acc_u`` and ``acc_v`` of predicted and true bins."""
        return uv_accuracies(predictions, targets)

    def own_choices(self) -> dict[str, float]:
        """Return the paper's decoding: the bin of the largest score, nothing blurred or smoothed."""
        return {"temperature": 0.0, "score_blur": 0.0, "smoothing": 0.0}

    def count_colors(self, samples: Iterable[Tensor], pixels: int) -> None:
        """Take the means of the bins from Lab (N, 3, h, w) of training photos."""
        self.decode.count(self.of_ab(lab[:, :1], lab[:, 1:]) for lab in samples)

    def chroma(
        self,
        lightness: Tensor,
        temperature: float | None = None,
        score_blur: float | None = None,
        smoothing: float | None = None,
    ) -> Tensor:
        """Predict a*b* (N, 2, H / stride, W / stride) in Lab units for L* (N, 1, H, W) in 0..100.

        ``temperature``: see :class:`BinDecoder`. ``score_blur``: sigma, in pixels of the input, of a Gaussian over the
        scores, as tried in the paper (5.3). ``smoothing``: weight of total variation over the colors, which the paper
        names as future work.
        """
        return self._answer(self.scores(lightness).float(), lightness, temperature, score_blur, smoothing)

    def chroma_and_error(self, lightness: Tensor, **decoding: float) -> tuple[Tensor, Tensor]:
        """Predict a*b* as :meth:`chroma` does, and its expected error, (N, 1, h, w), Lab units.

        The two heads predict separate distributions of u* and v*, which are assumed to be independent. Four colors,
        one standard deviation from the means on both axes, have the same mean and variances; converted to a*b* one by
        one, they represent the 2500 pairs of bins.
        """
        scores = self.scores(lightness).float()
        ab = self._answer(scores, lightness, **decoding)
        chances = F.softmax(scores, 2)
        mean = torch.einsum("nakhw,ak->nahw", chances, self.decode.means)
        square = torch.einsum("nakhw,ak->nahw", chances, self.decode.means.square())
        spread = (square - mean.square()).clamp_min(0).sqrt()
        small = resize_like(lightness.float(), ab)
        signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], device=ab.device)[..., None, None]
        squared = [(self.to_ab(small, mean + sign * spread) - ab).square().sum(1, keepdim=True) for sign in signs]
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
        return smoothed(self.to_ab(small, uv), small, smoothing or 0.0)
