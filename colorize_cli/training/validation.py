"""Validation: compare the network's colors with the truth on photos it was not trained on.

Photos are stretched to one fixed square, so that figures of all epochs and sizes are comparable. The measured picture
is made as in the product: exact true L*, predicted chroma fitted into the gamut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from colorize_cli.compute import Compute
from colorize_cli.imaging.color import gray_of_lightness, srgb_to_lab
from colorize_cli.imaging.color_measures import PSNR_CAP, colorfulness, psnr
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.inference.hints import known_pixels
from colorize_cli.models.network import ColorizationNet
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.data.catalogue import Catalogue, PhotoStore
from colorize_cli.training.data.lab_photo import NotUsable, decode_rgb

Array = npt.NDArray[Any]
Judge = Callable[[Batch], Mapping[str, Tensor]]
_BATCH = 16


@dataclass(frozen=True)
class Figures:
    """Means over the validation photos.

    ``psnr``: dB, RGB, mean over photos; ``gray_psnr``: the same for the gray picture, the baseline. ``ab_error``:
    mean |a* - true| and |b* - true|, Lab units; ``gray_ab_error``. ``colorfulness`` and ``true_colorfulness``:
    ``abs`` variant. ``more``: the objective's own figures by name, its loss and accuracies.
    """

    psnr: float
    gray_psnr: float
    ab_error: float
    gray_ab_error: float
    colorfulness: float
    true_colorfulness: float
    photos: int
    size: int
    more: Mapping[str, float] = field(default_factory=dict)

    def rounded(self) -> dict[str, float]:
        """Return the figures to record, including those of the objective."""
        plain = {name: round(value, 4) for name, value in asdict(self).items() if name != "more"}
        return plain | {name: round(value, 6) for name, value in self.more.items()}


class ValidationSet:
    """A fixed selection of photos held in memory as uint8 RGB: 110 KB per photo at 192 px.

    ``photos``: maximum number, chosen by content. ``strip``: number of photos in each epoch's picture.
    """

    def __init__(self, catalogue: Catalogue, size: int, photos: int = 512, strip: int = 8) -> None:
        store = PhotoStore(catalogue)
        self.size = size
        self.truth: list[Array] = []
        for index in range(len(catalogue.items)):
            if len(self.truth) == photos:
                break
            try:
                rgb = decode_rgb(store.read(index), side=2 * size)
            except (NotUsable, OSError):
                continue
            self.truth.append(cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA))
        # Spread over the set: its order (by hash) has no meaning, but the choice must be deterministic.
        count = len(self.truth)
        self.strip = sorted({i * count // min(strip, count) for i in range(min(strip, count))})

    def evaluate(
        self,
        network: ColorizationNet,
        compute: Compute,
        judge: Judge | None = None,
        known_pixels: float | None = None,
    ) -> tuple[Figures, Array]:
        """Return the figures, and the strip: rows gray, prediction, truth, uint8 RGB (3 * S, n * S, 3).

        ``judge``: returns further figures of a batch, averaged over the photos. ``known_pixels``: share (0..1) of the
        true a*b* given to the network as hints.
        """
        rows: list[tuple[float, ...]] = []
        columns: list[Array] = []
        sums: dict[str, float] = {}
        for start in range(0, len(self.truth), _BATCH):
            truths = self.truth[start : start + _BATCH]
            labs = [srgb_to_lab(truth.astype(np.float32) / 255) for truth in truths]
            if judge is not None:
                for name, value in _judged(network, compute, judge, labs).items():
                    sums[name] = sums.get(name, 0.0) + value
            for offset, (truth, lab, ab) in enumerate(
                zip(truths, labs, _predict(network, compute, labs, known_pixels, start), strict=True)
            ):
                gray = gray_of_lightness(lab[..., 0], 16)
                painted = recombine(gray, ab, depth=8)
                neutral = np.repeat(gray_of_lightness(lab[..., 0], 8)[..., None], 3, 2)
                target = lab[..., 1:].transpose(2, 0, 1)
                rows.append(
                    (
                        min(PSNR_CAP, psnr(painted, truth)),
                        min(PSNR_CAP, psnr(neutral, truth)),
                        float(np.abs(_enlarged(ab, self.size) - target).mean()),
                        float(np.abs(target).mean()),
                        colorfulness(painted),
                        colorfulness(truth),
                    )
                )
                if start + offset in self.strip:
                    columns.append(np.concatenate([neutral, painted, truth]))
        names = ("psnr", "gray_psnr", "ab_error", "gray_ab_error", "colorfulness", "true_colorfulness")
        means = dict(zip(names, (float(mean) for mean in np.mean(rows, 0)), strict=True))
        judged = {name: total / len(rows) for name, total in sums.items()}
        figures = Figures(**means, photos=len(rows), size=self.size, more=judged)
        return figures, np.concatenate(columns, 1)


def _enlarged(ab: Array, size: int) -> Array:
    return np.stack([cv2.resize(plane, (size, size), interpolation=cv2.INTER_LINEAR) for plane in ab])


@torch.no_grad()
def _judged(network: ColorizationNet, compute: Compute, judge: Judge, labs: Sequence[Array]) -> dict[str, float]:
    """Return the figures of ``judge`` for a batch of photos, Lab (S, S, 3), times their number."""
    was_training = network.training
    network.eval()
    lab = torch.from_numpy(np.stack(labs).astype(np.float32)).permute(0, 3, 1, 2)
    batch = Batch(lab[:, :1], lab[:, 1:].contiguous(), torch.full((len(labs),), -1)).to(compute.device)
    with compute.autocast():
        figures = {name: float(value) * len(labs) for name, value in judge(batch).items()}
    network.train(was_training)
    return figures


@torch.no_grad()
def _predict(
    network: ColorizationNet, compute: Compute, labs: Sequence[Array], known_share: float | None, first: int
) -> Array:
    """Return a*b* (N, 2, h, w) at the network's own resolution for photos, Lab (S, S, 3), numbered from ``first``."""
    was_training = network.training
    network.eval()
    batch = torch.from_numpy(np.stack([lab[..., 0] for lab in labs]).astype(np.float32))[:, None]
    options: dict[str, torch.Tensor] = {}
    if known_share is not None:
        known = [known_pixels(lab[..., 1:], known_share, first + i) for i, lab in enumerate(labs)]
        options["hints"] = torch.from_numpy(np.stack([ab.transpose(2, 0, 1) for ab, _ in known]))
        options["mask"] = torch.from_numpy(np.stack([mask[None] for _, mask in known]))
    with compute.autocast():
        ab = network.chroma(batch.to(compute.device, memory_format=torch.channels_last), **options)
    network.train(was_training)
    return ab.float().cpu().numpy()
