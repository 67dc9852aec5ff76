"""Options that several commands share, each written once."""

from typing import Annotated

import typer

MODEL, COLORS, MACHINE, MESSAGES = "Model", "Colors", "Machine", "Messages"
"""Headings under which the help of ``colorize`` lists these options."""


def complete_model(incomplete: str) -> list[str]:
    """Complete the names of the models."""
    from colorize_cli.registry import ENTRIES

    return [name for name in ENTRIES if name.startswith(incomplete)]


Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="Model; `models list` shows them.", autocompletion=complete_model, rich_help_panel=MODEL
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="Weights to use instead of the bundled or published ones: a file, a folder, "
        "hf://owner/repo/file@revision, or the name of a published checkpoint.",
        metavar="FILE|FOLDER|hf://...",
        rich_help_panel=MODEL,
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Never ask the Hub; use what is cached.", rich_help_panel=MODEL)
]
AcceptLicense = Annotated[
    bool,
    typer.Option("--accept-license", help="Agree to weights that are not for commercial use.", rich_help_panel=MODEL),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        help="From the likeliest color (0) to the mean of all (1), where models classify.", rich_help_panel=COLORS
    ),
]
Fallback = Annotated[
    float | None,
    typer.Option(
        metavar="PROBABILITY",
        help="Average similar colors where no color is likelier than this (-m classifier).",
        rich_help_panel=COLORS,
    ),
]
ScoreBlur = Annotated[
    float | None,
    typer.Option(
        metavar="SIGMA", help="Blur the scores of colors, in pixels, where models classify.", rich_help_panel=COLORS
    ),
]
PaperIterations = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Solve the paper's own equations, with at most N steps of its solver (-m ols, ridge, lasso, elasticnet; "
        "by default hints are spread along lightness, and the four models do the same).",
        rich_help_panel=COLORS,
    ),
]
Smoothing = Annotated[
    float | None,
    typer.Option(
        metavar="WEIGHT",
        help="Make areas of one color, by total variation, where models offer it.",
        rich_help_panel=COLORS,
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=MACHINE)]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.", rich_help_panel=MACHINE)]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.", rich_help_panel=MACHINE)]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        help="Photos under way at a time. [default: cores + 1]",
        show_default=False,
        rich_help_panel=MACHINE,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, only warnings and errors.", rich_help_panel=MESSAGES)
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more; tracebacks of unexpected errors.", rich_help_panel=MESSAGES)
]
Json = Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.", rich_help_panel=MESSAGES)]
