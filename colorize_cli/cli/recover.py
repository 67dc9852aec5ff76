"""``colorize recover``: the gray scan out of a result of ``--lossless-luma``."""

from pathlib import Path
from typing import Annotated

from colorize_cli.cli.options import Overwrite, with_options
from colorize_cli.cli.terminal.console import Results
from colorize_cli.option import Option


@with_options
def recover(
    photo: Annotated[Path, Option("Result of --lossless-luma", metavar="PHOTO", argument=True)],
    output: Annotated[
        Path | None,
        Option("File to write", flags=("--output", "-o"), metavar="FILE", unset="NAME-gray.jpg beside the photo"),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Restore the gray scan from a result of --lossless-luma, with exactly its original pixels."""
    from colorize_cli.files import atomic_file
    from colorize_cli.imaging.codecs.file_bytes import bytes_of
    from colorize_cli.imaging.codecs.jpeg.lossless import recover_gray
    from colorize_cli.imaging.codecs.read import read_photo
    from colorize_cli.imaging.codecs.write import protect_originals

    data = bytes_of(photo, str(photo))
    like = read_photo(photo)
    gray = recover_gray(data, like, str(photo))
    target = output or photo.with_name(f"{photo.stem}-gray.jpg")
    protect_originals(target, like)
    with atomic_file(target, overwrite=overwrite) as file:
        file.write(gray)
    Results().path(target)
