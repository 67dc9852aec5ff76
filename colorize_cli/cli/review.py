"""``colorize review``: a local page to look at results, correct the colors, and accept or reject.

``colorize --from-review review.jsonl -o final/`` writes what was accepted on the page at full size.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from colorize_cli.cli.options import AcceptLicense, Device, Model, Offline, Precision, Quiet, Weights, with_options
from colorize_cli.cli.terminal.console import Console, Results
from colorize_cli.errors import OutputExists, UsageProblem
from colorize_cli.option import HARDWARE, Option

if TYPE_CHECKING:
    from colorize_cli.batch.colorize_options import ColorizeOptions
    from colorize_cli.batch.reports.outcome import Outcome
    from colorize_cli.review.decisions import Decision


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


_NAMED_AT_MOST = 5


def run_from_review(file: Path, options: "ColorizeOptions", console: Console, *, as_json: bool) -> int:
    """Write the accepted photographs of a review and list the others; return the exit code."""
    from colorize_cli.batch.reports.outcome import json_line
    from colorize_cli.batch.reports.run_files import RunFiles
    from colorize_cli.cli.batch_run import summarize, tell
    from colorize_cli.cli.terminal.interrupt import graceful_interrupt
    from colorize_cli.cli.terminal.progress import run_progress
    from colorize_cli.cli.terminal.run_summary import RunSummary
    from colorize_cli.review.apply import Applier, targets
    from colorize_cli.review.decisions import Decisions
    from colorize_cli.review.session import Choices

    if options.output is None or options.output == "-" or Path(options.output).is_file():
        raise UsageProblem("--from-review needs a folder for the photos it writes.", "Name one: -o final/")
    if options.reference is not None:
        raise UsageProblem(
            "--from-review uses the reference that was chosen on the page; --reference has no effect.", "Leave it out."
        )
    if not file.is_file():
        raise UsageProblem(f"There is no review '{file}'.", "Name the review.jsonl that `colorize review` wrote.")
    pairs = targets(Decisions(file), Path(options.output), options.format)
    _refuse_existing(pairs, options)
    results, summary = Results(), RunSummary(options)
    if options.dry_run:
        for decision, target in pairs:
            shown = f"{decision.photo} -> {target}" if decision.state == "accepted" else f"{decision.photo}: skipped"
            results.line(os.fsencode(shown) + b"\n")
        return 0
    weights = None if options.weights is None else str(options.weights)
    choices = Choices(
        options.model, weights, options.device, options.precision, options.offline, options.accept_license,
        options.max_megapixels,
    )  # fmt: skip
    with (
        RunFiles(options) as files,
        graceful_interrupt() as interrupt,
        run_progress(len(pairs), "photos", shown=not console.quiet) as progress,
    ):

        def on_outcome(outcome: "Outcome") -> None:
            progress.end(outcome.status)
            summary.add(outcome)
            tell(outcome, console)
            if as_json:
                results.line(json_line(outcome.row()).encode("ascii"))
            elif outcome.status == "done" and outcome.target is not None:
                results.path(outcome.target)
            files.add(outcome)

        report = Applier(options, choices).run(pairs, on_outcome, interrupt.stop.is_set)
        elapsed = progress.elapsed
    report.interrupted = interrupt.happened
    summarize(report, summary, elapsed, elapsed, console)
    if as_json:
        results.line(json_line({"summary": report.counts(), "exit_code": report.exit_code}).encode("ascii"))
    return report.exit_code


def _refuse_existing(pairs: "list[tuple[Decision, Path]]", options: "ColorizeOptions") -> None:
    if options.overwrite or options.resumes:
        return
    existing = [f"'{target}'" for decision, target in pairs if decision.state == "accepted" and os.path.lexists(target)]
    if existing:
        more = f" and {len(existing) - _NAMED_AT_MOST} more" if len(existing) > _NAMED_AT_MOST else ""
        raise OutputExists(
            f"{', '.join(existing[:_NAMED_AT_MOST])}{more} already exist; nothing was written.",
            "Use --skip-existing to resume, or --overwrite to replace.",
        )
