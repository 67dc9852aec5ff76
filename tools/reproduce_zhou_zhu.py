"""Table 1 of Zhou & Zhu 2024: squared error of a*b* at unknown pixels by their share, for the linear models.

python tools/reproduce_zhou_zhu.py PHOTOS -o results/ --photos 6 --size 100

Writes table1.json and table1.png into the folder. ``paper`` solves the paper's equations in its tiles; ``guided`` is
the default solver of `colorize`. With every pixel unknown, the result of the paper's system depends on the number of
steps of its solver, which the paper does not state: that row is given for several numbers.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image

from colorize_cli import registry
from colorize_cli.checkpoints.file import load_checkpoint, load_strictly
from colorize_cli.checkpoints.locate import find_weights
from colorize_cli.color_photos import PhotoReader, decode_color
from colorize_cli.evaluation.photo_loop import find_photographs, read_bytes
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.inference.hints import known_pixels
from colorize_cli.models.zhou_zhu.linear_neighbours import PAPER_ITERATIONS

MODELS = ("ols", "ridge", "lasso", "elasticnet")
UNKNOWN = (0.2, 0.4, 0.6, 0.8)
STEPS = (100, 400, 1500)
"""Steps of the paper's solver for the row where every pixel is unknown."""


def central_square(rgb: np.ndarray, size: int) -> np.ndarray:
    """Return the middle square of a photograph, with a short side of at most twice ``size``."""
    picture = Image.fromarray(rgb)
    scale = 2 * size / min(picture.size)
    if scale < 1:
        picture = picture.resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC
        )
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    return np.asarray(picture.crop((left, top, left + size, top + size)))


def squared_error(network: torch.nn.Module, lab: np.ndarray, unknown: float, seed: int, steps: int) -> float:
    """Return the mean squared error of a* and b* over the unknown pixels of one photograph, Lab (H, W, 3).

    ``steps``: of the paper's solver, 0 for the guided system.
    """
    ab, mask = known_pixels(lab[..., 1:], 1 - unknown, seed)
    planes = (torch.from_numpy(x)[None] for x in (lab[..., 0][None].copy(), ab.transpose(2, 0, 1).copy(), mask[None]))
    found = network.chroma(*planes, paper_iterations=steps)[0].numpy()  # type: ignore[operator]
    return float(((found - lab[..., 1:].transpose(2, 0, 1)) ** 2)[:, mask == 0].mean())


def draw(table: dict[str, dict[str, list[float]]], target: Path) -> None:
    """Plot the error of every model and solver against the share of unknown pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    for solver, style in (("paper", "--"), ("guided", "-")):
        for place, model in enumerate(table[solver]):
            values = table[solver][model]
            axes.plot(
                [100 * u for u in UNKNOWN], values, style, color=f"C{place}", marker=".", label=f"{model}, {solver}"
            )
    axes.set(xlabel="unknown pixels, %", ylabel="mean squared error of a*, b*", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(target, dpi=110, bbox_inches="tight")


def main(
    places: list[Path],
    output: Annotated[Path, typer.Option("--output", "-o")],
    photos: int = 100,
    size: int = 400,
    seed: int = 0,
    models: str = ",".join(MODELS),
) -> None:
    """Measure with the bundled weights and write the table."""
    output.mkdir(parents=True, exist_ok=True)
    reader = PhotoReader()
    labs = []
    for photo in find_photographs(places, photos, seed):
        rgb = central_square(decode_color(read_bytes(reader, photo), photo.name), size)
        labs.append(srgb_to_lab(rgb.astype(np.float32) / 255).astype(np.float32))
    table: dict[str, dict[str, list[float]]] = {"paper": {}, "guided": {}}
    everything: dict[str, dict[int, float]] = {}
    for model in models.split(","):
        entry = registry.get(model)
        path = find_weights(entry)
        network = entry.build()
        load_strictly(network, load_checkpoint(path), str(path))

        def error(unknown: float, steps: int, network: torch.nn.Module = network) -> float:
            return float(np.mean([squared_error(network, lab, unknown, i, steps) for i, lab in enumerate(labs)]))

        for solver, steps in (("paper", PAPER_ITERATIONS), ("guided", 0)):
            table[solver][model] = [error(unknown, steps) for unknown in UNKNOWN]
            print(solver, model, *(f"{value:.2f}" for value in table[solver][model]), flush=True)
        everything[model] = {steps: error(1.0, steps) for steps in STEPS}
        print(
            "all unknown", model, *(f"{steps}: {value:.0f}" for steps, value in everything[model].items()), flush=True
        )
    gray = float(np.mean([(lab[..., 1:] ** 2).mean() for lab in labs]))
    print(f"gray {gray:.2f}")
    result = {
        "photos": len(labs), "size": size, "unknown": UNKNOWN, "gray": gray, "mean_squared_error": table,
        "all_unknown_by_steps": everything,
    }  # fmt: skip
    (output / "table1.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    draw(table, output / "table1.png")


if __name__ == "__main__":
    typer.run(main)
