"""Tabulate the curve of a network over ab bins: PSNR against the share of the true colorfulness, by vividness.

    python tools/curve.py val-everyday.zip --weights run/last.safetensors --weights weights/gan.safetensors

Photographs are stretched to 256x256, converted to gray and colorized as ``colorize evaluate --protocol stretch256``
does. For every vividness: PSNR above the gray picture, share of the true colorfulness (absolute variant), distance of
the ab histograms, CIEDE2000, and areas much too warm (35 Lab units beyond the truth in the direction of
orange): their share of the area, and the share of photographs with more than a twentieth of such area. The first line
is the cross-entropy of the bins in nats, at a quarter of the working size; the last ones are interpolated values at 80,
85, 90 and 98 % of the true colorfulness.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from colorize_cli import Colorizer
from colorize_cli.color_photos import PhotoReader, decode_color
from colorize_cli.evaluation.metrics.measure import Picture, psnr
from colorize_cli.evaluation.metrics.pixelwise import ab_histogram, total_variation
from colorize_cli.evaluation.photo_loop import find_photographs, gray_of, read_bytes
from colorize_cli.evaluation.protocols import find_protocol
from colorize_cli.imaging.color import gray_of_lightness, lightness
from colorize_cli.imaging.color_measures import delta_e_2000
from colorize_cli.imaging.geometry import fit, unfit
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.models.heads.ab_bins import soft_cross_entropy
from colorize_cli.training.objectives.calibration import WARM

SHARES = (80, 85, 90, 98)
TOO_WARM = 35.0
PATCH = 0.05


class Curve:
    """Sums over photographs for one checkpoint at one size, one row per vividness."""

    def __init__(self, weights: Path | None, size: int | None, steps: Sequence[float]) -> None:
        self.colorizer = Colorizer("gan", weights=weights, size=size)
        self.steps = steps
        self.rows: list[list[tuple[float, ...]]] = []
        self.histograms = np.zeros((len(steps), 529))
        self.true_histogram = np.zeros(529)
        self.entropies: list[float] = []

    def add(self, true: Picture) -> None:
        """Colorize one photograph at every vividness and measure the results."""
        gray, network = gray_of(true.rgb), self.colorizer.network
        canvas, placement = fit(gray, self.colorizer.size, self.colorizer.input.fit)
        x = torch.from_numpy(lightness(canvas))[None, None]
        with torch.inference_mode():
            logits = network.logits(torch.cat([x, x.flip(-1)]))
            self.entropies.append(self._entropy(logits[:1], true, canvas.shape))
            predictions = [network.decode(logits, v) for v in self.steps]
        neutral = np.repeat(gray_of_lightness(lightness(gray), 8)[..., None], 3, 2)
        base = psnr(neutral, true.rgb)
        rows = []
        for place, prediction in enumerate(predictions):
            ab = unfit(((prediction[0] + prediction[1].flip(-1)) / 2).numpy(), placement)
            painted = Picture(recombine(gray, ab, depth=8))
            self.histograms[place] += ab_histogram(painted.ab)
            error = float(delta_e_2000(true.lab, painted.lab).mean())
            warm = 100 * float(((painted.ab - true.ab) @ np.array(WARM) > TOO_WARM).mean())
            gained = psnr(painted.rgb, true.rgb) - base
            rows.append((gained, painted.colorfulness, true.colorfulness, error, warm, 100.0 * (warm > 100 * PATCH)))
        self.rows.append(rows)
        self.true_histogram += ab_histogram(true.ab)

    def _entropy(self, logits: torch.Tensor, true: Picture, shape: tuple[int, ...]) -> float:
        height, width = logits.shape[-2:]
        if shape[0] != shape[1]:  # stretched photographs are square; nothing else is supported
            raise ValueError(f"a square was expected, not {shape}")
        cells = cv2.resize(true.ab, (width, height), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
        return float(soft_cross_entropy(logits, torch.from_numpy(cells)[None], self.colorizer.network.decode.centers))

    def table(self) -> str:
        """Return the figures as text."""
        gained, painted, true, error, warm, patches = np.mean(self.rows, 0).T
        share = 100 * painted / true
        distance = [float(total_variation(h, self.true_histogram)) for h in self.histograms]
        lines = [f"cross-entropy {np.mean(self.entropies):.4f}, {len(self.rows)} photographs"]
        figures = "  v {:.2f}  {:+.2f} dB  {:3.0f} %  TV {:.3f}  dE {:.2f}  warm {:.2f} %, {:.0f} %"
        for row in zip(self.steps, gained, share, distance, error, warm, patches, strict=True):
            lines.append(figures.format(*row))
        between = [
            f"{at} %: {np.interp(at, share, gained):+.2f} dB, TV {np.interp(at, share, distance):.3f}, "
            f"warm {np.interp(at, share, warm):.2f} %, {np.interp(at, share, patches):.0f} %"
            for at in SHARES
            if share[0] <= at <= share[-1]
        ]
        return "\n".join([*lines, "  at " + "; at ".join(between)])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("--weights", action="append", type=Path, help="a checkpoint of gan; default: the bundled one")
    parser.add_argument("--size", action="append", type=int, help="working sizes, pixels")
    parser.add_argument("--count", type=int, help="number of photographs, chosen by a hash of their names")
    parser.add_argument("--vividness", default="0,0.2,0.4,0.5,0.6,0.7,0.8,1", help="0 to 1, comma-separated")
    arguments = parser.parse_args()
    steps = [float(v) for v in arguments.vividness.split(",")]
    curves = {
        (weights, size): Curve(weights, size, steps)
        for weights in arguments.weights or [None]
        for size in arguments.size or [None]
    }
    reader, protocol = PhotoReader(), find_protocol("stretch256")
    for photo in find_photographs(arguments.places, arguments.count):
        true = Picture(protocol.fit(decode_color(read_bytes(reader, photo), photo.name)))
        for curve in curves.values():
            curve.add(true)
    for (weights, size), curve in curves.items():
        print(f"{weights or 'bundled'}, {size or curve.colorizer.size} px: {curve.table()}", flush=True)


if __name__ == "__main__":
    main()
