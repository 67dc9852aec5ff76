"""``colorize review``: a local page to look at results, correct the colors, and accept or reject."""

import os
from pathlib import Path
from typing import Annotated

from colorize_cli.cli.command_options import with_options
from colorize_cli.cli.options import AcceptLicense, Device, Model, Offline, Precision, Quiet, Weights
from colorize_cli.cli.terminal.console import Console, Results
from colorize_cli.errors import UsageProblem
from colorize_cli.option import HARDWARE, Option


@with_options
def review(
    photos: Annotated[
        Path | None,
        Option(
            "Photo, folder of scans or results, or report; without one, drop photos onto the page",
            metavar="PHOTO|FOLDER|REPORT",
            argument=True,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        Option(
            "Folder for review.jsonl, strokes and accepted photos",
            "Output",
            ("--output", "-o"),
            "FOLDER",
            unset="the folder of the photos",
            in_file=False,
        ),
    ] = None,
    model: Model = "gan",
    weights: Weights = None,
    port: Annotated[int, Option("Port of the page", "Review", metavar="N", unset="any free one")] = 0,
    no_browser: Annotated[
        bool, Option("Print the address without opening a browser", "Review", ("--no-browser",))
    ] = False,
    max_megapixels: Annotated[float, Option("Refuse larger photos", HARDWARE, above=0)] = 500.0,
    offline: Offline = False,
    accept_license: AcceptLicense = False,
    device: Device = "auto",
    precision: Precision = "auto",
    quiet: Quiet = False,
) -> None:
    """Look at results in the browser, correct their colors, accept or reject them.

    Nothing leaves this machine: the page is served to this machine only. Ctrl-C ends it; decisions are kept in
    review.jsonl.
    """
    if photos is None and os.path.lexists("review"):
        raise UsageProblem(
            "There is a folder or file called 'review'.",
            "Use ./review: `colorize ./review` colorizes it, `colorize review ./review` shows it.",
        )
    from colorize_cli.registry import get
    from colorize_cli.review.album import make_album

    get(model)
    album = make_album(photos, output)
    if photos is not None:
        _require_place(album.home)
    from colorize_cli.review.server import serve
    from colorize_cli.review.session import Choices, Session

    choices = Choices(model, weights, device, precision, offline, accept_license, max_megapixels)
    session = Session(album, choices)
    console, results = Console(quiet=quiet), Results()

    def say(address: str) -> None:
        results.line(address.encode("ascii") + b"\n")
        console.say(f"{len(album.shots)} photos. Ctrl-C ends the server; decisions are in '{album.review_file}'.")

    serve(session, port=port, browser=not no_browser, say=say)


def _require_place(home: Path) -> None:
    """Raise :class:`OutputError` where decisions cannot be kept."""
    from colorize_cli.errors import OutputError

    folder = home
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"'{home}' cannot be written to.", "Give a folder for the review: -o FOLDER.")
