"""``--variants N``: what the files of several colorizations of one photograph are called, and what they record.

The first variant is the result that there is without the option; the others and a contact sheet lie beside it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from colorize_cli.entries.base import ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.metadata import Provenance
from colorize_cli.inference.sources import RESULT_MARK

FEWEST, MOST = 2, 9
SHEET_MARK = "-variants"
_FIRST = f"{RESULT_MARK}-1"
_WHICH = "variant"


def first_variant(target: Path) -> Path:
    """Return where the first variant goes of what would be at ``target`` alone: ``photo-color-1.jpg``."""
    return target.with_name(f"{target.stem.removesuffix(RESULT_MARK)}{_FIRST}{target.suffix}")


def original_stem(first: Path) -> str:
    """Return what the names of all files about a photograph begin with, given that of its first variant."""
    return first.stem.removesuffix(_FIRST)


def is_first_variant(path: Path) -> bool:
    """Whether a result was planned as the first of several."""
    return path.stem.endswith(_FIRST)


def variant_path(first: Path, number: int) -> Path:
    """Return where variant ``number``, from 1, lies, given the first."""
    return first.with_name(f"{original_stem(first)}{RESULT_MARK}-{number}{first.suffix}")


def variant_paths(first: Path, count: int) -> list[Path]:
    """Return where the variants lie."""
    return [variant_path(first, number) for number in range(1, count + 1)]


def sheet_path(first: Path) -> Path:
    """Return where the contact sheet lies: ``photo-variants.jpg``."""
    return first.with_name(f"{original_stem(first)}{SHEET_MARK}.jpg")


def described_variants(first: Path, count: int) -> dict[str, Any]:
    """Return the columns of the report: the names of all variants, which lie beside ``output``, and of the sheet."""
    return {"variants": [path.name for path in variant_paths(first, count)], "contact_sheet": sheet_path(first).name}


def recorded_variant(count: int | None, seed: int | None) -> dict[str, str]:
    """Return what the provenance of the first of ``count`` variants says about that; nothing where there is one."""
    return {} if count is None else {_WHICH: f"1 of {count}", "seed": str(seed or 0)}


def of_variant(provenance: Provenance, which: int | str) -> Provenance:
    """Return the provenance of variant ``which``, or of the ``"sheet"``, given that of the first."""
    if _WHICH not in provenance.parameters:
        return provenance
    _, _, count = provenance.parameters[_WHICH].partition(" ")
    return replace(provenance, parameters=provenance.parameters | {_WHICH: f"{which} {count}"})


def same_but_for_variant(one: Provenance | None, other: Provenance) -> bool:
    """Whether two files come from the same model, weights and options, whichever variants they are."""
    return one is not None and of_variant(one, 1) == of_variant(other, 1)


def require_distribution(entry: ModelEntry, *, predicted: bool | None = None) -> None:
    """Raise :class:`UsageProblem` for a model that knows one color only.

    ``predicted``: whether the loaded network predicts a distribution, where that is known better than from the entry.
    """
    if entry.distribution if predicted is None else predicted:
        return
    from colorize_cli.registry import ENTRIES

    able = [f"-m {other.name}" for other in ENTRIES.values() if other.distribution]
    what = f"Model {entry.name!r}" if not entry.distribution else f"This architecture of {entry.name!r}"
    raise UsageProblem(
        f"{what} predicts one color, not several with their probabilities: it has no variants.",
        f"Use {', '.join(able)}.",
    )
