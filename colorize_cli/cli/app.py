"""The ``colorize`` application: its commands, the verb that may be left out, and errors in plain words.

Commands are mounted here; their modules import nothing heavy at module level, so that ``--help`` answers at once.
A library that cannot be imported becomes one line that says what to install.
"""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from colorize_cli._version import __version__
from colorize_cli.cli import bench, colorize, evaluate, models, recover, report, review, train
from colorize_cli.cli.console import fail, printable
from colorize_cli.cli.help_groups import GroupedCommand
from colorize_cli.errors import EXIT_INTERRUPTED, ColorizeError, LibraryMissing

VERB = "colorize"
_OWN_OPTIONS = frozenset({"--help", "-h", "--version", "--install-completion", "--show-completion"})

EPILOG = """\b
Examples:
  colorize photo.jpg                        photo-color.jpg beside it
  colorize scans/ -o results/               a folder, its tree mirrored
  colorize scans/ -o results/ --skip-existing
                                            goes on where a run stopped
  colorize - < photo.jpg > color.jpg        as a filter

`colorize colorize -h` lists every option of colorizing."""


class VerbOptional(TyperGroup):
    """A command group whose ``colorize`` may be left out, and that turns errors into one message and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb in where the first word is neither a command nor an option of the program itself."""
        if not args and not ctx.resilient_parsing:
            args = ["--help"]
        elif args and args[0] not in self.commands and args[0] not in _OWN_OPTIONS:
            args = [VERB, *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; errors the user can act on end in a message and their exit code, all others stay loud."""
        try:
            return super().invoke(ctx)
        except ColorizeError as error:
            fail(error)
            sys.exit(error.exit_code)
        except ImportError as error:
            missing = missing_library(error)
            if missing is None:
                raise
            fail(missing)
            sys.exit(missing.exit_code)
        except KeyboardInterrupt:
            print("Interrupted.", file=sys.stderr)
            sys.exit(EXIT_INTERRUPTED)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete commands, and for an option also those of ``colorize``, whose verb may be left out."""
        items = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            items += self.commands[VERB].shell_complete(ctx, incomplete)
        return items


app = typer.Typer(
    cls=VerbOptional,
    help="Color for black-and-white photographs: `colorize PHOTO... [-o OUT]`.",
    epilog=EPILOG,
    subcommand_metavar="PHOTO... | COMMAND ...",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # rich doubles the time --help takes
    pretty_exceptions_enable=False,
)
app.command("colorize", cls=GroupedCommand)(colorize.colorize)
app.command("review")(review.review)
app.command("recover")(recover.recover)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("bench")(bench.bench)
app.add_typer(models.app, name="models")
app.add_typer(report.app, name="report")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"colorize {printable(__version__)}")
        raise typer.Exit()


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Color for black-and-white photographs and scans; the verb `colorize` may be left out."""


_PACKAGES = {
    "cv2": "opencv-python",
    "PIL": "pillow",
    "torch": "torch",
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "safetensors": "safetensors",
    "tifffile": "tifffile",
    "timm": "timm",
    "torchvision": "torchvision",
    "huggingface_hub": "huggingface_hub",
    "matplotlib": "matplotlib",
    "platformdirs": "platformdirs",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
}


def missing_library(error: ImportError) -> LibraryMissing | None:
    """Return what to tell the user about a failed import, or ``None`` where it is a mistake of this program."""
    text = str(error)
    module = (error.name or "").partition(".")[0]
    if "libGL" in text or "libgthread" in text or "libglib" in text or (module == "cv2" and "shared object" in text):
        return LibraryMissing(
            f"OpenCV cannot be loaded ({text.strip()}).",
            "Either `pip uninstall -y opencv-python && pip install opencv-python-headless`, "
            "or install the system packages (Debian, Ubuntu: `apt-get install libgl1 libglib2.0-0`).",
        )
    if module not in _PACKAGES:
        return None
    return LibraryMissing(f"{module} cannot be loaded ({text.strip()}).", f"`pip install {_PACKAGES[module]}`.")
