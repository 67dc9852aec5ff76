"""Validate confidence: rank correlation between several measures of uncertainty and the true color error.

    python tools/confidence.py photos.zip [more folders or archives] [--count 300]

Photographs are converted to gray and colorized; the true error is the mean Euclidean distance of a*b* at the resolution
of the prediction. For every measure: Spearman's rho over photographs (with a 95 % bootstrap interval), the mean of rho
over the cells within each photograph, and, for measures in Lab units, expected and actual error by
tenths of the cells.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.stats import spearmanr

from colorize_cli import Colorizer
from colorize_cli.color_photos import PhotoReader, decode_color
from colorize_cli.evaluation.photo_loop import find_photographs, gray_of, read_bytes
from colorize_cli.imaging.color import lightness, srgb_to_lab
from colorize_cli.imaging.geometry import fit, unfit
from colorize_cli.inference.forward import predicted
from colorize_cli.inference.prediction import error_by_disagreement, second_size


class Signs:
    """All measures of uncertainty for one prediction of a model with a distribution over colors."""

    def __init__(self, model: str) -> None:
        self.colorizer = Colorizer(model)

    def _run(self, gray: np.ndarray, size: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        canvas, placement = fit(gray, size, self.colorizer.input.fit)
        network = self.colorizer.network
        x = torch.from_numpy(lightness(canvas))[None, None]
        with torch.inference_mode():
            known = predicted(network, x, {}, mirror=True, error=True)
            straight, mirrored = network.chroma(x), network.chroma(x.flip(-1)).flip(-1)
            weights, colors = network.distribution(x, vividness=0.0)
        colors = colors.reshape(-1, weights.shape[1], 2)[0]
        mean = torch.einsum("nkhw,kc->nchw", weights, colors)
        square = torch.einsum("nkhw,k->nhw", weights, colors.square().sum(1))[:, None]
        planes = {
            "expected error": known[:, 2:],
            "spread of the posterior": (square - mean.square().sum(1, keepdim=True)).clamp_min(0).sqrt(),
            "entropy of the posterior": -(weights * weights.clamp_min(1e-9).log()).sum(1, keepdim=True),
            "1 - largest probability": 1 - weights.amax(1, keepdim=True),
            "mirror images": torch.linalg.vector_norm(straight - mirrored, dim=1, keepdim=True),
            "colorfulness of the answer": torch.linalg.vector_norm(known[:, :2], dim=1, keepdim=True),
        }
        return unfit(known[0, :2].numpy(), placement), {k: unfit(v[0].numpy(), placement)[0] for k, v in planes.items()}

    def __call__(self, gray: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the chroma (2, h, w) of a gray picture and each measure (h, w)."""
        size = self.colorizer.size
        ab, signs = self._run(gray, size)
        other, _ = self._run(gray, second_size(size))
        judged = error_by_disagreement(np.concatenate([ab, signs["mirror images"][None]]), other)
        return ab, signs | {"mirror images and two sizes": judged[2]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("-m", "--model", default="gan")
    parser.add_argument("--count", type=int, default=300, help="number of photographs, chosen by a hash of their names")
    arguments = parser.parse_args()
    photos = find_photographs(arguments.places, arguments.count)
    reader = PhotoReader()
    judge = Signs(arguments.model)
    errors, cells = [], []
    files, within = defaultdict(list), defaultdict(list)
    for photo in photos:
        rgb = decode_color(read_bytes(reader, photo), photo.name)
        ab, signs = judge(gray_of(rgb))
        true = srgb_to_lab(rgb.astype(np.float64) / 255)[..., 1:].astype(np.float32)
        true = cv2.resize(true, ab.shape[:0:-1], interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
        error = np.sqrt(((ab - true) ** 2).sum(0))
        errors.append(error.mean())
        cells.append(np.stack([signs["expected error"].ravel(), error.ravel()]))
        for name, sign in signs.items():
            files[name].append(sign.mean())
            within[name].append(spearmanr(sign.ravel(), error.ravel()).statistic)
    print(f"{len(photos)} photographs, mean error {np.mean(errors):.1f} Lab units\n")
    print("| sign | rho over files | 95 % | within a photograph |\n|---|---|---|---|")
    for name, values in files.items():
        low, high = _interval(np.array(values), np.array(errors))
        rho = spearmanr(values, errors).statistic
        print(f"| {name} | {rho:.2f} | {low:.2f} to {high:.2f} | {np.nanmean(within[name]):.2f} |")
    expected, came = np.concatenate(cells, 1)
    print("\n| expected (rms) | came (rms) |\n|---|---|")
    for part in np.array_split(np.argsort(expected), 10):
        print(f"| {np.sqrt((expected[part] ** 2).mean()):.1f} | {np.sqrt((came[part] ** 2).mean()):.1f} |")


def _interval(values: np.ndarray, errors: np.ndarray, draws: int = 1000) -> tuple[float, float]:
    random = np.random.default_rng(0)
    samples = (random.integers(0, len(errors), len(errors)) for _ in range(draws))
    rhos = [spearmanr(values[chosen], errors[chosen]).statistic for chosen in samples]
    return float(np.quantile(rhos, 0.025)), float(np.quantile(rhos, 0.975))


if __name__ == "__main__":
    main()
