"""Measure ``--reference`` on pairs of photographs: is the result nearer to the truth with it, and are others refused?

    python tools/reference_pairs.py train-everyday.zip --pairs 200 --keep pairs.json
    python tools/reference_pairs.py train-everyday.zip --pairs-from pairs.json -m regression
    python tools/reference_pairs.py train-everyday.zip --pairs-from pairs.json --weights other.safetensors --search

Pairs are frames of one series as far as that can be told without color: of the photographs that are nearest by the
pooled features of an encoder, those whose gray pictures have places in common (ORB features under one similarity
transform). Each photograph is in one pair only. The second of a pair is colorized with the first as its reference, and
PSNR (RGB, at its own size) is compared with that of the same network without. Unrelated pairs are made of the same
photographs, each with the first of pairs that are far from its own.

Half of the pairs, by a hash of their names, is for choosing the least agreement: the smallest that refuses 97 % of the
unrelated ones. The figures are those of the other half, once with that threshold and once with the one that is in use.
Intervals: 95 %, bootstrap over pairs. ``--search`` tabulates the first half for other rules of matching.
"""

import argparse
import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from colorize_cli import Colorizer
from colorize_cli.color_photos import PhotoReader, decode_color
from colorize_cli.evaluation.metrics.measure import psnr
from colorize_cli.evaluation.photo_loop import find_photographs, gray_of, read_bytes
from colorize_cli.imaging.color import lightness, srgb_to_lab
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.imaging.recombine.levels import to_8
from colorize_cli.inference import propagate
from colorize_cli.inference.correspondence import Cells, Rules, correspond
from colorize_cli.inference.forward import describe
from colorize_cli.inference.prediction import clamped
from colorize_cli.inference.propagate import guide_of, with_soft_hints
from colorize_cli.inference.reference import LEAST_AGREEMENT
from colorize_cli.models.network import encoder_of

REFUSED = 0.97
"""Share of unrelated pairs of the first half that a threshold must refuse: more than is promised, for it is chosen."""
NEAR, FAR = 0.6, 0.2
"""Cosine of pooled features from which two photographs may be of a series, and below which they are unrelated."""
PLACES = 6
"""Places in common that two photographs of a series have; 1 of 3,000 random pairs has as many."""
NEIGHBOURS, UNRELATED = 5, 4
"""Nearest photographs that are compared with each, and unrelated pairs for each pair of a series."""
_SIDE, _BATCH = 128, 32

Pair = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Shot:
    """One photograph: truth, gray, and what the encoder says of it. ``ab``: float32 (H, W, 2), Lab units."""

    rgb: np.ndarray
    gray: np.ndarray
    ab: np.ndarray
    cells: Cells


class Measured:
    """The photographs of the pairs, each decoded and predicted once."""

    def __init__(self, places: Sequence[Path], colorizer: Colorizer) -> None:
        self._colorizer = colorizer
        self._photos = {photo.name: photo for photo in find_photographs(places, None)}
        self._reader = PhotoReader()
        self._shots: dict[str, Shot] = {}
        self._predicted: dict[str, np.ndarray] = {}

    @property
    def names(self) -> list[str]:
        """The names of all photographs."""
        return sorted(self._photos)

    def rgb(self, name: str) -> np.ndarray:
        """Return the true picture."""
        return decode_color(read_bytes(self._reader, self._photos[name]), name)

    def shot(self, name: str) -> Shot:
        """Return what is known of a photograph."""
        if name not in self._shots:
            rgb, colorizer = self.rgb(name), self._colorizer
            gray = gray_of(rgb)
            with torch.inference_mode():
                cells = describe(colorizer.network, gray, colorizer.size, colorizer.input.fit, colorizer.device)
            lab = srgb_to_lab(rgb.astype(np.float32) / 255).astype(np.float32)
            self._shots[name] = Shot(rgb, gray, lab[..., 1:], cells)
        return self._shots[name]

    def predicted(self, name: str) -> np.ndarray:
        """Return the a*b* that the network predicts by itself."""
        if name not in self._predicted:
            (self._predicted[name],) = self._colorizer.predict([self.shot(name).gray])
        return self._predicted[name]

    def agreement(self, pair: Pair, rules: Rules) -> float:
        """Return how far the two photographs of a pair show the same."""
        return self._found(pair, rules).agreement

    def gain(self, pair: Pair, rules: Rules) -> tuple[float, float, float]:
        """Return agreement, PSNR without and PSNR with the reference, whatever the agreement."""
        found, shot, plain = self._found(pair, rules), self.shot(pair[1]), self.predicted(pair[1])
        guided = clamped(with_soft_hints(plain, guide_of(shot.gray), found.hints))
        without, with_it = (psnr(recombine(shot.gray, ab, depth=8), shot.rgb) for ab in (plain, guided))
        return found.agreement, without, with_it

    def _found(self, pair: Pair, rules: Rules):
        first, second = (self.shot(name) for name in pair)
        rows, columns = first.cells.shape
        ab = cv2.resize(first.ab, (columns, rows), interpolation=cv2.INTER_AREA)
        return correspond(second.cells, first.cells, ab, rules)


def pooled(photos: Measured) -> np.ndarray:
    """Return the pooled features of all photographs in gray, (photos, C), centred, by the bundled encoder of gan."""
    network = Colorizer("gan", device="cpu").network
    encoder = encoder_of(network)
    assert encoder is not None
    rows = []
    for start in range(0, len(photos.names), _BATCH):
        names = photos.names[start : start + _BATCH]
        grays = [cv2.resize(gray_of(photos.rgb(name)), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for name in names]
        with torch.inference_mode():
            maps = encoder(network.encoder_input(torch.from_numpy(np.stack([lightness(g) for g in grays])[:, None])))
        rows.append(maps[-1].mean((2, 3)).float().numpy())
    features = np.concatenate(rows)
    features -= features.mean(0)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def find_pairs(photos: Measured, features: np.ndarray, count: int) -> tuple[list[Pair], list[Pair]]:
    """Return pairs of a series, those with most places in common first, and unrelated ones of the same photographs."""
    names, near = photos.names, features @ features.T
    np.fill_diagonal(near, -1)
    nearest = np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    close = {(min(i, j), max(i, j)) for i in range(len(names)) for j in nearest[i].tolist() if near[i, j] >= NEAR}
    described = {i: _keypoints(gray_of(photos.rgb(names[i]))) for i in {place for pair in close for place in pair}}
    common = {(i, j): places_in_common(described[i], described[j]) for i, j in sorted(close)}
    chosen: list[tuple[int, int]] = []
    taken: set[int] = set()
    for pair in sorted(common, key=lambda pair: (-common[pair], pair)):
        if common[pair] >= PLACES and len(chosen) < count and not taken & set(pair):
            chosen.append(pair)
            taken |= set(pair)
    random = np.random.default_rng(0)
    unrelated = []
    for _, target in chosen:
        far = [first for first, _ in chosen if near[first, target] < FAR]
        unrelated += [(first, target) for first in random.permutation(far)[:UNRELATED].tolist()]
    return [(names[i], names[j]) for i, j in chosen], [(names[i], names[j]) for i, j in unrelated]


def _keypoints(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places (n, 2) and the ORB descriptors (n, 32) of a gray picture."""
    orb = cv2.ORB_create(250, scaleFactor=1.25, nlevels=5, edgeThreshold=10, patchSize=21, fastThreshold=8)  # type: ignore[attr-defined]
    points, descriptors = orb.detectAndCompute(to_8(gray), None)
    places = np.array([point.pt for point in points], np.float32).reshape(-1, 2)
    return places, np.zeros((0, 32), np.uint8) if descriptors is None else descriptors


def places_in_common(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> int:
    """Return how many places of two pictures correspond under one similarity transform."""
    (places, descriptors), (others, others_descriptors) = one, other
    if min(len(places), len(others)) < 10:
        return 0
    matches = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(descriptors, others_descriptors, k=2)
    good = [m[0] for m in matches if len(m) == 2 and m[0].distance < min(60, 0.85 * m[1].distance)]
    if len(good) < 5:
        return 0
    here, there = places[[m.queryIdx for m in good]], others[[m.trainIdx for m in good]]
    transform, inside = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=3)
    if transform is None or not 0.4 < np.hypot(transform[0, 0], transform[1, 0]) < 2.5:
        return 0
    kept = inside.ravel() > 0
    return min(len(np.unique(np.round(found[kept] / 5), axis=0)) for found in (here, there))


def first_half(pair: Pair) -> bool:
    """Whether a pair is for choosing, not for reporting."""
    return hashlib.sha256(pair[1].rpartition("!")[2].encode()).digest()[0] % 2 == 0


def interval(values: np.ndarray, draws: int = 4000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean."""
    random = np.random.default_rng(0)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(draws)]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def report(series: np.ndarray, unrelated: np.ndarray, threshold: float) -> str:
    """Return the figures in words. ``series``: (pairs, 3) of :meth:`Measured.gain`; ``unrelated``: agreements."""
    agreement, without, with_it = series.T
    used = agreement >= threshold
    gained = np.where(used, with_it - without, 0)
    low, high = interval(gained)
    taken = f"; where it is used {(with_it - without)[used].mean():+.2f} dB" if used.any() else ""
    better = f", better in {100 * (gained[used] > 0).mean():.0f} % of those" if used.any() else ""
    return (
        f"least agreement {threshold:.3f}: PSNR {without.mean():.2f} dB without, {(without + gained).mean():.2f} with"
        f" ({gained.mean():+.2f}, {low:+.2f} to {high:+.2f}, {len(series)} pairs){taken}{better}; refused"
        f" {100 * (~used).mean():.0f} % of the series and {(unrelated < threshold).sum()} of {len(unrelated)}"
        " unrelated pairs"
    )


def candidates() -> Iterator[tuple[str, Rules, float]]:
    """Yield rules to search among: a name, the rules, and the weight of soft hints."""
    yield "as in use", Rules(), propagate.SOFTNESS
    for name, values in {
        "shrinkage": (0.03, 0.3, 1.0),
        "temperature": (0.02, 0.1),
        "lightness": (8.0, 30.0),
        "spread": (4.0, 16.0),
        "near": (1.0, 2.3),
    }.items():
        for value in values:
            yield f"{name} {value:g}", replace(Rules(), **{name: value}), propagate.SOFTNESS
    for weight in (0.1, 0.3, 3.0):
        yield f"softness {weight:g}", Rules(), weight


def main() -> None:
    """Find pairs, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", type=Path, help="folders or .zip archives of color photographs")
    parser.add_argument("-m", "--model", default="gan")
    parser.add_argument("--weights", type=Path, help="a checkpoint of the model; default: the bundled one")
    parser.add_argument("--pairs", type=int, default=200, help="most pairs of a series")
    parser.add_argument("--keep", type=Path, help="write the names of the pairs to this file")
    parser.add_argument("--pairs-from", type=Path, help="take the pairs of this file")
    parser.add_argument("--search", action="store_true", help="try other rules of matching on the first half")
    arguments = parser.parse_args()
    photos = Measured(arguments.places, Colorizer(arguments.model, weights=arguments.weights, device="cpu"))
    if arguments.pairs_from:
        kept = json.loads(arguments.pairs_from.read_text())
        by_name = {name.rpartition("!")[2]: name for name in photos.names}
        series, unrelated = ([(by_name[a], by_name[b]) for a, b in kept[kind]] for kind in ("series", "unrelated"))
    else:
        series, unrelated = find_pairs(photos, pooled(photos), arguments.pairs)
    if arguments.keep:
        short = [[tuple(name.rpartition("!")[2] for name in pair) for pair in pairs] for pairs in (series, unrelated)]
        arguments.keep.write_text(json.dumps({"series": short[0], "unrelated": short[1]}, indent=0))
    for name, rules, weight in candidates() if arguments.search else itertools.islice(candidates(), 1):
        propagate.SOFTNESS = weight
        gains = {pair: photos.gain(pair, rules) for pair in series if first_half(pair) or not arguments.search}
        others = {pair: photos.agreement(pair, rules) for pair in unrelated if first_half(pair) or not arguments.search}
        parts = [
            (np.array([v for k, v in gains.items() if first_half(k) == half]),
             np.array([v for k, v in others.items() if first_half(k) == half]))
            for half in (True, False)
        ]  # fmt: skip
        threshold = float(np.quantile(parts[0][1], REFUSED))
        if arguments.search:
            print(f"{name}: {report(*parts[0], threshold)}", flush=True)
            continue
        print(f"first half, chosen here: {report(*parts[0], threshold)}")
        print(f"other half, chosen on the first: {report(*parts[1], threshold)}")
        print(f"other half, as in use: {report(*parts[1], LEAST_AGREEMENT)}")


if __name__ == "__main__":
    main()
