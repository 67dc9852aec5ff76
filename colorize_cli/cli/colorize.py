"""``colorize PHOTO...``: its options; the run itself is in ``run``."""

import difflib
from pathlib import Path
from typing import Annotated, Any

import typer

from colorize_cli.cli import options as common
from colorize_cli.cli.batch_run import run
from colorize_cli.cli.console import Console
from colorize_cli.errors import UsageProblem

RESULTS, COLORS, REVIEW, RUNS = "Results", common.COLORS, "Review", "Long runs"
"""Headings under which ``--help`` lists the options (``rich_help_panel``)."""


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
            rich_help_panel=RESULTS,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing results.", rich_help_panel=RESULTS)
    ] = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Go on where an earlier run stopped.", rich_help_panel=RESULTS)
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Colorize also what is in color already.", rich_help_panel=RESULTS),
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            help="jpeg, png, tiff, webp, avif ... [default: as the photo]", show_default=False, rich_help_panel=RESULTS
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            help="1 to 100, for lossy formats. [default: as the photo]", show_default=False, rich_help_panel=RESULTS
        ),
    ] = None,
    lossless_luma: Annotated[
        bool,
        typer.Option(
            "--lossless-luma",
            help="Keep the gray channel of JPEG scans bit for bit; `colorize recover` takes it out again.",
            rich_help_panel=RESULTS,
        ),
    ] = False,
    model: common.Model = "gan",
    weights: common.Weights = None,
    strength: Annotated[
        float, typer.Option(help="Share of the predicted color that is applied, 0 to 1.", rich_help_panel=COLORS)
    ] = 1.0,
    vividness: Annotated[
        float | None,
        typer.Option(
            help="How far rare, vivid colors are preferred. [default: the model's]",
            show_default=False,
            rich_help_panel=COLORS,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="PIXELS[,PIXELS...]",
            help="Working size; of several, the median color is taken. [default: the model's]",
            show_default=False,
            rich_help_panel=COLORS,
        ),
    ] = None,
    hints: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURE|FOLDER|beside",
            help="Colors of places in the photo: a picture that is transparent or gray elsewhere. "
            "A folder, or beside: NAME-hints.png of each photo.",
            rich_help_panel=COLORS,
        ),
    ] = None,
    temperature: common.Temperature = None,
    fallback: common.Fallback = None,
    score_blur: common.ScoreBlur = None,
    smoothing: common.Smoothing = None,
    paper_iterations: common.PaperIterations = None,
    variants: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Several plausible colorizations, 2 to 9, and a contact sheet, NAME-variants.jpg.",
            rich_help_panel=REVIEW,
        ),
    ] = None,
    confidence_map: Annotated[
        bool,
        typer.Option(
            "--confidence-map",
            help="Write NAME-confidence.png beside each result: dark where the model is guessing.",
            rich_help_panel=REVIEW,
        ),
    ] = False,
    side_by_side: Annotated[
        bool,
        typer.Option(
            "--side-by-side",
            help="Write NAME-sidebyside.jpg beside each result: scan and color with a caption.",
            rich_help_panel=REVIEW,
        ),
    ] = False,
    from_review: Annotated[
        Path | None,
        typer.Option(
            "--from-review",
            metavar="review.jsonl",
            help="Write the photos accepted in `colorize review` to the folder of -o.",
            rich_help_panel=REVIEW,
        ),
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Write a page to compare gray and color, least certain first.",
            rich_help_panel=REVIEW,
        ),
    ] = None,
    gallery_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How many photos the page shows. [default: 200]",
            show_default=False,
            rich_help_panel=REVIEW,
        ),
    ] = None,
    offline: common.Offline = False,
    accept_license: common.AcceptLicense = False,
    seed: common.Seed = None,
    device: common.Device = "auto",
    precision: common.Precision = "auto",
    jobs: common.Jobs = None,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Fewer photos at a time where 4GB, say, asks for it.", rich_help_panel=common.MACHINE
        ),
    ] = None,
    max_megapixels: Annotated[
        float, typer.Option(help="Larger photos are refused.", rich_help_panel=common.MACHINE)
    ] = 500.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.", rich_help_panel=RUNS)
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write one JSON line a photo here, as it ends.", metavar="FILE", rich_help_panel=RUNS),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="[TEXT]",
            help="Put a small visible notice on results. [without a text: Colorized]",
            show_default=False,
            rich_help_panel=RESULTS,
        ),
    ] = None,
    label_position: Annotated[
        str | None,
        typer.Option(
            metavar="CORNER|below",
            help="bottom-right (default), bottom-left, top-right, top-left, or below the picture, in a margin.",
            show_default=False,
            rich_help_panel=RESULTS,
        ),
    ] = None,
    label_font: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Font of the notice: a TrueType or OpenType file, for scripts that the default font lacks.",
            show_default=False,
            rich_help_panel=RESULTS,
        ),
    ] = None,
    strip: Annotated[
        bool,
        typer.Option(
            "--strip",
            help="Leave out all metadata but provenance, color profile and resolution.",
            rich_help_panel=RESULTS,
        ),
    ] = False,
    sidecar: Annotated[
        bool,
        typer.Option("--sidecar", help="Copy the .xmp beside a photo, with provenance.", rich_help_panel=RESULTS),
    ] = False,
    keep_borders: Annotated[
        bool,
        typer.Option(
            "--keep-borders",
            help="Show the model the black or white borders of a scan too, not only the picture inside.",
            rich_help_panel=COLORS,
        ),
    ] = False,
    retry: Annotated[
        Path | None,
        typer.Option(
            help="Only what failed in this earlier report, which is continued.", metavar="FILE", rich_help_panel=RUNS
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            help="Only this share of the photos, with a report of its own; auto asks SLURM or torchrun.",
            metavar="I/N|auto",
            rich_help_panel=RUNS,
        ),
    ] = None,
    failed_list: Annotated[
        Path | None,
        typer.Option(help="Write the names of failed photos here.", metavar="FILE", rich_help_panel=RUNS),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with 1 if a file in a folder could not be read.", rich_help_panel=RUNS),
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|local",
            help="Run on a Dask cluster that sees the same files: tcp://HOST:8786.",
            show_default=False,
            rich_help_panel=RUNS,
        ),
    ] = None,
    files_from: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-",
            help="A list of photos, one a line or NUL-separated; the same as @FILE.",
            rich_help_panel=RUNS,
        ),
    ] = None,
    json: common.Json = False,
    quiet: common.Quiet = False,
    verbose: common.Verbose = False,
) -> None:
    """Colorize photographs at full resolution, their tones untouched. The originals are never changed."""
    from colorize_cli.batch.colorize_options import ColorizeOptions
    from colorize_cli.batch.inputs.sources import InputNotFound

    options = ColorizeOptions(
        model=model, output=output, overwrite=overwrite, skip_existing=skip_existing, force=force,
        label=label, label_position=label_position, label_font=label_font, strip=strip, sidecar=sidecar,
        keep_borders=keep_borders, format=format, quality=quality,
        max_megapixels=max_megapixels, device=device, precision=precision, weights=weights, seed=seed,
        strength=strength, vividness=vividness, size=_sizes(size), hints=hints,
        temperature=temperature, fallback=fallback, score_blur=score_blur, smoothing=smoothing,
        paper_iterations=paper_iterations, offline=offline,
        accept_license=accept_license, jobs=jobs, memory_limit=memory_limit, dry_run=dry_run, report=report,
        failed_list=failed_list, lossless_luma=lossless_luma, cluster=cluster, retry=retry, shard=shard,
        variants=variants, confidence_map=confidence_map, side_by_side=side_by_side, gallery=gallery,
        gallery_size=gallery_size, strict=strict,
    )  # fmt: skip
    console = Console(quiet=quiet, verbose=verbose)
    commands = list(getattr(ctx.parent.command, "commands", ())) if ctx.parent else []
    try:
        words = [*(photos or []), *([f"@{files_from}"] if files_from is not None else [])]
        if from_review is not None:
            from colorize_cli.cli.from_review import run_from_review

            if words:
                raise UsageProblem("--from-review names its photos itself.", "Leave out the photos.")
            code = run_from_review(from_review, options, console, as_json=json)
        else:
            code = run(words, options, console, as_json=json)
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
