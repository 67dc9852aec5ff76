"""``colorize evaluate PHOTO...``: compare models on color photographs, compare results, build and read studies."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results
from colorize_cli.errors import EXIT_OK, EXIT_SOME_FAILED, UsageProblem

if TYPE_CHECKING:
    from colorize_cli.evaluation.session import EvaluateOptions
    from colorize_cli.evaluation.study.study_page import StudyOptions

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", "-m", metavar="MODEL[=WEIGHTS]", help="Model to evaluate; several are compared. [default: gan]",
        show_default=False, autocompletion=common.complete_model,
    ),
]  # fmt: skip


def evaluate(
    photos: Annotated[
        list[Path] | None, typer.Argument(metavar="PHOTO", help="Color photographs: files, folders, .zip archives.")
    ] = None,
    model: Models = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Weights instead of the bundled ones; several for one -m.", metavar="FILE|FOLDER"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for rows, summary and HTML report.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")] = False,
    protocol: Annotated[
        str, typer.Option(help="native, stretch256, crop256, or a paper's own; `docs/metrics.md` lists them.")
    ] = "stretch256",
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Evaluate on N of the photographs, chosen by --seed.")
    ] = None,
    vividness: Annotated[
        list[float] | None, typer.Option(help="Vividness; several values are compared with each other.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Working size of the models in pixels. [default: each model's]")
    ] = None,
    temperature: common.Temperature = None,
    fallback: common.Fallback = None,
    score_blur: common.ScoreBlur = None,
    smoothing: common.Smoothing = None,
    paper_iterations: common.PaperIterations = None,
    known_pixels: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Give models the true color of so many pixels, 0 to 1, as hints."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of --known-pixels, --limit, intervals, and studies.")] = 0,
    fid: Annotated[bool, typer.Option("--fid", help="Also FID (needs the extra `metrics`).")] = False,
    kid: Annotated[bool, typer.Option("--kid", help="Also KID (needs the extra `metrics`).")] = False,
    realism: Annotated[
        bool,
        typer.Option("--realism", help="Also KID and top-1 agreement by an ImageNet network (extra `encoder`)."),
    ] = False,
    lpips: Annotated[
        list[str] | None, typer.Option(metavar="alex|vgg", help="Also LPIPS (needs the extra `metrics`).")
    ] = None,
    export: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Write the summary as .json, .csv or .md, by its ending.")
    ] = None,
    report: Annotated[bool, typer.Option(help="Write report.html into the results folder.")] = True,
    study: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a user study as a page.")] = None,
    study_kind: Annotated[
        str, typer.Option(help="fool (real or artificial?), prefer (which of two models?), rate (1 to 5).")
    ] = "fool",
    study_trials: Annotated[int, typer.Option(metavar="N", help="Questions of a study.")] = 40,
    exposure: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Hide the pictures of a study after so long.")
    ] = None,
    study_results: Annotated[
        list[Path] | None, typer.Option(metavar="FILE...", help="Evaluate saved answers instead of photographs.")
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(metavar="A B", help="Compare two results folders instead.")
    ] = None,
    offline: common.Offline = False,
    accept_license: common.AcceptLicense = False,
    device: common.Device = "auto",
    precision: common.Precision = "auto",
    batch: Annotated[int, typer.Option(help="Photographs predicted together.")] = 8,
    jobs: common.Jobs = None,
    json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:
    """Measure models on color photographs: grayed, colorized, and compared with the truth and two baselines."""
    exports = export or []
    if study_results:
        # The shell turns `--study-results *.json` into one option and a row of arguments.
        _study_results([*study_results, *(photos or [])], exports, as_json=json, overwrite=overwrite, seed=seed)
        raise typer.Exit(EXIT_OK)
    if compare:
        _compare(*compare, exports, as_json=json, overwrite=overwrite, seed=seed)
        raise typer.Exit(EXIT_OK)
    from colorize_cli.compute import available_cores
    from colorize_cli.evaluation.contenders import pair_with_weights
    from colorize_cli.evaluation.session import EvaluateOptions
    from colorize_cli.evaluation.study.study_page import StudyOptions

    choices = {
        "temperature": temperature, "fallback": fallback, "score_blur": score_blur, "smoothing": smoothing,
        "paper_iterations": paper_iterations,
    }  # fmt: skip
    options = EvaluateOptions(
        places=photos or [], models=pair_with_weights(model or ["gan"], weights or []), protocol=protocol,
        output=output, overwrite=overwrite, vividness=vividness or [], size=size, limit=limit, seed=seed,
        device=device, precision=precision, batch=batch, workers=jobs or available_cores(), fid=fid, kid=kid,
        realism=realism, lpips=lpips or [], known_pixels=known_pixels, offline=offline, accept_license=accept_license,
        decoding={name: value for name, value in choices.items() if value is not None},
    )  # fmt: skip
    study_options = StudyOptions(study_kind, study_trials, exposure, seed)
    console = Console(quiet=quiet)
    raise typer.Exit(
        _evaluate(options, console, exports, study, study_options, with_report=report, as_json=json, quiet=quiet)
    )


def _evaluate(
    options: "EvaluateOptions",
    console: Console,
    exports: list[Path],
    study: Path | None,
    study_options: "StudyOptions",
    *,
    with_report: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    from colorize_cli.cli.console import progress_bar
    from colorize_cli.evaluation import outputs
    from colorize_cli.evaluation.distributed import shard_from
    from colorize_cli.evaluation.report import metric_tables
    from colorize_cli.evaluation.session import run
    from colorize_cli.evaluation.summary import summarize

    _check_exports(exports, overwrite=options.overwrite)
    if study is not None:
        outputs.check_target(study, overwrite=options.overwrite)
    shard = shard_from(os.environ)
    session = run(options, shard, lambda total, unit: progress_bar(total, unit, shown=not quiet))
    evaluation = session.evaluation
    if evaluation is None:
        console.say(f"Rank {shard.rank} of {shard.world} is done; the last one merges.")
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
        _print_table(metric_tables.as_rich(evaluation, summary))
    if evaluation.failures:
        console.warn(f"{len(evaluation.failures)} of {len(evaluation.results)} photographs failed and count nowhere.")
        return EXIT_SOME_FAILED
    return EXIT_OK


def _check_exports(exports: list[Path], *, overwrite: bool) -> None:
    from colorize_cli.evaluation import outputs
    from colorize_cli.tables import check_export

    for path in exports:
        check_export(path)
        outputs.check_target(path, overwrite=overwrite)


def _print_table(table: Any) -> None:
    from rich.console import Console as RichConsole

    # A table cut to 80 columns is no result: without a terminal it is as wide as it needs to be.
    RichConsole(width=None if sys.stdout.isatty() else 1000).print(table)


def _compare(a: Path, b: Path, exports: list[Path], *, as_json: bool, overwrite: bool, seed: int) -> None:
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
        _print_table(comparing.as_table(differences))


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
