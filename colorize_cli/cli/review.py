"""``colorize review``: a local page to look at results, correct the colors, and accept or reject."""

import os
from pathlib import Path
from typing import Annotated

import typer

from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results
from colorize_cli.errors import UsageProblem


def review(
    photos: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PHOTO|FOLDER|REPORT]",
            help="A photo, a folder of scans or results, or the file that --report wrote. "
            "Without one, drop photos onto the page.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where review.jsonl, strokes and accepted photos go. [default: the folder of the photos]",
            show_default=False,
        ),
    ] = None,
    model: common.Model = "gan",
    weights: common.Weights = None,
    port: Annotated[int, typer.Option(help="Port to serve on. [default: any free one]", show_default=False)] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address; open no browser.")] = False,
    max_megapixels: Annotated[float, typer.Option(help="Larger photos are refused.")] = 500.0,
    offline: common.Offline = False,
    accept_license: common.AcceptLicense = False,
    device: common.Device = "auto",
    precision: common.Precision = "auto",
    quiet: common.Quiet = False,
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
    from colorize_cli.review.serve import serve
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
