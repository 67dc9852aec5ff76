"""One contact sheet: rows of sample photographs, columns of what several models or weights make of them.

python tools/model_sheet.py gan unet koalarization=run/best.safetensors -o sheet.jpg --photo coffee --photo china
python tools/model_sheet.py vgg-classifier=run/epoch-0001.safetensors vgg-classifier=run/epoch-0004.safetensors -o x.jpg

The photographs and their licences are those of tools/demo.py. Models that need hints get the true color of one pixel
in fifty. ``--temperature 0`` takes the most likely class, as the papers do, in the models that classify; ``--caption``,
once for each column between gray and original, replaces the names.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from demo import sample_photographs, to_gray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from colorize_cli import Colorizer

KNOWN = 0.02
GAP = 4
QUALITY = 80


def hints_of(original: np.ndarray, seed: int = 0) -> Image.Image:
    """Return a picture that shows a share of the pixels of an original and is transparent elsewhere."""
    known = np.random.default_rng(seed).random(original.shape[:2]) < KNOWN
    return Image.fromarray(np.dstack([original, 255 * known.astype(np.uint8)]), "RGBA")


def painted(
    model: str, weights: str | None, originals: list[np.ndarray], temperature: float | None = None
) -> list[Image.Image]:
    """Return the originals colorized from their lightness; ``temperature`` is for models that have one."""
    from colorize_cli.registry import get

    entry = get(model)
    if entry.needs_hints:
        return [
            Colorizer(model, weights=weights, hints=hints_of(original))(to_gray(original)) for original in originals
        ]
    decoding = {} if temperature is None or "temperature" not in entry.decoding else {"temperature": temperature}
    colorizer = Colorizer(model, weights=weights, decoding=decoding)
    return [colorizer(to_gray(original)) for original in originals]


def sheet_of(columns: dict[str, list[Image.Image]], cell: int) -> Image.Image:
    """Return one picture: a captioned column for each entry, a row for each photograph."""
    step, rows = cell + GAP, len(next(iter(columns.values())))
    top = 20
    sheet = Image.new("RGB", (GAP + step * len(columns), top + step * rows), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for column, (caption, pictures) in enumerate(columns.items()):
        left = GAP + column * step
        draw.text((left + cell // 2, top // 2), caption, "black", font, anchor="mm")
        for row, picture in enumerate(pictures):
            fitted = ImageOps.fit(picture.convert("RGB"), (cell, cell), Image.Resampling.LANCZOS)
            sheet.paste(fitted, (left, top + row * step))
    return sheet


def main(
    models: Annotated[list[str], typer.Argument(metavar="MODEL[=WEIGHTS]...")],
    output: Annotated[Path, typer.Option("--output", "-o")],
    photo: Annotated[list[str] | None, typer.Option(help="Sample photographs. [default: all in color]")] = None,
    cell: Annotated[int, typer.Option(help="Pixels a side of one picture.")] = 150,
    temperature: Annotated[float | None, typer.Option(help="Softmax temperature of classifying models.")] = None,
    caption: Annotated[list[str] | None, typer.Option(help="Caption of a column; once for each model.")] = None,
) -> None:
    """Paint and write the sheet."""
    samples = {name: pixels for name, pixels in sample_photographs().items() if pixels.ndim == 3}
    originals = [samples[name] for name in (photo or samples)]
    columns = {"gray": [Image.fromarray(to_gray(original)) for original in originals]}
    parted = [model.partition("=") for model in models]
    several = Counter(name for name, _, _ in parted)
    for place, (name, _, weights) in enumerate(parted):
        title = f"{name} {Path(weights).stem}" if several[name] > 1 else name
        if caption is not None:
            title = caption[place]
        columns[title] = painted(name, weights or None, originals, temperature)
    columns["original"] = [Image.fromarray(original) for original in originals]
    sheet_of(columns, cell).save(output, quality=QUALITY)


if __name__ == "__main__":
    typer.run(main)
