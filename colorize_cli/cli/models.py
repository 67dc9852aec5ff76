"""``colorize models``: what there is, and whether its weights are sound; the Hub's commands are in ``hub``."""

import json as json_module
import os
from typing import Annotated, Any

import typer

from colorize_cli.cli import model_files
from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results, fail
from colorize_cli.errors import EXIT_OK, ModelError, most_serious

app = typer.Typer(
    help="List the models; verify, fetch, convert, export and publish them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("export")(model_files.export)
model_files.register(app)

Name = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.",
                                     autocompletion=common.complete_model)]  # fmt: skip


@app.command("list")
def list_models(json: common.Json = False) -> None:
    """List the models."""
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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        results.line(f"{line.rstrip()}\n".encode())


@app.command("show")
def show(name: Name, weights: common.Weights = None, json: common.Json = False) -> None:
    """Show the facts of one model and of its weights."""
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


@app.command("verify")
def verify(
    name: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="Name of the model. [default: all with weights]", show_default=False,
                       autocompletion=common.complete_model),
    ] = None,
    weights: common.Weights = None,
    json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:  # fmt: skip
    """Check that weights are whole, fit their model, and are the published ones."""
    from colorize_cli.checkpoints.verify import verify as check
    from colorize_cli.registry import ENTRIES, get

    if name is None and weights is not None:
        raise typer.BadParameter("--weights needs the name of its model.")
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
            results.line(f"{entry.name}: sound ({found.sha256[:16]}, {found.size / 1e6:.1f} MB)\n".encode())
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
