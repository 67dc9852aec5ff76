"""``--hints FOLDER`` and ``--hints beside``: the strokes that belong to each photograph, ``NAME-hints.png``.

With ``--skip-existing``, other strokes make a photograph due again, and so does another ``--reference``.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from colorize_cli.batch.colorize_options import BESIDE, ColorizeOptions
from colorize_cli.batch.inputs.companions import HINTS_MARK
from colorize_cli.batch.inputs.plan import Item
from colorize_cli.batch.inputs.sources import RESULT_MARK
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.inference.hints import Hints, hints_digest, read_hints
from colorize_cli.inference.reference import without_match

_NAME, _REFERENCE = "hints", "reference"


class HintFiles:
    """Finds and reads the hints of each photograph; none where the run has one picture of hints, or none at all.

    ``beside``: beside the result, else beside the scan. A folder: under the photograph's own path in it, as far as that
    is mirrored there. Any thread may call.
    """

    def __init__(self, options: ColorizeOptions) -> None:
        self._options = options
        names = {_NAME: options.hints_per_photo, _REFERENCE: options.reference is not None}
        self._watched = frozenset(name for name, given in names.items() if given)
        self._read = lru_cache(maxsize=8)(_read)

    def path(self, item: Item) -> Path | None:
        """Return where the hints of a photograph are; None where it has none."""
        if not self._options.hints_per_photo or item.source is None:
            return None
        return next((path for path in self._candidates(item, item.source) if path.is_file()), None)

    def hints(self, item: Item) -> Hints | None:
        """Return the hints of a photograph, None where it has none.

        Raises :class:`UnreadablePhoto`, and :class:`UsageProblem` for a picture without any hint in it.
        """
        path = self.path(item)
        return None if path is None else self._read(path, path.stat().st_mtime_ns)

    def recorded(self, item: Item, provenance: Provenance) -> Provenance:
        """Return what the result of a photograph records, given what all results of the run do."""
        hints = self.hints(item)
        if hints is None:
            return provenance
        stated = provenance.parameters | {_NAME: hints_digest(hints)}
        return replace(provenance, parameters=stated)

    @property
    def watches(self) -> bool:
        """Whether existing results may be due again."""
        return bool(self._watched)

    def changed(self, item: Item, provenance: Provenance) -> bool:
        """Whether a result differs from what would be written now in hints or reference only: it is due again."""
        if not self._watched or item.target is None:
            return False
        return self.differs(item.target, self.recorded(item, provenance))

    def differs(self, path: Path, expected: Provenance) -> bool:
        """Whether a file records what is expected but for the hints or the reference."""
        if not self._watched or not os.path.lexists(path):
            return False
        found = read_provenance(path)
        if found is None or without_match(found.parameters) == without_match(expected.parameters):
            return False
        return self._without(found) == self._without(expected)

    def _without(self, provenance: Provenance) -> tuple[str, str, dict[str, str]]:
        """Return what is recorded but for what makes a photograph due again."""
        stated = without_match(provenance.parameters)
        stated = {name: value for name, value in stated.items() if name not in self._watched}
        return provenance.model, provenance.weights_sha256, stated

    def _candidates(self, item: Item, source: Path) -> Iterator[Path]:
        for stem in (source.name, source.stem):
            name = f"{stem}{HINTS_MARK}.png"
            if self._options.hints == BESIDE:
                for neighbour in filter(None, (item.target, source)):
                    yield neighbour.with_name(name)
                if item.target is not None and stem == source.stem:
                    yield item.target.with_name(f"{item.target.stem.removesuffix(RESULT_MARK)}{HINTS_MARK}.png")
                continue
            folder = Path(self._options.hints or "")
            output = self._options.output
            if output is not None and item.target is not None and item.target.is_relative_to(output):
                yield folder / item.target.relative_to(output).with_name(name)
                continue
            parts = [part for part in source.parent.parts if part not in (source.anchor, "..")]
            yield from (folder.joinpath(*parts[start:], name) for start in range(len(parts) + 1))


def _read(path: Path, modified: int) -> Hints:
    return read_hints(path)
