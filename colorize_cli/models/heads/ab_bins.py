"""The grid of ab bins of a classifying colorizer, soft labels for it, and decoding with a chosen vividness.

Zhang et al. 2016 ("Colorful Image Colorization", section 2.1) quantize the ab plane with a grid of 10 Lab units and
keep the bins that occur in sRGB. Their rebalancing weights (2.2) are applied here when decoding instead of when
training: the network learns the true posterior p(bin | photo), and with a vividness v

    q(bin) ~ p(bin | photo) / prior(bin) ** (prior_weight * v)
    m = sum_bin q(bin) * center(bin)
    x = (1 + v * min(gain * sqrt(E) * s / sqrt(S^2 + S0^2), limit)) * m
    y = x * min((|x| / 20) ** (curve * v), 1.2) * |x|^2 / (|x|^2 + (neutral * v)^2)
    ab = y + v * displacement(y, spread)

turns it into a color. v = 0 is the posterior mean: least error, but pale. s is the standard deviation of q, E the
mean of its square over the picture, S the root mean square of m.

The gain of a picture minimizes the cost of a given colorfulness. Multiplying m by 1 + g adds g^2 S^2 to an expected
squared error of E: it lowers the PSNR by about g^2 S^2 / E and raises the colorfulness by about g S. With one price of
colorfulness for all pictures, g is proportional to E / S. Where q is wide, its mean has lost most of its color, and it
regains most; areas that are certainly gray stay gray. The same holds within a picture: where q is narrow, as it is
on faces, m already has its color. On validation photographs this costs less than one gain for all, or than dividing by
the prior, whose weight is kept small because it admits rare colors.

The last two factors of y, a curve over chroma, reduce low chroma and raise high chroma. Means of many possible
colors all have medium chroma; true colors are mostly near neutral, and rarely strong.

The displacement, smooth fields over the ab plane learned from training photographs
(:mod:`colorize_cli.training.objectives.calibration`), does the same for hues: means cluster near warm neutrals, true
colors are on both sides of neutral. There is a field for each of several standard deviations of q, blended in
between: a strong red is kept where q is narrow, and reduced where it is one of many possible colors.
Freirich, Michaeli and Meir 2021 ("A theory of the distortion-perception tradeoff in Wasserstein space") show that
between the least error and the true distribution, the best predictions are on the path from the posterior mean to
its optimal transport; v sets how far.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.heads.uncertainty import expected_error

GRID = 10.0
PRIOR_FLOOR = 0.001
FAINT = 8.0
"""S0, Lab units: chroma below which a picture counts as gray, not as pale."""
MOST_GAIN = 1.5
"""The limit: chroma grows to at most two and a half times."""
UNCHANGED_CHROMA = 20.0
"""The chroma, Lab units, that the curve leaves unchanged."""
STEEPEST = 1.2
"""The largest factor of the curve."""
EXTENT = 110.0
"""Lab units: the displacement is known from -EXTENT to EXTENT of a* and b*, at the points of the grid."""
SPREADS = (8.0, 16.0, 24.0, 34.0)
"""Lab units: standard deviations of q for which the displacement is known, from certain to uncertain."""


def soft_labels(ab: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Spread each cell's ab over the four neighbouring bins of the grid, bilinearly.

    ``ab``: (N, 2, h, w) Lab units; ``centers``: (K, 2) points of a regular 10-unit grid. Returns indices (N, 4, h, w),
    int64, and weights (N, 4, h, w) that sum to 1. The share of a neighbour that is not a bin goes to the nearest bin.
    """
    table, origin = _grid_table(centers)
    position = (ab - origin.view(1, 2, 1, 1)) / GRID
    low = position.floor()
    fraction = position - low
    indices, weights = [], []
    limit_a, limit_b = table.shape[0] - 1, table.shape[1] - 1
    for da in (0, 1):
        for db in (0, 1):
            a = (low[:, 0] + da).clamp(0, limit_a).long()
            b = (low[:, 1] + db).clamp(0, limit_b).long()
            indices.append(table[a, b])
            weight_a = fraction[:, 0] if da else 1 - fraction[:, 0]
            weight_b = fraction[:, 1] if db else 1 - fraction[:, 1]
            weights.append(weight_a * weight_b)
    return torch.stack(indices, 1), torch.stack(weights, 1)


def _grid_table(centers: Tensor) -> tuple[Tensor, Tensor]:
    """Return the index of the nearest bin for every grid point (rows a, columns b), and the grid's origin."""
    origin = centers.amin(0) - GRID
    extent = ((centers.amax(0) + GRID - origin) / GRID).round().long()
    a = origin[0] + GRID * torch.arange(int(extent[0]) + 1, device=centers.device)
    b = origin[1] + GRID * torch.arange(int(extent[1]) + 1, device=centers.device)
    points = torch.stack(torch.meshgrid(a, b, indexing="ij"), -1)
    distance = torch.cdist(points.reshape(-1, 2).float(), centers.float())
    return distance.argmin(1).reshape(points.shape[:2]), origin


def soft_cross_entropy(logits: Tensor, ab: Tensor, centers: Tensor) -> Tensor:
    """Return the mean cross-entropy of logits (N, K, h, w) against the soft labels of ab (N, 2, h, w)."""
    indices, weights = (x.permute(0, 2, 3, 1) for x in soft_labels(ab, centers))
    # Bins last, as channels-last logits already have them: this takes two thirds of the time.
    log_probability = F.log_softmax(logits.permute(0, 2, 3, 1).float(), -1).gather(-1, indices)
    return -(weights * log_probability).sum(-1).mean()


class AbDecoder(nn.Module):
    """Logits over ab bins to a*b*; the bins, their prior and the effect of vividness are part of the checkpoint."""

    centers: Tensor
    log_prior: Tensor
    prior_weight: Tensor
    gain: Tensor
    curve: Tensor
    neutral: Tensor
    displacement: Tensor
    spreads: Tensor
    default_vividness: Tensor

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.register_buffer("centers", torch.zeros(bins, 2))
        self.register_buffer("log_prior", torch.zeros(bins))
        self.register_buffer("prior_weight", torch.tensor(0.15))
        self.register_buffer("gain", torch.tensor(0.0375))
        self.register_buffer("curve", torch.tensor(0.675))
        self.register_buffer("neutral", torch.tensor(9.0))
        points = round(2 * EXTENT / GRID) + 1
        self.register_buffer("displacement", torch.zeros(len(SPREADS), 2, points, points))
        self.register_buffer("spreads", torch.tensor(SPREADS))
        self.register_buffer("default_vividness", torch.tensor(0.6))

    def count(self, samples: Iterable[Tensor], pixels: int) -> None:
        """Set the prior: how often each bin occurs in a sample of the training photos, a*b* (N, 2, h, w) Lab units.

        Counted with soft labels; each bin gets an extra thousandth of an even share, so that colors that never occur
        keep a finite logarithm. The number of ``pixels`` is not used.
        """
        centers = self.centers.cpu()
        counts = torch.zeros(len(centers), dtype=torch.float64)
        for ab in samples:
            indices, shares = soft_labels(ab, centers)
            counts.index_add_(0, indices.flatten(), shares.flatten().double())
        share = counts / counts.sum()
        share = (1 - PRIOR_FLOOR) * share + PRIOR_FLOOR / len(share)
        self.log_prior.copy_(share.log().float())

    def probabilities(self, logits: Tensor, vividness: float | None = None) -> Tensor:
        """Return q(bin), float32 (N, K, h, w), for logits (N, K, h, w); ``vividness`` None is the checkpoint's own."""
        v = self.default_vividness if vividness is None else vividness
        return F.softmax(logits.float() - (self.prior_weight * v * self.log_prior).view(1, -1, 1, 1), 1)

    def forward(self, logits: Tensor, vividness: float | None = None) -> Tensor:
        """Return a*b* (N, 2, h, w) in Lab units for logits (N, K, h, w); vividness 0..1."""
        return self._answer(self.probabilities(logits, vividness), vividness)

    def distribution(self, logits: Tensor, vividness: float | None = None) -> tuple[Tensor, Tensor]:
        """Return q(bin) as :meth:`probabilities` does, and the contribution of each bin to the color, (N, K, 2).

        Lab units, the mean gain of each picture included; :meth:`forward` is about their mean, after curve and
        displacement.
        """
        q = self.probabilities(logits, vividness)
        return q, self._factor(*self._moments(q), vividness).mean((2, 3))[..., None] * self.centers

    def with_error(self, logits: Tensor, vividness: float | None = None) -> tuple[Tensor, Tensor]:
        """Return a*b* as :meth:`forward` does, and its expected error, (N, 1, h, w), Lab units.

        The root mean square distance between the color and the true posterior, that of vividness 0; see
        :mod:`colorize_cli.models.heads.uncertainty`.
        """
        v = self.default_vividness if vividness is None else vividness
        q = self.probabilities(logits, vividness)
        ab = self._answer(q, vividness)
        # Multiplying by the prior turns q into the posterior without a second softmax.
        posterior = q * torch.exp(self.prior_weight * v * self.log_prior).view(1, -1, 1, 1)
        return ab, expected_error(posterior, self.centers, ab)

    def undisplaced(self, logits: Tensor, vividness: float | None = None) -> tuple[Tensor, Tensor]:
        """Return a*b* as :meth:`forward` does, without the displacement, and the spread of q, (N, 1, h, w), Lab units.

        The spread is the root of the trace of q's covariance.
        """
        return self._before_displacement(self.probabilities(logits, vividness), vividness)

    def displaced(self, ab: Tensor, spread: Tensor, fields: Tensor, vividness: float | None = None) -> Tensor:
        """Return a*b* (N, 2, h, w), Lab units, displaced by ``fields`` (S, 2, 23, 23), rows a*, columns b*.

        ``spread``: (N, 1, h, w), Lab units; between two :data:`SPREADS` the fields are blended, beyond them constant.
        """
        v = self.default_vividness if vividness is None else vividness
        ab = ab.float()
        places = ab.flip(1).permute(0, 2, 3, 1) / EXTENT
        # Not len(ab), which would fix the batch size of an ONNX file.
        known = fields.to(ab.dtype).flatten(0, 1).expand(ab.shape[0], -1, -1, -1)
        moves = F.grid_sample(known, places, padding_mode="border", align_corners=True).unflatten(1, (-1, 2))
        low, high = (x.view(1, -1, 1, 1) for x in (self.spreads[:-1], self.spreads[1:]))
        passed = ((spread - low) / (high - low)).clamp(0, 1)
        shares = F.pad(passed, (0, 0, 0, 0, 1, 0), value=1.0) - F.pad(passed, (0, 0, 0, 0, 0, 1))
        return ab + v * (shares.unsqueeze(2) * moves).sum(1)

    def _answer(self, q: Tensor, vividness: float | None) -> Tensor:
        return self.displaced(*self._before_displacement(q, vividness), self.displacement, vividness)

    def _before_displacement(self, q: Tensor, vividness: float | None) -> tuple[Tensor, Tensor]:
        mean, variance = self._moments(q)
        return self._curved(self._factor(mean, variance, vividness) * mean, vividness), variance.clamp(min=1e-4).sqrt()

    def _curved(self, ab: Tensor, vividness: float | None) -> Tensor:
        """Return a*b* (N, 2, h, w) with the chroma curve applied."""
        v = self.default_vividness if vividness is None else vividness
        # The summand keeps gradients finite at neutral; half the exponent, because it is a square.
        square = ab.float().square().sum(1, keepdim=True) + 1e-4
        steep = ((square / UNCHANGED_CHROMA**2) ** (0.5 * self.curve * v)).clamp(max=STEEPEST)
        return ab * steep * square / (square + (self.neutral * v) ** 2)

    def _moments(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean of q, (N, 2, h, w), and the trace of its covariance, (N, 1, h, w)."""
        mean = torch.einsum("nkhw,kc->nchw", q, self.centers)
        # Not a matrix product, which would be rounded to bf16 before the difference of two large numbers is taken.
        square = (q * self.centers.square().sum(1).view(1, -1, 1, 1)).sum(1, keepdim=True)
        return mean, square - mean.float().square().sum(1, keepdim=True)

    def _factor(self, mean: Tensor, variance: Tensor, vividness: float | None) -> Tensor:
        """Return the factor of chroma, (N, 1, h, w)."""
        v = self.default_vividness if vividness is None else vividness
        chroma = mean.float().square().sum(1, keepdim=True).mean((2, 3), keepdim=True)
        deviations = (variance.mean((2, 3), keepdim=True) * variance).clamp(min=1e-4).sqrt()
        return 1 + v * (self.gain * deviations / (chroma + FAINT**2).sqrt()).clamp(max=MOST_GAIN)


def srgb_bins() -> Tensor:
    """Return the centers (K, 2), Lab units, of the 10-unit grid cells that colors of sRGB fall into.

    Zhang et al. count 313 with their own rule; this function counts a cell if it contains an sRGB color.
    """
    import numpy as np

    from colorize_cli.imaging.color import srgb_to_lab

    levels = np.linspace(0, 1, 52, dtype=np.float64)
    rgb = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 1, 3)
    cells = np.unique(np.round(srgb_to_lab(rgb)[..., 1:].reshape(-1, 2) / GRID), axis=0) * GRID
    return torch.from_numpy(cells).float()
