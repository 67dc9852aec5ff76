"""Generate the parts of the docs that come from code: model tables in README.md and docs/models.md, and docs/cli.md.

python tools/docs.py

Each generated part is between `<!-- name: begin -->` and `<!-- name: end -->`; everything else is unchanged.
Measurements come from docs/models.toml.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from colorize_cli.checkpoints.locate import bundled_index, bundled_path, used_variant
from colorize_cli.cli.app import app
from colorize_cli.entry import ModelEntry
from colorize_cli.registry import ENTRIES

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "docs" / "models.toml"
COLUMNS = {"quality": "quality", "seconds": "CPU seconds per forward pass (× `gan` `light`)", "memory": "memory"}
WIDTH = 96
"""Characters of a line of help."""


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def plain(text: str) -> str:
    """Return text with escaped asterisks, since a*b* is not emphasis."""
    return text.replace("*", "\\*")


def source(entry: ModelEntry) -> str:
    """Return a short description of the source of an entry's weights."""
    if bundled_path(entry) is not None:
        return "included"
    if entry.hub:
        return "download"
    return "convert the authors' file" if entry.original else "train it"


def readme_models() -> str:
    """Return the table of models of the README: each described for the weights that would be used."""
    rows = []
    for entry in ENTRIES.values():
        described = entry.described(used_variant(entry))
        what = described.title + (f"; encoder: {described.encoder}" if described.encoder else "")
        rows.append([f"`{entry.name}`", plain(what), entry.paper, source(entry)])
    return table(["name", "what it is", "paper", "weights"], rows)


def all_variants() -> str:
    """Return the table of every variant, its properties and the source of its weights."""
    rows = []
    for entry in ENTRIES.values():
        for name, spec in entry.variants.items():
            described = entry.described(name)
            rows.append(
                [
                    f"`{entry.name}`",
                    f"`{name}`" + (" (default of `train`)" if name == entry.default_variant and spec.recipes else ""),
                    described.encoder or "none",
                    plain(described.objective),
                    f"{described.parameters:,}" if described.parameters else "none",
                    weights(entry, name),
                    plain(" ".join(described.notes)),
                    entry.paper,
                ]
            )
    return table(["model", "variant", "encoder", "objective", "parameters", "weights", "notes", "paper"], rows)


def weights(entry: ModelEntry, variant: str) -> str:
    """Return the source of a variant's weights, with size and licence."""
    bundled = None if entry.bundled is None else bundled_index().get(entry.bundled)
    if bundled is not None and variant == bundled.variant:
        size = f"{bundled.size / 1e6:.1f} MB" if bundled.size >= 1e5 else f"{bundled.size / 1e3:.1f} kB"
        return f"included, {size} ([card](../weights/{bundled.card}))"
    if entry.hub and variant == entry.default_variant:
        sizes = sorted({f"{file.size / 1e6:.0f} MB" for file in entry.hub.values() if file.size})
        repositories = ", ".join(f"`{file.repo}`" for file in entry.hub.values())
        return ", ".join(["Hub: " + repositories, *sizes, entry.licence])
    if entry.original is not None:
        return f"`colorize models convert`, {entry.original.size / 1e6:.0f} MB, {entry.licence}"
    return "train it"


def measured_variants() -> str:
    """Return the table of measurements by model and variant."""
    found: Mapping[str, Mapping[str, Mapping[str, str]]] = tomllib.loads(MEASURED.read_text(encoding="utf-8"))
    rows = []
    for model, variants in found.items():
        for variant, figures in variants.items():
            ENTRIES[model].variant(variant)
            if unknown := figures.keys() - COLUMNS.keys():
                raise SystemExit(f"{MEASURED.name}: {model}.{variant} has no column {', '.join(sorted(unknown))}.")
            rows.append([f"`{model}`", f"`{variant}`", *(figures.get(column, "not measured") for column in COLUMNS)])
    return table(["model", "variant", *COLUMNS.values()], rows)


def commands() -> str:
    """Return every command with its full help."""
    parts = [
        f"## {' '.join(('colorize', *path))}\n\n```text\n{text}\n```"
        for path, text in _helps(typer.main.get_command(app), ())
    ]
    return "\n\n".join(parts)


def _helps(command: Any, path: tuple[str, ...], parent: Any = None) -> Iterator[tuple[tuple[str, ...], str]]:
    name = path[-1] if path else "colorize"
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = command.context_class(command, info_name=name, parent=parent, **settings)
    # Commands that show only common options by default have an option to show all.
    everything = getattr(command, "help_text", None)
    text = command.get_help(context) if everything is None else everything(context, everything=True)
    yield path, "\n".join(line.rstrip() for line in text.strip().splitlines())
    for child, subcommand in getattr(command, "commands", {}).items():
        yield from _helps(subcommand, (*path, child), context)


PARTS: Mapping[Path, Mapping[str, Callable[[], str]]] = {
    Path("README.md"): {"models": readme_models},
    Path("docs/models.md"): {"models": all_variants, "measured": measured_variants},
    Path("docs/cli.md"): {"commands": commands},
}
"""Page -> name of a generated part -> function that generates it."""


def updated(page: str, parts: Mapping[str, Callable[[], str]], name: str) -> str:
    """Return the text of a page with its generated parts updated."""
    for part, make in parts.items():
        pattern = re.compile(rf"(<!-- {part}: begin -->\n).*?(<!-- {part}: end -->)", re.DOTALL)
        if len(pattern.findall(page)) != 1:
            raise SystemExit(f"{name} needs one pair of markers `<!-- {part}: begin -->`, `<!-- {part}: end -->`.")
        text = make()
        page = pattern.sub(lambda match, text=text: f"{match[1]}\n{text}\n\n{match[2]}", page)
    return page


def main() -> None:
    """Write the generated parts of all pages."""
    for path, parts in PARTS.items():
        page = ROOT / path
        before = page.read_text(encoding="utf-8")
        after = updated(before, parts, str(path))
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main()
