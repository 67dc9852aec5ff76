"""``colorize PHOTO...``: parse, plan, colorize, report."""

import difflib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results
from colorize_cli.errors import UsageProblem

if TYPE_CHECKING:
    from colorize_cli.inference.options import ColorizeOptions
    from colorize_cli.inference.plan import Plan
    from colorize_cli.inference.report import Outcome, Report


def colorize(
    ctx: typer.Context,
    photos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PHOTO",
            help="Files, folders, quoted wildcards, @LIST, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER/|-",
            help="Where results go. [default: beside the photo, as NAME-color]",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")] = False,
    skip_existing: Annotated[bool, typer.Option("--skip-existing", help="Go on where an earlier run stopped.")] = False,
    format: Annotated[
        str | None,
        typer.Option(help="jpeg, png, tiff, webp, avif ... [default: as the photo]", show_default=False),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(help="1 to 100, for lossy formats. [default: as the photo]", show_default=False),
    ] = None,
    model: common.Model = "gan",
    weights: common.Weights = None,
    strength: Annotated[float, typer.Option(help="Share of the predicted color that is applied, 0 to 1.")] = 1.0,
    vividness: Annotated[
        float | None,
        typer.Option(help="How far rare, vivid colors are preferred. [default: the model's]", show_default=False),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="PIXELS[,PIXELS...]",
            help="Working size; of several, the median color is taken. [default: the model's]",
            show_default=False,
        ),
    ] = None,
    hints: Annotated[
        str | None,
        typer.Option(metavar="PICTURE", help="Colors to keep: a picture transparent elsewhere (-m siggraph17)."),
    ] = None,
    offline: common.Offline = False,
    accept_license: common.AcceptLicense = False,
    seed: common.Seed = None,
    device: common.Device = "auto",
    precision: common.Precision = "auto",
    jobs: common.Jobs = None,
    max_megapixels: Annotated[float, typer.Option(help="Larger photos are refused.")] = 500.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    report: common.Report = None,
    failed_list: Annotated[
        Path | None,
        typer.Option(help="Write the names of failed photos here.", metavar="FILE"),
    ] = None,
    files_from: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="A list of photos, one a line or NUL-separated; the same as @FILE."),
    ] = None,
    json: common.Json = False,
    quiet: common.Quiet = False,
    verbose: common.Verbose = False,
) -> None:
    """Colorize photographs at full resolution, their tones untouched. The originals are never changed."""
    from colorize_cli.inference.options import ColorizeOptions
    from colorize_cli.inference.sources import InputNotFound

    options = ColorizeOptions(
        model=model, output=output, overwrite=overwrite, skip_existing=skip_existing, format=format, quality=quality,
        max_megapixels=max_megapixels, device=device, precision=precision, weights=weights, seed=seed,
        strength=strength, vividness=vividness, size=_sizes(size), hints=hints, offline=offline,
        accept_license=accept_license, jobs=jobs, dry_run=dry_run, report=report,
        failed_list=failed_list,
    )  # fmt: skip
    console = Console(quiet=quiet, verbose=verbose)
    commands = list(getattr(ctx.parent.command, "commands", ())) if ctx.parent else []
    try:
        words = [*(photos or []), *([f"@{files_from}"] if files_from is not None else [])]
        code = _run(words, options, console, as_json=json)
    except InputNotFound as error:
        raise _with_suggestion(error, commands) from error
    raise typer.Exit(code)


def _sizes(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"'{text}' is no size.", param_hint="--size") from None


def _with_suggestion(error: Any, commands: list[str]) -> UsageProblem:
    """A word that is no file may be a misspelt command, or a command that does not stand first."""
    near = difflib.get_close_matches(error.word, commands, n=1, cutoff=0.6)
    if not near:
        return UsageProblem(error.message, "`colorize -h` explains what can be given.")
    place = "put it first" if near[0] == error.word else f"`colorize {near[0]} -h` explains it"
    return UsageProblem(error.message, f"There is a command '{near[0]}': {place}.")


def _run(words: list[str], options: "ColorizeOptions", console: Console, *, as_json: bool) -> int:
    from colorize_cli.imaging.metadata import read_provenance
    from colorize_cli.inference.plan import make_plan
    from colorize_cli.registry import get

    get(options.model)  # an unknown name is told before a long folder is listed
    stdin, stdout = _streams(words, options, as_json=as_json)
    plan = make_plan(words, options, is_our_result=lambda path: read_provenance(path) is not None)
    results = Results()
    if options.dry_run:
        return _dry_run(plan, options, results, as_json=as_json)
    return _colorize(plan, options, console, results, stdin, stdout, as_json=as_json).exit_code


def _streams(words: list[str], options: "ColorizeOptions", *, as_json: bool) -> tuple[BinaryIO | None, BinaryIO | None]:
    """Return the standard streams that carry image bytes; refuse a terminal there, and JSON in one stream with them."""
    from colorize_cli.inference.sources import STANDARD_STREAM

    stdin = stdout = None
    if STANDARD_STREAM in words:
        if sys.stdin.isatty():
            raise UsageProblem("Standard input is a terminal.", "Pipe a photo in: colorize - < photo.jpg > color.jpg")
        stdin = sys.stdin.buffer
    if options.output == STANDARD_STREAM or (stdin is not None and options.output is None):
        if as_json:
            raise UsageProblem("Standard output cannot carry both the picture and JSON.", "Name a file with -o.")
        if sys.stdout.isatty() and not options.dry_run:
            raise UsageProblem("Standard output is a terminal.", "Redirect it (> color.jpg), or name a file with -o.")
        stdout = sys.stdout.buffer
    return stdin, stdout


def _dry_run(plan: "Plan", options: "ColorizeOptions", results: Results, *, as_json: bool) -> int:
    from colorize_cli.inference.report import Report, json_line
    from colorize_cli.inference.resume import foresee

    report = Report()
    for outcome in foresee(plan, options):
        report.add(outcome)
        if as_json:
            results.line(json_line(outcome.row() | {"dry_run": True}).encode("ascii"))
            continue
        name, target = os.fspath(outcome.source or "-"), os.fspath(outcome.target or "-")
        says = f"{name} -> {target}" if outcome.status == "done" else f"{name}: {outcome.status}: {outcome.reason}"
        results.line(os.fsencode(says) + b"\n")
    return report.exit_code


def _colorize(
    plan: "Plan", options: "ColorizeOptions", console: Console, results: Results,
    stdin: BinaryIO | None, stdout: BinaryIO | None, *, as_json: bool,
) -> "Report":  # fmt: skip
    from colorize_cli.cli.interrupt import graceful_interrupt
    from colorize_cli.cli.progress import progress_bar
    from colorize_cli.inference.batch import Batch
    from colorize_cli.inference.report import json_line
    from colorize_cli.inference.resume import make_predictor
    from colorize_cli.inference.runfiles import RunFiles

    files = RunFiles(options)
    predictor = make_predictor(plan, options)
    with (
        files,
        graceful_interrupt() as interrupt,
        progress_bar(len(plan), "photos", shown=not console.quiet) as advance,
    ):
        if predictor.description:
            console.say(f"Colorizing with {options.model} on {predictor.description}.")

        def on_outcome(outcome: "Outcome") -> None:
            _tell(outcome, console)
            if as_json:
                results.line(json_line(outcome.row()).encode("ascii"))
            elif outcome.status == "done" and outcome.target is not None:
                results.path(outcome.target)
            advance()
            files.add(outcome)

        batch = Batch(predictor, options, stop=interrupt.stop, stdin=stdin, stdout=stdout)
        try:
            report = batch.run(plan, on_outcome)
        except KeyboardInterrupt:
            _abort()
    report.interrupted = interrupt.happened
    _summarize(report, console)
    if as_json:
        results.line(json_line({"summary": report.counts(), "exit_code": report.exit_code}).encode("ascii"))
    return report


def _tell(outcome: "Outcome", console: Console) -> None:
    from colorize_cli.inference.report import failure_lines
    from colorize_cli.inference.resume import ALREADY_DONE

    for note in outcome.notes:
        console.say_once(f"Note: {note}")
    if outcome.status == "failed":
        console.warn(f"Failed: {failure_lines([outcome])[0]}")
        if outcome.traceback:
            console.detail(outcome.traceback)
    elif outcome.status == "skipped":
        line = f"Skipped: '{outcome.source}': {outcome.reason}"
        if outcome.target is not None and outcome.reason != ALREADY_DONE:
            console.warn(line)
        else:
            console.detail(line)


def _summarize(report: "Report", console: Console) -> None:
    from colorize_cli.inference.report import failure_lines

    total = report.done + report.skipped + report.failed + report.not_reached
    if total > 1 or report.skipped:
        console.say(f"{report.summary()[:1].upper()}{report.summary()[1:]}.")
    if report.failed and total > 1:
        console.say("Failed:\n" + "\n".join(f"  {line}" for line in failure_lines(report.failures)))
        if report.failed > len(report.failures):
            console.say(f"  and {report.failed - len(report.failures)} more (see --report or --failed-list)")
    if report.interrupted:
        console.warn("Interrupted: the same command with --skip-existing goes on from here.")
    elif report.stopped_by is not None:
        console.warn(f"The run was stopped: {report.stopped_by}")


def _abort() -> None:
    """Leave at once: threads deep in a codec or in torch would hold the program, or crash it on its way out."""
    sys.stdout.flush()
    print("Aborted.", file=sys.stderr, flush=True)
    if threading.active_count() > 1:
        os._exit(130)
    raise SystemExit(130)
