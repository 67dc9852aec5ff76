"""What is written beside a result: the confidence map, further variants and their contact sheet.

Part of the plan, so that names are checked before any work.
"""

import os
from pathlib import Path

from colorize_cli.inference.options import ColorizeOptions
from colorize_cli.inference.sources import RESULT_MARK
from colorize_cli.inference.variants import original_stem, sheet_path, variant_paths

CONFIDENCE_MARK = "-confidence"
HINTS_MARK = "-hints"


def confidence_path(target: Path, options: ColorizeOptions) -> Path:
    """Return where the confidence map of the result at ``target`` lies: ``photo-confidence.png``."""
    stem = target.stem.removesuffix(RESULT_MARK) if options.variants is None else original_stem(target)
    return target.with_name(f"{stem}{CONFIDENCE_MARK}.png")


def results_of(target: Path, options: ColorizeOptions) -> list[Path]:
    """Return the results of a photograph: ``target``, or its variants, which ``target`` is the first of."""
    return [target] if options.variants is None else variant_paths(target, options.variants)


def companions(target: Path, options: ColorizeOptions) -> list[Path]:
    """Return every file that is written beside the result at ``target``."""
    paths = [confidence_path(target, options)] if options.confidence_map else []
    if options.variants is not None:
        paths += [*results_of(target, options)[1:], sheet_path(target)]
    return paths


def has_companions(options: ColorizeOptions) -> bool:
    """Return whether anything is written beside results."""
    return bool(companions(Path("x.png"), options))


def missing(target: Path, options: ColorizeOptions) -> list[Path]:
    """Return those companions of a result that do not exist yet."""
    return [path for path in companions(target, options) if not os.path.lexists(path)]
