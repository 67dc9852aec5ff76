"""The tree models of Zhou & Zhu 2024, 3.2 to 3.4: a row of lightness in, the row's a* or b* out.

Gradient boosting has 10 models per channel, each for a tenth of the rows; random forest and decision tree have one for
every row. All trees have depth 3 (5.2), so a tree is seven questions and eight answers, stored in arrays.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from colorize_cli.models.network import ColorizationNet

DEPTH = 3
QUESTIONS, ANSWERS = 2**DEPTH - 1, 2**DEPTH


def band_rows(size: int, bands: int) -> list[range]:
    """Return the rows of a picture of ``size`` rows that each of ``bands`` models predicts, as evenly as possible."""
    edges = [size * band // bands for band in range(bands + 1)]
    return [range(edges[band], edges[band + 1]) for band in range(bands)]


class TreeRows(ColorizationNet):
    """Trees for pictures of ``size`` x ``size`` pixels.

    ``bands``: models per channel. ``trees``: per model and group. ``outputs``: values in a leaf, ``size`` for trees
    that predict a whole row, 1 for boosting, where every column has its own trees (a group). ``averaged``: whether
    trees are averaged (a forest) or added up (boosting). Buffers: ``feature`` (column tested) and ``threshold``
    (trees, 7), ``leaf`` (trees, 8 outputs) in Lab units, ``base`` (2 bands, size); trees in the order channel, band,
    group, tree, questions from the root down, left (not above the threshold) before right.
    """

    feature: Tensor
    threshold: Tensor
    leaf: Tensor
    base: Tensor

    def __init__(self, size: int, bands: int, trees: int, outputs: int, averaged: bool) -> None:
        super().__init__()
        self.size, self.bands, self.trees, self.outputs, self.averaged = size, bands, trees, outputs, averaged
        self.groups = size // outputs
        count = 2 * bands * self.groups * trees
        self.register_buffer("feature", torch.zeros(count, QUESTIONS, dtype=torch.int16))
        self.register_buffer("threshold", torch.zeros(count, QUESTIONS))
        self.register_buffer("leaf", torch.zeros(count, ANSWERS * outputs, dtype=torch.float16))
        self.register_buffer("base", torch.zeros(2 * bands, size))

    def model_trees(self, model: int) -> slice:
        """Return the slice of a model's trees; models are numbered by channel, then band."""
        each = self.groups * self.trees
        return slice(model * each, (model + 1) * each)

    def predict_rows(self, model: int, rows: Tensor) -> Tensor:
        """Return the a* or b* (n, size), Lab units, that one model predicts for rows of L* (n, size), 0..100."""
        where = self.model_trees(model)
        feature, threshold = self.feature[where].long(), self.threshold[where]
        tree = torch.arange(len(feature), device=rows.device)[None]
        node = torch.zeros(len(rows), len(feature), dtype=torch.long, device=rows.device)
        for _ in range(DEPTH):
            asked = rows.gather(1, feature[tree, node])
            node = 2 * node + 1 + (asked > threshold[tree, node]).long()
        leaf = self.leaf[where].view(len(feature), ANSWERS, self.outputs)
        answers = leaf[tree, node - QUESTIONS].float().view(len(rows), self.groups, self.trees, self.outputs)
        total = answers.mean(2) if self.averaged else answers.sum(2)
        return total.flatten(1) + self.base[model]

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, size, size) in Lab units from L* (N, 1, H, W), resized to (size, size)."""
        count = len(lightness)
        if lightness.shape[-2:] != (self.size, self.size):
            lightness = F.interpolate(
                lightness.float(), (self.size, self.size), mode="bilinear", align_corners=False, antialias=True
            )
        result = lightness.new_zeros(count, 2, self.size, self.size)
        for band, rows in enumerate(band_rows(self.size, self.bands)):
            lines = lightness[:, 0, rows.start : rows.stop].reshape(-1, self.size)
            for channel in (0, 1):
                found = self.predict_rows(channel * self.bands + band, lines)
                result[:, channel, rows.start : rows.stop] = found.view(count, len(rows), self.size)
        return result
