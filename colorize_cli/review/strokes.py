"""``NAME-hints.png``: the strokes painted on a photograph, stored beside its result."""

import contextlib
import io
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from colorize_cli._version import __version__
from colorize_cli.errors import OutputExists, UsageProblem
from colorize_cli.files import atomic_file
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.metadata.xmp import Provenance, build_xmp
from colorize_cli.inference.hints import Hints, read_hints

STROKES = "strokes"
"""The model's name in the provenance of a file of strokes."""
LONGEST_SIDE = 4096
"""Maximum side of a picture of strokes, in pixels."""


def decode_strokes(content: bytes) -> Image.Image | None:
    """Return strokes that the page sent, as RGBA; None if nothing is painted.

    Raises :class:`UsageProblem` if the data is not a PNG picture or the picture is too large.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if max(picture.size) > LONGEST_SIDE:
                raise UsageProblem(f"These strokes are larger than {LONGEST_SIDE} pixels.")
            strokes = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UsageProblem("These strokes are not a PNG picture.") from error
    # Half-covered pixels at the edge of a stroke become hints or not: a hint cannot be partial.
    pixels = np.array(strokes)
    painted = pixels[..., 3] >= 128
    pixels[..., 3] = np.where(painted, 255, 0)
    pixels[~painted] = 0
    return Image.fromarray(pixels) if painted.any() else None


def save_strokes(path: Path, strokes: Image.Image | None) -> None:
    """Save the strokes at ``path``, or remove the file if there are none.

    Only a file of strokes is replaced or removed. Raises :class:`OutputExists` and :class:`OutputError`.
    """
    ours = is_strokes(path)
    if path.exists() and not ours:
        raise OutputExists(
            f"'{path}' is not a file of strokes and is not replaced.", "Move it, or give another -o FOLDER."
        )
    if strokes is None:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", build_xmp(None, Provenance(STROKES, "", __version__)).decode())
    with atomic_file(path, overwrite=ours) as file:
        strokes.save(file, "PNG", pnginfo=text)


def is_strokes(path: Path) -> bool:
    """Whether a file contains strokes that were painted on the page."""
    provenance = read_provenance(path)
    return provenance is not None and provenance.model == STROKES


def load_strokes(path: Path) -> tuple[bytes, Hints] | None:
    """Return the picture and its hints; None if there is no such file. Raises :class:`UsageProblem`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        picture = Image.open(io.BytesIO(content))
        picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UsageProblem(f"'{path}' is no picture of strokes.", "Paint them again.") from error
    return content, read_hints(picture)
