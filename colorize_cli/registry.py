"""The list of all models: name -> :class:`~colorize_cli.entry.ModelEntry`.

Adding a model is one folder in ``models/``, or one file in a paper's folder, and one line. Entries are plain data and
importing this module imports no torch; :meth:`~colorize_cli.entry.ModelEntry.build` does.
"""

import difflib
from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType

from colorize_cli.entry import DEFAULT_MODEL, ModelEntry
from colorize_cli.errors import UnknownModel
from colorize_cli.models.brown import entry as brown
from colorize_cli.models.butoliya_mondal import entry as butoliya_mondal
from colorize_cli.models.hultgren import entry as hultgren
from colorize_cli.models.hwang_zhou import entry as hwang_zhou
from colorize_cli.models.published import entry as published
from colorize_cli.models.zhou_zhu import entry as zhou_zhu

_GROUPS = (
    brown.ENTRIES,
    butoliya_mondal.ENTRIES,
    hwang_zhou.ENTRIES,
    zhou_zhu.ENTRIES,
    hultgren.ENTRIES,
    published.ENTRIES,
)


def by_name(entries: Iterable[ModelEntry]) -> Mapping[str, ModelEntry]:
    """Return entries by their names, in order; raises ValueError for duplicate names."""
    found: dict[str, ModelEntry] = {}
    for entry in entries:
        if entry.name in found:
            raise ValueError(f"two models are called {entry.name!r}: {found[entry.name].paper}; {entry.paper}")
        found[entry.name] = entry
    return MappingProxyType(found)


__all__ = ["DEFAULT_MODEL", "ENTRIES", "get"]

ENTRIES: Mapping[str, ModelEntry] = by_name(chain.from_iterable(_GROUPS))


def get(name: str) -> ModelEntry:
    """Return the entry called ``name``; raises :class:`UnknownModel` with the list of names and the closest match."""
    if name in ENTRIES:
        return ENTRIES[name]
    near = difflib.get_close_matches(name, ENTRIES, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise UnknownModel(f"There is no model {name!r}.", f"{hint}Models: {', '.join(ENTRIES)}.")
