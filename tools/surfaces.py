"""Measure how much color a model adds to colorless surfaces: blank pages, margins, documents.

    python tools/surfaces.py --weights run/last.safetensors --weights weights/gan.safetensors

All pictures are generated: pages of 21 gray levels with paper grain and uneven light, pages of text, line drawings and
halftone screens, and gray photographs (scikit-image's samples) mounted on pages. The figure is the mean chroma of the
result in Lab units; for mounted photographs, that of the margin only. The pages are of the same kinds as in training,
but larger, complete, and drawn with other seeds.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

from colorize_cli import Colorizer
from colorize_cli.imaging.color import srgb_to_lab

SIDE = (420, 600)
LEVELS = np.linspace(0, 255, 21)
Gray = npt.NDArray[np.uint8]


def page(level: float, rng: np.random.Generator) -> Gray:
    """Return a blank page of a gray level with grain, mottling and uneven light."""
    rows, columns = (np.linspace(-1, 1, n) for n in SIDE)
    light = rng.uniform(0, 6) * (rows[:, None] * rng.uniform(-1, 1) + columns * rng.uniform(-1, 1))
    mottle = cv2.resize(rng.normal(0, 2, (7, 9)), SIDE[::-1], interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, rng.uniform(0, 3), SIDE)
    return np.clip(level + light + mottle + grain, 0, 255).astype(np.uint8)


def text(rng: np.random.Generator) -> Gray:
    """Return a page of printed text."""
    sheet = page(rng.uniform(200, 250), rng)
    size = rng.uniform(0.5, 0.9)
    for top in range(50, SIDE[0] - 40, round(40 * size)):
        line = "".join(rng.choice(list("abcdefghilmnoprstu   ")) for _ in range(int(45 / size)))
        cv2.putText(sheet, line, (40, top), cv2.FONT_HERSHEY_SIMPLEX, size, 40, 1, cv2.LINE_AA)
    return sheet


def drawing(rng: np.random.Generator) -> Gray:
    """Return a page with a line drawing."""
    sheet = page(rng.uniform(210, 250), rng)
    for _ in range(30):
        points = rng.integers(30, (SIDE[1] - 30, SIDE[0] - 30), (int(rng.integers(2, 6)), 2))
        cv2.polylines(sheet, [points.astype(np.int32)], False, 50, int(rng.integers(1, 3)), cv2.LINE_AA)
    return sheet


def halftone(rng: np.random.Generator) -> Gray:
    """Return a halftone patch."""
    rows, columns = np.mgrid[: SIDE[0], : SIDE[1]]
    screen = np.sin(rows * 0.9 + columns * 0.4) * np.sin(columns * 0.9 - rows * 0.4)
    tone = cv2.resize(rng.uniform(-1, 1, (4, 5)), SIDE[::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(np.where(screen > tone, 235, 30).astype(np.uint8), (0, 0), 0.8)


def mounted(photo: Gray, rng: np.random.Generator) -> tuple[Gray, npt.NDArray[np.bool_]]:
    """Return a gray photograph on a page, and the mask of the margin (eight pixels off the photograph)."""
    sheet = page(float(rng.choice([rng.uniform(225, 252), rng.uniform(5, 40), rng.uniform(90, 200)])), rng)
    height, width = SIDE[0] - 130, SIDE[1] - 170
    sheet[65 : 65 + height, 85 : 85 + width] = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    margin = np.ones(SIDE, bool)
    margin[57 : 73 + height, 77 : 93 + width] = False
    return sheet, margin


def chroma(colorizer: Colorizer, gray: Gray) -> npt.NDArray[np.float64]:
    """Return the chroma of the result, Lab units, (H, W)."""
    result = np.asarray(colorizer(gray).convert("RGB"), np.float64) / 255
    return np.hypot(*np.moveaxis(srgb_to_lab(result)[..., 1:], -1, 0))


def measured(colorizer: Colorizer) -> dict[str, list[float]]:
    """Return the mean chroma of every generated picture, by kind."""
    rng = np.random.default_rng(11)
    photos = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (data.astronaut(), data.coffee(), data.chelsea())]
    photos += [data.camera()]
    figures: dict[str, list[float]] = {"blank pages": [], "margins": [], "text": [], "drawings": [], "halftones": []}
    for level in LEVELS:
        figures["blank pages"].append(float(chroma(colorizer, page(level, rng)).mean()))
    for photo in photos * 3:
        sheet, margin = mounted(photo, rng)
        figures["margins"].append(float(chroma(colorizer, sheet)[margin].mean()))
    for kind, make in (("text", text), ("drawings", drawing), ("halftones", halftone)):
        figures[kind] = [float(chroma(colorizer, make(rng)).mean()) for _ in range(6)]
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", default="gan")
    parser.add_argument("--weights", action="append", type=Path, help="a checkpoint; default: the bundled one")
    arguments = parser.parse_args()
    for weights in arguments.weights or [None]:
        print(weights or "bundled")
        for kind, values in measured(Colorizer(arguments.model, weights=weights)).items():
            print(f"  {kind:12s} mean {np.mean(values):5.1f}  worst {max(values):5.1f}")
            if kind == "blank pages":
                print("   by level  " + " ".join(f"{v:.0f}:{c:.1f}" for v, c in zip(LEVELS, values, strict=True)))


if __name__ == "__main__":
    main()
