"""One colorizing run on the console: standard streams, progress, messages and the summary."""

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from colorize_cli.cli.startup import wait_briefly, without_collections
from colorize_cli.cli.terminal.console import LOG, Console, Results
from colorize_cli.errors import UsageProblem

if TYPE_CHECKING:
    from colorize_cli.batch.cluster.dask_batch import ClusterBatch
    from colorize_cli.batch.colorize_options import ColorizeOptions
    from colorize_cli.batch.inputs.plan import Plan
    from colorize_cli.batch.reports.outcome import Outcome, Report
    from colorize_cli.cli.terminal.run_summary import RunSummary


def run(words: list[str], options: "ColorizeOptions", console: Console, *, as_json: bool) -> int:
    """Plan and colorize what ``words`` name, or only say so (``dry_run``), and return the exit code."""
    wait_briefly()
    with without_collections():
        from colorize_cli.batch.inputs.companions import HINTS_MARK
        from colorize_cli.batch.inputs.make_plan import make_plan
        from colorize_cli.imaging.codecs.stored_xmp import read_provenance
        from colorize_cli.inference.variants import require_distribution
        from colorize_cli.registry import get

    entry = get(options.model)  # an unknown name is told before a long folder is listed
    if options.variants is not None:
        require_distribution(entry)
    stdin, stdout = _streams(words, options, as_json=as_json)

    def is_ours(path: Path) -> bool:
        given = options.hints_per_photo and path.stem.endswith(HINTS_MARK)
        return given or read_provenance(path) is not None

    plan = make_plan(words, options, is_our_result=is_ours)
    results = Results()
    if options.retry is not None and not len(plan):
        console.say(f"No photo failed in '{options.retry}': nothing to retry.")
    if options.dry_run:
        return _dry_run(plan, options, console, results, as_json=as_json)
    return _colorize(plan, options, console, results, stdin, stdout, as_json=as_json).exit_code


def _streams(words: list[str], options: "ColorizeOptions", *, as_json: bool) -> tuple[BinaryIO | None, BinaryIO | None]:
    """Return the standard streams that carry image bytes; refuse a terminal there, and JSON in one stream with them."""
    from colorize_cli.batch.inputs.sources import STANDARD_STREAM

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


def _dry_run(plan: "Plan", options: "ColorizeOptions", console: Console, results: Results, *, as_json: bool) -> int:
    from colorize_cli.batch.reports.outcome import Report, json_line
    from colorize_cli.batch.resume import dry_run

    report = Report(strict=options.strict)
    for outcome in dry_run(plan, options):
        report.add(outcome)
        if as_json:
            results.line(json_line(outcome.row() | {"dry_run": True}).encode("ascii"))
            continue
        name, target = os.fspath(outcome.source or "-"), os.fspath(outcome.target or "-")
        state = outcome.status.replace("_", " ")
        says = f"{name} -> {target}" if outcome.status == "done" else f"{name}: {state}: {outcome.reason}"
        results.line(os.fsencode(says) + b"\n")
    counts = {"to colorize": report.done, "to skip": report.skipped, "that cannot be read": report.failed}
    planned = ", ".join(f"{number} {what}" for what, number in counts.items() if number) or "nothing to do"
    console.say(f"Planned: {planned}. Nothing was written.")
    if line := report.not_read_line():
        console.say(line)
    return report.exit_code


def _colorize(
    plan: "Plan", options: "ColorizeOptions", console: Console, results: Results,
    stdin: BinaryIO | None, stdout: BinaryIO | None, *, as_json: bool,
) -> "Report":  # fmt: skip
    from colorize_cli.batch.engine import Batch
    from colorize_cli.batch.reports.gallery import Gallery
    from colorize_cli.batch.reports.outcome import json_line
    from colorize_cli.batch.reports.run_files import RunFiles
    from colorize_cli.batch.resume import make_predictor
    from colorize_cli.batch.under_way import UnderWay, folder_of
    from colorize_cli.cli.terminal.interrupt import graceful_interrupt
    from colorize_cli.cli.terminal.progress import run_progress
    from colorize_cli.cli.terminal.run_summary import RunSummary
    from colorize_cli.compute import available_cores

    files, gallery, summary = RunFiles(options), Gallery(options), RunSummary(options)
    with run_progress(plan.photos, "photos", shown=not console.quiet) as progress:
        progress.loading(f"loading model {options.model}")
        cluster = _cluster(plan, options)
        with without_collections():
            predictor = make_predictor(plan, options) if cluster is None else None
        ready = cluster or predictor
        with (
            contextlib.closing(cluster) if cluster is not None else contextlib.nullcontext(),
            files,
            graceful_interrupt() as interrupt,
            UnderWay(folder_of(options.report_file) if cluster is None else None) as under_way,
        ):
            if ready is not None and ready.description:
                console.say(f"Colorizing with {options.model} on {ready.description}.")

            def on_outcome(outcome: "Outcome") -> None:
                if outcome.status != "passed_over":
                    progress.end(outcome.status)
                summary.add(outcome)
                tell(outcome, console)
                if as_json:
                    results.line(json_line(outcome.row()).encode("ascii"))
                else:
                    _print_paths(outcome, results, console)
                files.add(outcome)
                gallery.add(outcome)

            try:
                if predictor is not None:
                    batch = Batch(
                        predictor, options, stop=interrupt.stop, stdin=stdin, stdout=stdout,
                        on_start=lambda source: progress.begin("standard input" if source is None else source.name),
                        under_way=under_way,
                    )  # fmt: skip
                    report = batch.run(plan, on_outcome)
                elif cluster is not None:
                    report = cluster.run(plan, on_outcome, interrupt.stop)
            except KeyboardInterrupt:
                _abort()
        elapsed = progress.elapsed
    report.interrupted = interrupt.happened
    page = gallery.write()
    if page is not None:
        console.say(f"Gallery of the least certain results: {page}")
    elif gallery.kept_earlier:
        console.say(f"'{options.gallery}' was left as it is: it shows more photos than this run has colorized.")
    summarize(report, summary, elapsed, batch.times.elapsed if predictor is not None else elapsed, console)
    if report.done and predictor is not None:
        console.detailed_lines(batch.times.summary(available_cores(), report.done))
    if as_json:
        results.line(json_line({"summary": report.counts(), "exit_code": report.exit_code}).encode("ascii"))
    return report


def _cluster(plan: "Plan", options: "ColorizeOptions") -> "ClusterBatch | None":
    """Return the cluster that runs the plan, connected and checked, or None without --cluster."""
    if options.cluster is None:
        return None
    from colorize_cli.batch.cluster.dask_batch import ClusterBatch

    return ClusterBatch(options, plan)


def _print_paths(outcome: "Outcome", results: Results, console: Console) -> None:
    """Write the paths of results to stdout; on a terminal only with -v, where the summary names the place."""
    from colorize_cli.cli.terminal.run_summary import names_of

    for path in names_of(outcome):
        LOG.write(f"Done: {path}")
        if console.verbose or not results.on_terminal:
            results.path(path)


def tell(outcome: "Outcome", console: Console) -> None:
    """Print what the user should know about one photo."""
    from colorize_cli.batch.reports.outcome import ALREADY_DONE, failure_lines
    from colorize_cli.inference.reference import NOT_ALIKE

    for note in outcome.notes:
        if note.startswith(NOT_ALIKE):  # which photographs these are is of use; other notes are of their kind
            console.say(f"Note: '{outcome.source or 'standard input'}': {note}")
        else:
            console.say_once(f"Note: {note}")
    if outcome.status == "failed":
        console.error(f"Failed: {failure_lines([outcome])[0]}")
        if outcome.traceback:
            console.detailed_lines(outcome.traceback)
    elif outcome.status == "passed_over":
        console.detail(f"Not read: '{outcome.source}': {outcome.reason}")
    elif outcome.status == "skipped":
        line = f"Skipped: '{outcome.source}': {outcome.reason}"
        if outcome.target is not None and outcome.reason != ALREADY_DONE:
            console.warn(line)
        else:
            console.detail(line)


def summarize(report: "Report", summary: "RunSummary", elapsed: float, working: float, console: Console) -> None:
    """Print how a run ended; ``elapsed``, ``working``: seconds of the whole run, and of it without loading."""
    for line in summary.lines(report, elapsed, working):
        console.say(line)
    if report.interrupted and report.not_reached:
        console.warn("Interrupted. Run the same command with --skip-existing to resume.")
    elif report.stopped_by is not None:
        console.error(f"The run was stopped: {report.stopped_by}")


def _abort() -> None:
    """Leave at once: threads deep in a codec or in torch would hold the program, or crash it on its way out."""
    sys.stdout.flush()
    print("Aborted.", file=sys.stderr, flush=True)
    if threading.active_count() > 1:
        os._exit(130)
    raise SystemExit(130)
