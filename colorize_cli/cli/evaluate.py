"""``colorize evaluate PHOTO...``: compare models on color photographs, compare results, build and read studies."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from colorize_cli.cli.options import Json, Quiet, with_options
from colorize_cli.cli.terminal.console import Console, Results
from colorize_cli.errors import EXIT_OK, EXIT_SOME_FAILED, UsageProblem
from colorize_cli.evaluation.evaluate_options import RESULTS, STUDY, EvaluateOptions, StudyOptions
from colorize_cli.option import Option

if TYPE_CHECKING:
    from colorize_cli.evaluation.session import Progress

Export = Annotated[
    tuple[Path, ...],
    Option(
        "Write the summary to a .json, .csv or .md file; may be repeated",
        RESULTS,
        metavar="FILE",
        many=True,
        in_file=False,
    ),
]
Everything = Annotated[
    bool, Option("Show every metric; without it, the six main ones", RESULTS, ("--all",), everyday=True, in_file=False)
]
WithReport = Annotated[bool, Option("Do not write report.html into the results folder", RESULTS, ("--report",))]
Study = Annotated[Path | None, Option("Write a user study as a web page", STUDY, metavar="FILE.html", in_file=False)]
StudyResults = Annotated[
    tuple[Path, ...],
    Option("Evaluate these saved answers instead of photographs", STUDY, metavar="FILE...", many=True, in_file=False),
]


@with_options
def evaluate(
    options: EvaluateOptions,
    study_options: StudyOptions,
    export: Export = (),
    report: WithReport = True,
    everything: Everything = False,
    study: Study = None,
    study_results: StudyResults = (),
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A B", help="Compare two results folders instead.", rich_help_panel=RESULTS),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure models on color photographs: grayed, colorized, and compared with the truth and two baselines."""
    exports = list(export or ())
    choices: dict[str, Any] = {"as_json": json, "overwrite": options.overwrite, "seed": options.seed}
    if study_results:
        # The shell turns `--study-results *.json` into one option and a row of arguments.
        _study_results([*study_results, *options.places], exports, **choices)
        raise typer.Exit(EXIT_OK)
    if compare:
        _compare(*compare, exports, everything=everything, **choices)
        raise typer.Exit(EXIT_OK)
    study_options = replace(study_options, seed=options.seed)
    console = Console(quiet=quiet)
    raise typer.Exit(
        _evaluate(
            options,
            console,
            exports,
            study,
            study_options,
            with_report=report,
            as_json=json,
            quiet=quiet,
            everything=everything,
        )
    )


def _evaluate(
    options: EvaluateOptions,
    console: Console,
    exports: list[Path],
    study: Path | None,
    study_options: StudyOptions,
    *,
    with_report: bool,
    as_json: bool,
    quiet: bool,
    everything: bool,
) -> int:
    from colorize_cli.evaluation import outputs
    from colorize_cli.evaluation.report import metric_tables
    from colorize_cli.evaluation.session import run, shard_from
    from colorize_cli.evaluation.summary import summarize

    _check_exports(exports, overwrite=options.overwrite)
    if study is not None:
        outputs.check_target(study, overwrite=options.overwrite)
    shard = shard_from(os.environ)
    session = run(options, shard, _progress(shown=not quiet))
    evaluation = session.evaluation
    if evaluation is None:
        console.say(f"Rank {shard.rank} of {shard.world} is done; the last rank merges the results.")
        return EXIT_OK
    for failure in evaluation.failures:
        console.warn(failure.error)
    summary = summarize(evaluation, seed=options.seed)
    if options.output is not None:
        outputs.write_results(options.output, session, evaluation, summary, report=with_report)
        console.say(f"Results: {options.output}")
    for path in exports:
        metric_tables.export(path, evaluation, summary)
    if study is not None:
        questions = outputs.write_study(study, session, evaluation, study_options)
        console.say(f"Study with {questions} questions: {study}")
    if as_json:
        Results().line(metric_tables.as_json(evaluation, summary).encode())
    else:
        for table in metric_tables.as_rich(evaluation, summary, width=_width(), everything=everything):
            _print_table(table)
    if evaluation.failures:
        console.warn(f"{len(evaluation.failures)} of {len(evaluation.results)} photographs failed and are not counted.")
        return EXIT_SOME_FAILED
    return EXIT_OK


def _progress(*, shown: bool) -> "Progress":
    """Return what shows the progress of a phase, ``Surveyed`` or ``Evaluated``."""
    from colorize_cli.cli.terminal.progress import run_progress

    @contextmanager
    def phase(total: int, label: str) -> Iterator[Callable[[], None]]:
        with run_progress(total, "photos", shown=shown, plain=True, label=label) as progress:
            yield progress.end

    return phase


def _check_exports(exports: list[Path], *, overwrite: bool) -> None:
    from colorize_cli.evaluation import outputs
    from colorize_cli.tables import check_export

    for path in exports:
        check_export(path)
        outputs.check_target(path, overwrite=overwrite)


def _width() -> int | None:
    """Return the width of the terminal; None without one, where a table is as wide as it needs to be."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _print_table(table: Any) -> None:
    from rich.console import Console as RichConsole

    RichConsole(width=_width() or 1000, highlight=False).print(table)


def _compare(
    a: Path, b: Path, exports: list[Path], *, as_json: bool, overwrite: bool, seed: int, everything: bool
) -> None:
    from colorize_cli.evaluation import compare as comparing
    from colorize_cli.evaluation.results import load
    from colorize_cli.tables import export

    _check_exports(exports, overwrite=overwrite)
    differences = comparing.compare(load(a), load(b), seed=seed)
    writers = {".json": comparing.as_json, ".csv": comparing.as_csv, ".md": comparing.as_markdown}
    for path in exports:
        export(path, {ending: partial(write, differences) for ending, write in writers.items()}, parents=True)
    if as_json:
        Results().line(comparing.as_json(differences).encode())
    else:
        _print_table(comparing.as_table(differences, everything=everything))


def _study_results(paths: list[Path], exports: list[Path], *, as_json: bool, overwrite: bool, seed: int) -> None:
    from colorize_cli.evaluation.study import answers as studying
    from colorize_cli.files import write_text
    from colorize_cli.tables import rich_table

    wrong = [path for path in exports if path.suffix.lower() != ".json"]
    if wrong:
        raise UsageProblem(f"--export {wrong[0]}: study results are written as .json only.")
    _check_exports(exports, overwrite=overwrite)
    result = studying.evaluate_answers(studying.read_answers(paths), seed=seed)
    for path in exports:
        write_text(path, studying.as_json(result), parents=True)
    if as_json:
        Results().line(studying.as_json(result).encode())
    else:
        titles = ["", "", "", "95 % interval", "over raters", "answers"]
        _print_table(rich_table(titles, studying.as_rows(result), title=studying.headline(result)))
