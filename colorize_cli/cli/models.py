"""``colorize models``: list, show and verify; the commands about files are in ``model_files``."""

import json as json_module
import os
import shutil
import textwrap
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from colorize_cli.cli import model_files
from colorize_cli.cli.options import Json, Quiet, Weights, with_options
from colorize_cli.cli.terminal.console import Console, Results, fail
from colorize_cli.cli.terminal.help_groups import CommandGroup, OptionsCommand
from colorize_cli.errors import EXIT_OK, ModelError, most_serious
from colorize_cli.option import Option

app = typer.Typer(
    cls=CommandGroup,
    help="List models; download, verify, convert, export and publish weights.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
model_files.register(app)

Name = model_files.Name


@app.command("list", cls=OptionsCommand)
@with_options
def list_models(json: Json = False) -> None:
    """List the models, those that are ready to use first."""
    from colorize_cli.checkpoints.facts import model_facts, weights_state
    from colorize_cli.registry import ENTRIES

    results, facts = Results(), [model_facts(entry) for entry in ENTRIES.values()]
    if json:
        results.line(_json(facts))
        return
    rows = [
        (
            row["name"],
            weights_state(ENTRIES[row["name"]]),
            _count(row["parameters"]),
            row["encoder"] or "-",
            row["objective"],
            ". ".join([row["title"], *(note.rstrip(".") for note in row["notes"])]),
        )
        for row in facts
    ]
    rows.sort(key=lambda row: row[1] != "ready")
    for line in _wrapped(rows) if results.on_terminal else _aligned(rows):
        results.line(f"{line.rstrip()}\n".encode())


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return one line per model, as wide as it needs to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]


def _wrapped(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the models within the width of the terminal: name, state and parameters before lines of text."""
    columns = shutil.get_terminal_size().columns
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    lines = []
    for *head, encoder, objective, text in rows:
        first = "  ".join(f"{cell:<{width}}" for cell, width in zip(head, widths, strict=True)) + "  "
        facts = [f"{text}.", f"Encoder: {encoder}." if encoder != "-" else "", f"Objective: {objective}."]
        text = " ".join(filter(None, facts))
        lines += textwrap.wrap(
            text, columns - 1, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
        )
    return lines


@app.command("show", cls=OptionsCommand)
@with_options
def show(name: Name, weights: Weights = None, json: Json = False) -> None:
    """Show the properties of a model and its weights."""
    from colorize_cli.checkpoints.facts import checkpoint_facts, model_facts
    from colorize_cli.registry import get

    entry = get(name)
    card = checkpoint_facts(entry, weights)
    variant = card.get("variant")
    facts = model_facts(entry, variant if variant in entry.variants else None) | card
    results = Results()
    if json:
        results.line(_json(facts))
        return
    width = max(map(len, facts))
    for key, value in facts.items():
        text = json_module.dumps(value) if isinstance(value, dict | list) else "-" if value is None else str(value)
        results.line(f"{key.replace('_', ' '):<{width}}  {text}\n".encode(errors="surrogateescape"))


@app.command("verify", cls=OptionsCommand)
@with_options
def verify(
    name: Annotated[
        str | None, Option("Name of the model", metavar="MODEL", argument=True, unset="all with bundled weights")
    ] = None,
    weights: Weights = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check that weights are complete, fit their model, and match the published file."""
    from colorize_cli.checkpoints.verify import verify as check
    from colorize_cli.registry import ENTRIES, get

    if name is None and weights is not None:
        raise typer.BadParameter("--weights needs the name of a model.")
    entries = [get(name)] if name else [entry for entry in ENTRIES.values() if entry.bundled]
    console, results, codes, rows = Console(quiet=quiet), Results(), [EXIT_OK], []
    for entry in entries:
        try:
            found = check(entry, weights)
        except ModelError as error:
            fail(error)
            codes.append(error.exit_code)
            rows.append({"model": entry.name, "sound": False, "reason": str(error)})
            continue
        rows.append(
            {"model": entry.name, "sound": True, "path": os.fspath(found.path), "sha256": found.sha256,
             "size": found.size}
        )  # fmt: skip
        if not json:
            results.line(f"{entry.name}: verified ({found.sha256[:16]}, {found.size / 1e6:.1f} MB)\n".encode())
        console.detail(str(found.path))
    if json:
        results.line(_json(rows))
    raise typer.Exit(most_serious(codes))


def _count(parameters: int) -> str:
    """Return a number of parameters for a list, ``-`` for models without any."""
    if parameters >= 1_000_000:
        return f"{parameters / 1e6:.1f} M"
    return f"{parameters / 1e3:.0f} k" if parameters else "-"


def _json(value: Any) -> bytes:
    return (json_module.dumps(value, indent=2) + "\n").encode("ascii")
