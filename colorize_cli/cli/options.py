"""Options of the command line alone: messages, presets, and those of commands without a dataclass of their own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from colorize_cli.cli.settings import described_presets
from colorize_cli.cli.terminal.console import LOG, Console
from colorize_cli.compute import PRECISIONS
from colorize_cli.option import HARDWARE, MESSAGES, MODEL, Option

JSON = Option("Print results as JSON on standard output", MESSAGES, in_file=False)
QUIET = Option("Print warnings and errors only", MESSAGES, ("--quiet", "-q"), everywhere=True)

Json = Annotated[bool, JSON]
Quiet = Annotated[bool, QUIET]
Model = Annotated[str, Option("Model; `colorize models list` shows all", MODEL, ("--model", "-m"), "MODEL")]
Weights = Annotated[
    str | None,
    Option(
        "Weights to use: a file, a folder, hf://OWNER/REPO/FILE@REVISION, or the name of a published checkpoint",
        MODEL,
        metavar="FILE|FOLDER|hf://...",
        unset="the model's own",
    ),
]
Offline = Annotated[bool, Option("Never access the network; use cached weights", MODEL, everywhere=True)]
AcceptLicense = Annotated[
    bool, Option("Accept the license of weights that forbid commercial use", MODEL, in_file=False)
]
Device = Annotated[str, Option("auto, cpu, cuda, cuda:N or mps", HARDWARE, metavar="DEVICE", everywhere=True)]
Precision = Annotated[
    str, Option("Arithmetic: auto, fp32, bf16 or fp16", HARDWARE, metavar="NAME", choices=PRECISIONS, everywhere=True)
]
Overwrite = Annotated[bool, Option("Replace existing files", in_file=False)]
Preset = Annotated[str | None, Option(f"Set of options ({described_presets()})", "Output", metavar="NAME")]


@dataclass(frozen=True, kw_only=True)
class MessageOptions:
    """What a run of several photographs prints, and where."""

    json: Annotated[bool, JSON] = False
    quiet: Annotated[bool, QUIET] = False
    verbose: Annotated[
        bool,
        Option("Print every path, skipped photos, timings and tracebacks", MESSAGES, ("--verbose", "-v"),
               everywhere=True),
    ] = False  # fmt: skip
    log_file: Annotated[
        Path | None, Option("Append every message, with its time, to this file", MESSAGES, metavar="FILE")
    ] = None

    def console(self, ctx: typer.Context) -> Console:
        """Return the console that these options ask for; the log file is closed with the program."""
        if self.log_file is not None:
            LOG.open(self.log_file)
            ctx.find_root().call_on_close(LOG.close)
        return Console(quiet=self.quiet, verbose=self.verbose)
