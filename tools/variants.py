"""Measure how the pictures of ``--variants`` differ: in hue or in saturation, and where.

    python tools/variants.py photos.zip [more folders or archives] [--count 20] [--variants 4]

Photographs are converted to gray and colorized. The difference of two variants is CIEDE2000, averaged over all pairs.
The spread of hue at a pixel is the circular standard deviation of the variants, weighted by their chroma; that of
saturation is the standard deviation of their chroma over its mean; both as the median over pixels with a mean chroma of
at least 5 Lab units. The surest third of a photograph is the third with the highest confidence.
"""

import argparse
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from colorize_cli import Colorizer
from colorize_cli.color_photos import PhotoReader, decode_color
from colorize_cli.evaluation.photo_loop import find_photographs, gray_of, read_bytes
from colorize_cli.imaging.codecs.to_photo import photo_from_array
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.imaging.color_measures import delta_e_2000

COLORED = 5.0


def spread(colorizer: Colorizer, gray: np.ndarray, count: int) -> dict[str, float]:
    """Return the figures of one photograph, gray, uint8 or uint16 (H, W)."""
    (prediction,) = colorizer.predict_with_confidence([gray])
    assert prediction.confidence is not None
    (variants,) = colorizer.variants([gray], [prediction.ab], count)
    photo = photo_from_array(gray)
    lab = np.stack([srgb_to_lab(colorizer.colorize(photo, ab, depth=8) / 255) for ab in variants])
    difference = np.mean([delta_e_2000(one, other) for one, other in combinations(lab, 2)], 0)
    ab = lab[..., 1] + 1j * lab[..., 2]
    chroma = np.abs(ab)
    together = np.abs(ab.sum(0)) / np.maximum(chroma.sum(0), 1e-9)
    hue = np.degrees(np.sqrt(-2 * np.log(np.clip(together, 1e-3, 1))))
    saturation = chroma.std(0) / np.maximum(chroma.mean(0), 1e-9)
    colored = chroma.mean(0) >= COLORED
    confidence = cv2.resize(prediction.confidence, gray.shape[::-1])
    third, two_thirds = np.quantile(confidence, [1 / 3, 2 / 3])
    whole = chroma.mean((1, 2))
    return {
        "difference, CIEDE2000": float(difference.mean()),
        "difference in the surest third": float(difference[confidence >= two_thirds].mean()),
        "difference in the least sure third": float(difference[confidence <= third].mean()),
        "spread of hue, degrees": float(np.median(hue[colored])) if colored.any() else 0.0,
        "relative spread of saturation, pixels": float(np.median(saturation[colored])) if colored.any() else 0.0,
        "relative spread of saturation, pictures": float(whole.std() / whole.mean()),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("-m", "--model", default="gan")
    parser.add_argument("--count", type=int, default=20, help="number of photographs, chosen by a hash of their names")
    parser.add_argument("--variants", type=int, default=4)
    arguments = parser.parse_args()
    photos = find_photographs(arguments.places, arguments.count)
    reader, colorizer = PhotoReader(), Colorizer(arguments.model)
    figures = [
        spread(colorizer, gray_of(decode_color(read_bytes(reader, photo), photo.name)), arguments.variants)
        for photo in photos
    ]
    print(f"{len(photos)} photographs, {arguments.variants} variants\n\n| | mean | least | most |\n|---|---|---|---|")
    for name in figures[0]:
        values = [row[name] for row in figures]
        print(f"| {name} | {np.mean(values):.2f} | {min(values):.2f} | {max(values):.2f} |")


if __name__ == "__main__":
    main()
