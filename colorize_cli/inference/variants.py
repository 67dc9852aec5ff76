"""``--variants N``: what the files of several colorizations of one photograph record."""

from dataclasses import replace

from colorize_cli.entry import ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.inference.reference import without_match

_WHICH = "variant"


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
    if one is None:
        return False
    first, second = of_variant(one, 1), of_variant(other, 1)
    return replace(first, parameters=without_match(first.parameters)) == second


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
        f"{what} predicts a single color for each pixel, so it has no variants.",
        f"Use {', '.join(able)}.",
    )
