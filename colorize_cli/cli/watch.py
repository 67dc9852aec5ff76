"""``colorize watch IN -o OUT``: colorize photographs as they arrive in a folder."""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.cli.options import MessageOptions, Preset, with_options
from colorize_cli.cli.startup import wait_briefly, without_collections
from colorize_cli.cli.terminal.console import Console, Results
from colorize_cli.errors import LibraryMissing, UsageProblem
from colorize_cli.option import Option

if TYPE_CHECKING:
    from colorize_cli.batch.reports.outcome import Outcome, Report
    from colorize_cli.batch.under_way import UnderWay
    from colorize_cli.batch.watch import WatchedFolder

WATCH = "Watching"
_TICK_MS = 300
_POLL_MS = 1000

Folder = Annotated[Path | None, Option("Folder to watch, with its subfolders", metavar="FOLDER", argument=True)]
Settle = Annotated[
    float,
    Option(
        "Colorize a file once its size and time have not changed for this long", WATCH, metavar="SECONDS", least=0,
        everyday=True,
    ),
]  # fmt: skip
Retries = Annotated[
    int, Option("Try failed photos again this many times, 10 s apart", WATCH, metavar="N", least=0, everyday=True)
]
Poll = Annotated[
    bool,
    Option("Look every second instead of waiting for events; always on network drives on Linux", WATCH, everyday=True),
]


@with_options
def watch(
    ctx: typer.Context,
    options: ColorizeOptions,
    messages: MessageOptions,
    folder: Folder = None,
    settle: Settle = 2.0,
    retries: Retries = 3,
    poll: Poll = False,
    preset: Preset = None,
) -> None:
    """Colorize photographs as they arrive in a folder, those already there first. Ctrl-C or SIGTERM ends it."""
    if folder is None:
        if os.path.lexists("watch"):
            raise UsageProblem(
                "'watch' is a command.", "Write `colorize ./watch` to colorize the folder or file 'watch'."
            )
        raise UsageProblem("No folder was named.", "Write `colorize watch IN -o OUT`.")
    raise typer.Exit(_watch(folder, options, messages, ctx, settle=settle, retries=retries, poll=poll))


def _watch(
    folder: Path, options: ColorizeOptions, messages: MessageOptions, ctx: typer.Context,
    *, settle: float, retries: int, poll: bool,
) -> int:  # fmt: skip
    changes = _library()
    from dataclasses import replace

    from colorize_cli.batch.reports.outcome import Report
    from colorize_cli.batch.reports.run_files import RunFiles
    from colorize_cli.batch.resume import load_predictor
    from colorize_cli.batch.under_way import UnderWay, folder_of
    from colorize_cli.batch.watch import WatchedFolder, remote_kind
    from colorize_cli.cli.terminal.interrupt import graceful_interrupt

    options = replace(options, skip_existing=True)
    watched = WatchedFolder(folder, options, settle=settle, retries=retries)
    console, results, files, total = messages.console(ctx), Results(), RunFiles(options), Report()
    wait_briefly()
    with without_collections():
        predictor = load_predictor(options)
    with files, graceful_interrupt() as interrupt, UnderWay(folder_of(options.report_file)) as under_way:

        def on_outcome(outcome: "Outcome") -> None:
            _tell(outcome, watched.ended(outcome), console, results, as_json=messages.json)
            files.add(outcome)

        console.say(f"Watching '{folder}' with {options.model} on {predictor.description}. Results: {options.output}")
        if not poll and (kind := remote_kind(folder)):
            console.say(f"The folder is on a network drive ({kind}), so it is checked every second.")
            poll = True
        watched.look()
        for found in changes(
            folder, watch_filter=None, stop_event=interrupt.stop, yield_on_timeout=True, rust_timeout=_TICK_MS,
            debounce=_TICK_MS, force_polling=poll or None, poll_delay_ms=_POLL_MS, raise_interrupt=False,
        ):  # fmt: skip
            watched.notice(Path(name) for _, name in found)
            _colorize(watched, predictor, options, interrupt.stop, on_outcome, total, under_way)
            if total.stopped_by is not None:
                break
    return _finish(watched, total, console)


def _library() -> Any:
    try:
        from watchfiles import watch as changes
    except ImportError as error:
        raise LibraryMissing("watchfiles is not installed; watch needs it.", "Run `pip install watchfiles`.") from error
    return changes


class _Following(threading.Event):
    """An event that also counts as set where another is: every run of a batch sets its own at its end."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Whether this one or the other is set."""
        return super().is_set() or self._other.is_set()


def _colorize(
    watched: "WatchedFolder",
    predictor: Any,
    options: ColorizeOptions,
    stop: threading.Event,
    on_outcome: Any,
    total: "Report",
    under_way: "UnderWay",
) -> None:
    """Colorize what is complete by now, and add it to the counts."""
    from colorize_cli.batch.engine import Batch
    from colorize_cli.batch.inputs.plan import Plan

    items = watched.ready()
    if items and not stop.is_set():
        report = Batch(predictor, options, stop=_Following(stop), under_way=under_way).run(Plan(items), on_outcome)
        total.done, total.skipped = total.done + report.done, total.skipped + report.skipped
        total.stopped_by = report.stopped_by


def _tell(outcome: "Outcome", outlook: str, console: Console, results: Results, *, as_json: bool) -> None:
    from colorize_cli.batch.reports.outcome import failure_lines, json_line
    from colorize_cli.cli.terminal.run_summary import names_of

    for note in outcome.notes:
        console.say_once(f"Note: {note}")
    if as_json:
        results.line(json_line(outcome.row()).encode("ascii"))
    else:
        for path in names_of(outcome):
            results.path(path)
    if outcome.status == "failed":
        console.error(f"Failed: {failure_lines([outcome])[0]} {outlook}")
    elif outcome.status == "skipped":
        console.detail(f"Skipped: '{outcome.source}': {outcome.reason}")


def _finish(watched: "WatchedFolder", total: "Report", console: Console) -> int:
    total.failed = len(watched.failed)
    console.say(f"Watching ended: {total.summary()}.")
    for path in watched.failed:
        console.say(f"  failed: {path}")
    if total.stopped_by is not None:
        console.error(f"The run was stopped: {total.stopped_by}")
    return total.exit_code
