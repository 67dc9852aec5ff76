"""The forward pass of a prediction: a picture and its mirror image together, and the error to expect on request."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from colorize_cli.models.heads.uncertainty import AveragesItself, ExpectsError, PredictsDistribution
from colorize_cli.models.network import ColorizationNet

MOST_CELLS = 64
"""Cells a side at which a distribution is looked at: hues belong to areas, and hundreds of planes to no more memory."""


def predicted(network: ColorizationNet, x: Tensor, options: Mapping[str, Any], *, mirror: bool, error: bool) -> Tensor:
    """Return a*b* and, with ``error``, its expected error behind it: float32 (N, 2 or 3, h, w), Lab units.

    ``x``: L* (N, 1, H, W) in 0..100. ``mirror``: average the answers for the pictures and for their mirror images. A
    network that does not know its error is asked for both in any case, and their distance takes the error's place.
    """
    if mirror and isinstance(network, AveragesItself):
        ab, expected = network.chroma_and_error_of_both(x, **options)
        return torch.cat([ab, expected], 1).float() if error else ab.float()
    knows = error and isinstance(network, ExpectsError)
    both = mirror or (error and not knows)
    # Together, not one after the other: the same arithmetic in fewer, larger steps.
    pictures = torch.cat([x, x.flip(-1)]) if both else x
    repeated = {
        name: torch.cat([value, value.flip(-1)]) if both and isinstance(value, Tensor) else value
        for name, value in options.items()
    }
    if knows:
        assert isinstance(network, ExpectsError)
        planes = torch.cat([part.float() for part in network.chroma_and_error(pictures, **repeated)], 1)
    else:
        planes = network.chroma(pictures, **repeated).float()
    if not both:
        return planes
    straight, mirrored = planes.chunk(2)
    mirrored = mirrored.flip(-1)
    mean = (straight + mirrored) / 2
    answer = mean if mirror else straight
    if not error or knows:
        return answer
    distance = torch.linalg.vector_norm(straight - mirrored, dim=1, keepdim=True)
    return torch.cat([answer, distance], 1)


def posterior(
    network: PredictsDistribution, x: Tensor, options: Mapping[str, Any], *, mirror: bool
) -> tuple[Tensor, Tensor]:
    """Return weights (N, K, h, w) that sum to 1 over K, and colors (N, K, 2), a*b* in Lab units, both float32.

    ``x``: L* (N, 1, H, W) in 0..100. ``mirror``: the mean over the pictures and their mirror images. A side has at most
    :data:`MOST_CELLS` cells.
    """
    weights, colors = network.distribution(torch.cat([x, x.flip(-1)]) if mirror else x, **options)
    weights, colors = weights.float(), colors.float().expand(len(weights), -1, -1)
    if mirror:
        straight, mirrored = weights.chunk(2)
        weights = (straight + mirrored.flip(-1)) / 2
        colors = torch.stack(colors.chunk(2)).mean(0)
    height, width = (min(side, MOST_CELLS) for side in weights.shape[-2:])
    return F.interpolate(weights, (height, width), mode="area"), colors
