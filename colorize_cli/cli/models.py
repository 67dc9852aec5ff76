"""``colorize models``: what there is, and whether its weights are sound; the Hub's commands are in ``hub``."""

import json as json_module
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from colorize_cli.cli import model_files
from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results, fail
from colorize_cli.errors import EXIT_OK, ModelError, most_serious

if TYPE_CHECKING:
    from colorize_cli.entry import ModelEntry

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
    from colorize_cli.registry import ENTRIES

    results = Results()
    if json:
        results.line(_json([_facts(entry) for entry in ENTRIES.values()]))
        return
    width = max(map(len, ENTRIES))
    for entry in ENTRIES.values():
        ready = _state(entry)
        results.line(f"{entry.name:<{width}}  {ready:<9}  {entry.title}\n".encode())


@app.command("show")
def show(name: Name, weights: common.Weights = None, json: common.Json = False) -> None:
    """Show the facts of one model and of its weights."""
    from colorize_cli.registry import get

    facts = _facts(get(name)) | _card(get(name), weights)
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


def _facts(entry: "ModelEntry") -> dict[str, Any]:
    from colorize_cli.checkpoints.locate import bundled_path

    path = bundled_path(entry)
    if path is None and entry.hub:
        from colorize_cli.checkpoints.hub.pins import seen_in_cache

        path = next((found for file in entry.hub.values() if (found := seen_in_cache(file)) is not None), None)
    published = {
        key: {"reference": str(file), "sha256": file.sha256, "size": file.size, "licence": file.licence}
        for key, file in entry.hub.items()
    }
    return {
        "name": entry.name,
        "title": entry.title,
        "paper": entry.paper,
        "variants": list(entry.variants),
        "objective": entry.objective,
        "color_space": entry.color_space,
        "input_size": entry.input_size,
        "fit": entry.fit,
        "parameters": entry.parameters,
        "licence": entry.licence or None,
        "published": published,
        "original": entry.original and entry.original.url,
        "weights": None if path is None else os.fspath(path),
    }


def _state(entry: "ModelEntry") -> str:
    """Return in a word where the model's weights are."""
    if _facts(entry)["weights"]:
        return "ready"
    if entry.hub:
        return "on Hub"
    return "convert" if entry.original else "untrained"


def _card(entry: "ModelEntry", weights: str | None) -> dict[str, Any]:
    """Return what the checkpoint says about itself, or nothing where the model has none."""
    from colorize_cli.checkpoints.locate import bundled_path, find_weights

    if weights is None and bundled_path(entry) is None:
        return {}
    from colorize_cli.checkpoints.foreign import open_checkpoint

    path = find_weights(entry, weights, offline=True)
    info = open_checkpoint(path, entry).info
    return {
        "weights": os.fspath(path),
        "variant": info.variant,
        "recipe": info.recipe,
        "data": dict(info.data),
        "validation": dict(info.validation),
        "trained_with_version": info.version,
    }


def _json(value: Any) -> bytes:
    return (json_module.dumps(value, indent=2) + "\n").encode("ascii")
