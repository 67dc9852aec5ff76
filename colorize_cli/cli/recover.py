"""``colorize recover``: the gray scan out of a result of ``--lossless-luma``."""

from pathlib import Path
from typing import Annotated

import typer

from colorize_cli.cli.console import Results


def recover(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A result of --lossless-luma.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="[default: NAME-gray.jpg beside it]", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Take the gray scan out of a result of --lossless-luma: its pixels as they were, to the last bit."""
    from colorize_cli.files import atomic_file
    from colorize_cli.imaging.codecs.lossless import recover_gray
    from colorize_cli.imaging.codecs.read import bytes_of, read_photo
    from colorize_cli.imaging.codecs.write import protect_originals

    data = bytes_of(photo, str(photo))
    like = read_photo(photo)
    gray = recover_gray(data, like, str(photo))
    target = output or photo.with_name(f"{photo.stem}-gray.jpg")
    protect_originals(target, like)
    with atomic_file(target, overwrite=overwrite) as file:
        file.write(gray)
    Results().path(target)
