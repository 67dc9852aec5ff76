"""``colorize --from-review review.jsonl -o final/``: what was accepted on the page, written at full size."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_cli.cli.terminal.console import Console, Results
from colorize_cli.errors import OutputExists, UsageProblem

if TYPE_CHECKING:
    from colorize_cli.batch.colorize_options import ColorizeOptions
    from colorize_cli.batch.reports.outcome import Outcome
    from colorize_cli.review.decisions import Decision

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
