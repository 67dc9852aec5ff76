"""Make a real photograph gray, colorize it with the command line, and lay gray | color | original side by side."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from colorize_cli.cli import main
from colorize_cli.imaging.codecs.read import photo_from_array

SAMPLES = ("china", "flower")


def demo(folder: Path) -> int:
    """Write gray, colorized and strip pictures of each sample into ``folder`` and return the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, original in zip(SAMPLES, load_sample_images().images, strict=True):
        gray = (photo_from_array(original).gray.astype(np.float32) / 257).round().astype(np.uint8)
        source = folder / f"{name}-gray.png"
        Image.fromarray(gray).save(source)
        code = main([str(source), "-m", "gan", "--overwrite"])
        if code:
            return code
        with Image.open(folder / f"{name}-gray-color.png") as picture:
            color = np.asarray(picture.convert("RGB"))
        gap = np.full((gray.shape[0], 8, 3), 255, np.uint8)
        strip = np.concatenate([np.repeat(gray[..., None], 3, 2), gap, color, gap, original], 1)
        Image.fromarray(strip).save(folder / f"{name}-strip.png")
        print(f"gray | color | original: {folder / f'{name}-strip.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(demo(Path(sys.argv[1])))
