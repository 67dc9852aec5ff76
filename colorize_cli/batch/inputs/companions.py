"""What is written beside a result: the confidence map, further variants and their contact sheet.

The first variant is the result that is written without ``--variants``; the others and a contact sheet are beside it.
Part of the plan, so that names are checked before any work.
"""

import os
from pathlib import Path
from typing import Any

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.sources import RESULT_MARK

CONFIDENCE_MARK = "-confidence"
HINTS_MARK = "-hints"
SHEET_MARK = "-variants"
PAIR_MARK = "-sidebyside"
_FIRST = f"{RESULT_MARK}-1"


def confidence_path(target: Path, options: ColorizeOptions) -> Path:
    """Return where the confidence map of the result at ``target`` lies: ``photo-confidence.png``."""
    stem = target.stem.removesuffix(RESULT_MARK) if options.variants is None else original_stem(target)
    return target.with_name(f"{stem}{CONFIDENCE_MARK}.png")


def pair_path(target: Path, options: ColorizeOptions) -> Path:
    """Return where scan and color in one picture are: ``photo-sidebyside.jpg``."""
    stem = target.stem.removesuffix(RESULT_MARK) if options.variants is None else original_stem(target)
    return target.with_name(f"{stem}{PAIR_MARK}.jpg")


def results_of(target: Path, options: ColorizeOptions) -> list[Path]:
    """Return the results of a photograph: ``target``, or its variants, which ``target`` is the first of."""
    return [target] if options.variants is None else variant_paths(target, options.variants)


def companions(target: Path, options: ColorizeOptions) -> list[Path]:
    """Return every file that is written beside the result at ``target``."""
    paths = [confidence_path(target, options)] if options.confidence_map else []
    if options.side_by_side:
        paths.append(pair_path(target, options))
    if options.variants is not None:
        paths += [*results_of(target, options)[1:], sheet_path(target)]
    return paths


def has_companions(options: ColorizeOptions) -> bool:
    """Return whether anything is written beside results."""
    return bool(companions(Path("x.png"), options))


def missing(target: Path, options: ColorizeOptions) -> list[Path]:
    """Return those companions of a result that do not exist yet."""
    return [path for path in companions(target, options) if not os.path.lexists(path)]


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
    """Return the columns of the report: the names of all variants, which are beside ``output``, and of the sheet."""
    return {"variants": [path.name for path in variant_paths(first, count)], "contact_sheet": sheet_path(first).name}
