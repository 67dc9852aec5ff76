"""The one place that knows a model's facts: name -> :class:`ModelEntry`.

Adding a model is one file in ``models/`` and one entry in ``entries/``. Entries are plain data and importing this
module imports no torch; :meth:`ModelEntry.build` does.
"""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from colorize_cli.entries import brown, butoliya_mondal, hultgren, hwang_zhou, published, zhou_zhu, zhou_zhu_classic
from colorize_cli.entries.base import Fit, HubFile, ModelEntry, OriginalFile, Variant
from colorize_cli.errors import UnknownModel

__all__ = ["DEFAULT_MODEL", "ENTRIES", "Fit", "HubFile", "ModelEntry", "OriginalFile", "Variant", "get"]

_GROUPS = (
    brown.ENTRIES,
    butoliya_mondal.ENTRIES,
    hwang_zhou.ENTRIES,
    zhou_zhu.ENTRIES,
    zhou_zhu_classic.ENTRIES,
    hultgren.ENTRIES,
    published.ENTRIES,
)

ENTRIES: Mapping[str, ModelEntry] = MappingProxyType({entry.name: entry for group in _GROUPS for entry in group})
DEFAULT_MODEL = "gan"


def get(name: str) -> ModelEntry:
    """Return the entry called ``name``; raises :class:`UnknownModel` with the names there are and the nearest one."""
    if name in ENTRIES:
        return ENTRIES[name]
    near = difflib.get_close_matches(name, ENTRIES, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise UnknownModel(f"There is no model {name!r}.", f"{hint}Models: {', '.join(ENTRIES)}.")
