"""Options that several commands share, each written once."""

from pathlib import Path
from typing import Annotated

import typer


def complete_model(incomplete: str) -> list[str]:
    """Complete the names of the models."""
    from colorize_cli.registry import ENTRIES

    return [name for name in ENTRIES if name.startswith(incomplete)]


Model = Annotated[
    str,
    typer.Option("--model", "-m", help="Model; `models list` shows them.", autocompletion=complete_model),
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="Weights to use instead of the bundled or published ones: a file, a folder, "
        "hf://owner/repo/file@revision, or the name of a published checkpoint.",
        metavar="FILE|FOLDER|hf://...",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Never ask the Hub; use what is cached.")]
AcceptLicense = Annotated[
    bool, typer.Option("--accept-license", help="Agree to weights that are not for commercial use.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", help="Photos read and written at a time. [default: cores]", show_default=False),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only warnings and errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more; tracebacks of unexpected errors.")]
Json = Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")]
Report = Annotated[Path | None, typer.Option(help="Write one JSON line per photo here.", metavar="FILE")]
