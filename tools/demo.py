"""Colorize freely licensed sample photographs and show them all on one contact sheet: gray, colorized, original.

python tools/demo.py FOLDER writes FOLDER/gray/, FOLDER/colorized/, FOLDER/original/ and the sheet FOLDER/demo.jpg.

The photographs are included in scikit-image and scikit-learn, so nothing is downloaded. `astronaut` (NASA) and `rocket`
(SpaceX) are in the public domain; `camera` (Lav Varshney), `coffee` (Rachel Michetti) and `chelsea` (Stefan van der
Walt) are CC0; `china` (danielbuechele) and `flower` (vultilion) are CC BY 2.0.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps
from skimage import data
from sklearn.datasets import load_sample_image

from colorize_cli.cli import main
from colorize_cli.imaging.color import gray_of_lightness, luminance, luminance_to_lightness

ROWS = ("gray", "colorized", "original")
CELL = 240
"""Side in pixels of a square cell of the sheet; photographs are cropped to it."""
GAP = 6
CAPTION_WIDTH = 96
QUALITY = 80


def sample_photographs() -> dict[str, np.ndarray]:
    """Return the originals by name: uint8 RGB (H, W, 3), or gray (H, W) for photographs without a color original."""
    names = ("astronaut", "camera", "coffee", "rocket", "chelsea")
    photographs = {name: getattr(data, name)() for name in names}
    return photographs | {name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}


def to_gray(original: np.ndarray) -> np.ndarray:
    """Return uint8 gray (H, W) with the lightness L* of an original."""
    if original.ndim == 2:
        return original
    return gray_of_lightness(luminance_to_lightness(luminance(original)), 8)


def cell(path: Path) -> Image.Image:
    """Return the middle of a picture as one square cell."""
    with Image.open(path) as picture:
        return ImageOps.fit(picture.convert("RGB"), (CELL, CELL), Image.Resampling.LANCZOS)


def contact_sheet(columns: Mapping[str, Mapping[str, Path]]) -> Image.Image:
    """Return one picture with a column for each photograph and a captioned row for each of :data:`ROWS`.

    ``columns``: for each photograph its files by row; a missing row stays white.
    """
    step = CELL + GAP
    sheet = Image.new("RGB", (CAPTION_WIDTH + step * len(columns), GAP + step * len(ROWS)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for row, caption in enumerate(ROWS):
        top = GAP + row * step
        draw.text((CAPTION_WIDTH - GAP, top + CELL // 2), caption, "black", font, anchor="rm")
        for column, files in enumerate(columns.values()):
            if caption in files:
                sheet.paste(cell(files[caption]), (CAPTION_WIDTH + column * step, top))
    return sheet


def demo(folder: Path) -> int:
    """Write the gray, original and colorized photographs and the contact sheet; return the exit code."""
    columns: dict[str, dict[str, Path]] = {}
    for row in ROWS:
        (folder / row).mkdir(parents=True, exist_ok=True)
    for name, original in sample_photographs().items():
        files = {row: folder / row / f"{name}.png" for row in ROWS}
        Image.fromarray(to_gray(original)).save(files["gray"])
        if original.ndim == 2:
            del files["original"]
        else:
            Image.fromarray(original).save(files["original"])
        columns[name] = files
    code = main([str(folder / "gray"), "-o", f"{folder / 'colorized'}/", "--overwrite"])
    if code == 0:
        sheet = folder / "demo.jpg"
        contact_sheet(columns).save(sheet, quality=QUALITY)
        print(f"{', '.join(ROWS)}: {sheet}")
    return code


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/demo.py FOLDER")
    sys.exit(demo(Path(sys.argv[1])))
