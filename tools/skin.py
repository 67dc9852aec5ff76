"""Measure the color of skin: mean a*b* error in the middle of aligned faces, by the true tone of the skin.

    python tools/skin.py utkface.zip --weights run/last.safetensors --weights weights/gan.safetensors
    python tools/skin.py utkface.zip --sort tones.zip

The archive contains aligned faces (UTKFace) named by the hash of their content. Only those with a hash divisible by ten
are used; training leaves them out (``held_out``). Faces are grouped by the individual typology angle of the true
color, ITA = atan((L* - 50) / b*) (Chardon et al. 1991): very light above 55 degrees, light above 41, intermediate above
28, tan above 10, brown above -30, dark below. A fixed rule for the hue of skin would favor light skin; the true colors
of each face do not. ``--sort`` writes the other faces, to train on, into a folder for each group (``utkface-dark``).
"""

import argparse
import io
import math
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from colorize_cli import Colorizer
from colorize_cli.evaluation.photo_loop import gray_of
from colorize_cli.imaging.color import srgb_to_lab

GROUPS = ((55, "very light"), (41, "light"), (28, "intermediate"), (10, "tan"), (-30, "brown"), (-91, "dark"))
Array = npt.NDArray[np.float64]


def held_out(member: str) -> bool:
    """Return whether a face is kept for measuring: its name starts with the hash of its content, hexadecimal."""
    return int(Path(member).stem, 16) % 10 == 0


def ellipse(height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return the mask of expected skin in an aligned face: an ellipse of half its size in the middle."""
    rows, columns = (np.linspace(-1, 1, n) for n in (height, width))
    return (rows[:, None] / 0.55) ** 2 + (columns / 0.45) ** 2 < 1


def tone(lab: Array) -> str:
    """Return the group of a face by the typology angle of its mean color, Lab (n, 3)."""
    lightness, _, b = lab.mean(0)
    # Under blue light b* may be negative, and the angle is meaningless: such a face is grouped by lightness alone.
    angle = math.degrees(math.atan2(lightness - 50, max(b, 1e-3)))
    return next(name for limit, name in GROUPS if angle > limit)


def sort(source: Path, target: Path) -> Counter[str]:
    """Write the faces that are not held out to a new archive, in a folder for each group; return their numbers."""
    numbers: Counter[str] = Counter()
    with zipfile.ZipFile(source) as faces, zipfile.ZipFile(target, "x") as sorted_faces:
        for member in faces.namelist():
            if member.endswith("/") or held_out(member):
                continue
            data = faces.read(member)
            rgb = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            group = tone(srgb_to_lab(rgb / 255)[ellipse(*rgb.shape[:2])]).replace(" ", "-")
            numbers[group] += 1
            sorted_faces.writestr(f"utkface-{group}/{Path(member).name}", data)
    return numbers


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--weights", action="append", type=Path, help="a checkpoint of gan; default: the bundled one")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--sort", type=Path, metavar="ZIP", help="write the faces for training there, by group")
    arguments = parser.parse_args()
    if arguments.sort is not None:
        for group, number in sort(arguments.archive, arguments.sort).items():
            print(f"{group}: {number}")
        return
    colorizers = {weights: Colorizer("gan", weights=weights) for weights in arguments.weights or [None]}
    errors: dict[Path | None, dict[str, list[float]]] = {weights: defaultdict(list) for weights in colorizers}
    with zipfile.ZipFile(arguments.archive) as archive:
        members = sorted(name for name in archive.namelist() if not name.endswith("/") and held_out(name))
        for member in members[: arguments.count]:
            rgb = np.asarray(Image.open(io.BytesIO(archive.read(member))).convert("RGB"))
            where = ellipse(*rgb.shape[:2])
            true = srgb_to_lab(rgb / 255)[where]
            for weights, colorizer in colorizers.items():
                painted = srgb_to_lab(np.asarray(colorizer(gray_of(rgb)).convert("RGB")) / 255)[where]
                error = float(np.hypot(*(painted - true)[:, 1:].T).mean())
                errors[weights][tone(true)].append(error)
    for weights, groups in errors.items():
        everyone = [error for values in groups.values() for error in values]
        print(f"{weights or 'bundled'}: {np.mean(everyone):.2f} Lab units, {len(everyone)} faces")
        for _, name in GROUPS:
            if groups[name]:
                share = np.mean(groups[name]) / np.mean(everyone)
                print(
                    f"  {name:12s} {np.mean(groups[name]):6.2f}  {share:.2f} of the mean  ({len(groups[name])} faces)"
                )


if __name__ == "__main__":
    main()
