"""Draw a contact sheet of the training augmentations, one effect per tile.

    python tools/aging_sheet.py docs/images/aging.jpg

The photographs are samples of scikit-image. Upper row of each pair: the gray input of the network; lower
row: the target colors at that lightness.
"""

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from skimage import data

from colorize_cli.recipe import Augmentation
from colorize_cli.training.data.aging import Batch, as_found, lab_of, linear_of
from colorize_cli.training.objectives.calibration import lab_to_srgb

SIDE, LINE, COLUMNS = 160, 16, 6
EFFECTS = ("blur", "halation", "tone", "gamma", "vignette", "scratches", "grain", "jpeg")
SHARES = ("orthochromatic", "mounted", "pages")
Picture = npt.NDArray[np.uint8]


def photographs() -> torch.Tensor:
    """Return linear RGB (N, 3, SIDE, SIDE) of the samples."""
    squares = []
    for picture in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket()):
        edge = min(picture.shape[:2])
        top, left = ((size - edge) // 2 for size in picture.shape[:2])
        square = picture[top : top + edge, left : left + edge]
        squares.append(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return linear_of(torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float() / 255)


def shown(clean: Batch, how: Augmentation, seed: int) -> Picture:
    """Return the network's input above its target, uint8 (2 SIDE, SIDE, 3), for the first photograph.

    ``clean`` holds one photograph; every effect is applied.
    """
    seen = as_found(clean, how, torch.Generator().manual_seed(seed))
    pair = [lab_to_srgb(seen.lightness, ab)[0].permute(1, 2, 0) for ab in (torch.zeros_like(seen.ab), seen.ab)]
    return torch.cat(pair).round().clamp(0, 255).byte().numpy()


def main() -> None:
    """Write the sheet."""
    lab = lab_of(photographs())
    tiles: list[tuple[str, Picture]] = []
    for number, effect in enumerate((None, *EFFECTS, *SHARES)):
        one = lab[number % len(lab) : number % len(lab) + 1]
        clean = Batch(one[:, :1], one[:, 1:].contiguous(), torch.zeros(1, dtype=torch.long))
        how = Augmentation() if effect is None else replace(Augmentation(), **{effect: 1.0})
        tiles.append((effect or "unchanged", shown(clean, how, 5 + number)))
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, rows * (2 * SIDE + LINE)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (name, tile) in enumerate(tiles):
        row, column = divmod(number, COLUMNS)
        place = column * SIDE, row * (2 * SIDE + LINE)
        draw.text((place[0] + 4, place[1] + 2), name, fill="black")
        sheet.paste(Image.fromarray(tile), (place[0], place[1] + LINE))
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "aging.jpg")
    target.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(target, quality=80)
    print(target)


if __name__ == "__main__":
    main()
