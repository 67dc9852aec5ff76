"""The uncertainty of a network about its colors: its expected error, and the confidence derived from it.

A network that predicts a distribution over colors knows more than the color it returns. With its true posterior
p(color | photo), the expected root mean square distance between the returned ab and the truth is

    error = sqrt(sum_k p_k |c_k - ab|^2),

in Lab units. It is large where several colors are plausible, where plausible colors are strong, and where the result
departs from the posterior mean to be vivid. A confidence of 1 means no error, one half :data:`HALF_AT`, a
quarter for twice that.
"""

from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from torch import Tensor

HALF_AT = 15.0
"""Expected error of a*b*, in Lab units, at which confidence is one half: near the median of everyday photographs."""

Values = TypeVar("Values", np.ndarray, Tensor, float)


@runtime_checkable
class ExpectsError(Protocol):
    """A network that estimates the error of its colors."""

    def chroma_and_error(self, lightness: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
        """Return the result of ``chroma``, a*b* (N, 2, h, w), and its expected error, (N, 1, h, w), Lab units."""
        ...


@runtime_checkable
class AveragesItself(Protocol):
    """A network that knows better than by the mean of colors what pictures and their mirror images say together."""

    def chroma_and_error_of_both(self, lightness: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
        """Return a*b* (N, 2, h, w) and the error expected of it, (N, 1, h, w), Lab units."""
        ...


@runtime_checkable
class PredictsDistribution(Protocol):
    """A network that predicts a distribution over a fixed set of colors, from which variants can be drawn."""

    def distribution(self, lightness: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
        """Return weights (N, K, h, w) that sum to 1 over K, and colors (K, 2), or (N, K, 2), a*b* in Lab units.

        If ``chroma`` returns a mean of colors, it is the mean of these, with the same options.
        """
        ...


def expected_error(probabilities: Tensor, colors: Tensor, ab: Tensor) -> Tensor:
    """Return the root mean square distance (N, 1, h, w), Lab units, between ``ab`` and a distribution of the truth.

    ``probabilities``: (N, K, h, w), in proportion; ``colors``: (K, 2), a*b* in Lab units; ``ab``: (N, 2, h, w).
    """
    square = colors.square().sum(1, keepdim=True)
    moments = torch.einsum("nkhw,kc->nchw", probabilities, torch.cat([torch.ones_like(square), colors, square], 1))
    mean, mean_square = moments[:, 1:3] / moments[:, :1], moments[:, 3:] / moments[:, :1]
    squared = mean_square - 2 * (ab * mean).sum(1, keepdim=True) + ab.square().sum(1, keepdim=True)
    return squared.clamp_min(0).sqrt()


def confidence_of(error: Values) -> Values:
    """Return the confidence, 0 (a guess) to 1 (certain), of colors with an expected error of ``error`` Lab units."""
    return 0.5 ** (error / HALF_AT)
