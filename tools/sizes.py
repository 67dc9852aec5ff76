"""Measure the effect of the working size on colors: mean CIEDE2000 between results of one photograph at two sizes.

python tools/sizes.py val.zip --count 24
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np

from colorize_cli import Colorizer
from colorize_cli.color_photos import PhotoReader, decode_color
from colorize_cli.evaluation.metrics.measure import Picture
from colorize_cli.evaluation.photo_loop import find_photographs, gray_of, read_bytes
from colorize_cli.imaging.color_measures import delta_e_2000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("-m", "--model", default="gan")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--count", type=int, default=24, help="number of photographs, chosen by a hash of their names")
    parser.add_argument("--sizes", default="192,256,320,384,512")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    colorizers = [Colorizer(arguments.model, weights=arguments.weights, size=size) for size in sizes]
    reader, rows = PhotoReader(), []
    for photo in find_photographs(arguments.places, arguments.count):
        gray = gray_of(decode_color(read_bytes(reader, photo), photo.name))
        labs = [Picture(np.asarray(colorizer(gray).convert("RGB"))).lab for colorizer in colorizers]
        rows.append([float(delta_e_2000(one, other).mean()) for one, other in combinations(labs, 2)])
    for (one, other), distance in zip(combinations(sizes, 2), np.mean(rows, 0), strict=True):
        print(f"{one} and {other}: {distance:.2f}")
    print(f"mean of all pairs: {np.mean(rows):.2f} ({len(rows)} photographs)")


if __name__ == "__main__":
    main()
