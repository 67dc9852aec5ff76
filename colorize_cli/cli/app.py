"""The ``colorize`` application: its commands, the verb that may be left out, and errors in plain words.

Commands are mounted here; their modules import nothing heavy at module level, so that ``--help`` answers at once.
A library that cannot be imported becomes one line that says what to install.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from colorize_cli._version import __version__
from colorize_cli.cli.terminal.console import fail
from colorize_cli.cli.terminal.help_groups import CommandGroup, OptionsCommand
from colorize_cli.errors import (
    EXIT_INTERRUPTED,
    ColorizeError,
    HubError,
    LibraryMissing,
    OutOfMemory,
    OutputError,
    TemporaryFolderError,
    printable,
)

VERB = "colorize"
_OWN_OPTIONS = frozenset({"--help", "-h", "--version", "--install-completion", "--show-completion"})

EXAMPLES = """Examples:
  colorize photo.jpg                             photo-color.jpg beside it
  colorize scans/ -o results/                    a folder and its subfolders
  colorize scans/ -o results/ --skip-existing    resume an interrupted run
  colorize - < photo.jpg > color.jpg             as a filter
"""


COMMANDS = {
    "colorize": ("colorize:colorize", "Colorize photographs at full resolution and keep their tones."),
    "watch": ("watch:watch", "Colorize photographs as they arrive in a folder, those already there first."),
    "review": (
        "review:review", "Look at results in the browser, correct their colors, accept or reject them."
    ),
    "recover": (
        "recover:recover", "Restore the gray scan from a result of --lossless-luma, with exactly its original pixels."
    ),
    "train": ("train:train", "Train a model on color photographs."),
    "evaluate": (
        "evaluate:evaluate",
        "Measure models on color photographs: grayed, colorized, and compared with the truth and two baselines.",
    ),
    "bench": ("bench:bench", "Time colorizing on this machine."),
    "config": ("config:app", "Show the options from colorize.toml, the environment and presets."),
    "models": ("models:app", "List models; download, verify, convert, export and publish weights."),
    "report": ("report:app", "Merge the reports of several runs."),
}  # fmt: skip
"""Every command: where it is defined, and the first sentence of its help. A module is imported when it is needed."""


class _Commands(dict[str, Any]):
    """The commands by name, each imported when it is asked for."""

    def __missing__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        module, _, attribute = COMMANDS[name][0].partition(":")
        found = getattr(importlib.import_module(f"colorize_cli.cli.{module}"), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(rich_markup_mode=None, add_completion=False)
            single.command(name, cls=OptionsCommand)(found)
            found = single
        command = typer.main.get_command(found)
        command.name = name
        self[name] = command
        return command

    def get(self, name: str, default: Any = None) -> Any:
        """Return a command, or ``default``."""
        return self[name] if name in COMMANDS else default

    def __iter__(self) -> Any:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def items(self) -> Any:
        """Return names and commands, all of them imported."""
        return {name: self[name] for name in COMMANDS}.items()

    def values(self) -> Any:
        """Return the commands, all of them imported."""
        return {name: self[name] for name in COMMANDS}.values()


def _is_picture(name: str) -> bool:
    """Whether a file of this name is an image, or looks like one."""
    if not os.path.isfile(name):  # noqa: PTH113 - Path.is_file() raises for names too long
        return False
    from colorize_cli.batch.inputs.kinds import kind_of

    return kind_of(Path(name)) is None


class VerbOptional(CommandGroup):
    """A command group whose ``colorize`` may be left out, and that turns errors into one message and an exit code."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.commands = _Commands()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands to the help without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb in where the first word is neither a command nor an option of the program itself."""
        if not args and not ctx.resilient_parsing:
            args = ["--help"]
        elif args and args[0] not in self.commands and args[0] not in _OWN_OPTIONS:
            args = [VERB, *args]
        elif args and not ctx.resilient_parsing and _is_picture(args[0]):
            print(f"Note: '{args[0]}' is a command. For the photo of that name, use ./{args[0]}", file=sys.stderr)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help that most people need: the everyday options of ``colorize``, the commands, and examples."""
        formatter.write("Usage: colorize PHOTO... [-o OUT] [OPTIONS]\n       colorize COMMAND ...\n")
        self.format_help_text(ctx, formatter)
        verb: Any = self.commands[VERB]
        verb.write_options(verb.context_class(verb, info_name=VERB, parent=ctx), formatter, everything=False)
        self.format_commands(ctx, formatter)
        formatter.write(f"\n{EXAMPLES}")

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
        except Exception as error:
            told = of_the_system(error)
            if told is None:
                raise
            fail(told)
            sys.exit(told.exit_code)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete commands, and for an option also those of ``colorize``, whose verb may be left out."""
        items = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            items += self.commands[VERB].shell_complete(ctx, incomplete)
        return items


app = typer.Typer(
    cls=VerbOptional,
    help="Color for black-and-white photographs and scans, at full resolution. The originals are never changed.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # rich doubles the time --help takes
    pretty_exceptions_enable=False,
)


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
    """Color for black-and-white photographs and scans, at full resolution. The originals are never changed."""


def of_the_system(error: Exception) -> ColorizeError | None:
    """Return what to tell the user about a machine that refuses to go on, or ``None`` where it is a mistake of ours."""
    import os
    import sqlite3

    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return OutOfMemory("There is not enough memory for this.", "Give --jobs 1, or use a machine with more memory.")
    if isinstance(error, sqlite3.OperationalError):
        return TemporaryFolderError(
            f"The list of photos cannot be kept in the folder for temporary files: {error}.",
            "Free some space there, or name another folder in TMPDIR.",
        )
    if isinstance(error, ValueError) and (endpoint := os.environ.get("HF_ENDPOINT")):
        from colorize_cli.checkpoints.hub.endpoint import is_address

        if not is_address(endpoint):
            return HubError(
                "HF_ENDPOINT is not the address of a server.", "Set it to https://HOST, or unset it to use the Hub."
            )
    if isinstance(error, OSError):
        place = f"'{error.filename}': " if error.filename else ""
        return OutputError(f"{place}{error.strerror or error}.", "Check the folder, its permissions and the disk.")
    return None


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
            "Either `pip uninstall -y opencv-python && "
            "pip install --force-reinstall --no-deps opencv-python-headless`, "
            "or install the system packages (Debian, Ubuntu: `apt-get install libgl1 libglib2.0-0`).",
        )
    if module not in _PACKAGES:
        return None
    return LibraryMissing(f"{module} cannot be loaded ({text.strip()}).", f"`pip install {_PACKAGES[module]}`.")
