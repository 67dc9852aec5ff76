"""``--hints FOLDER`` and ``--hints beside``: the strokes that belong to each photograph, ``NAME-hints.png``."""

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

_NAME = "hints"


class HintFiles:
    """Finds and reads the hints of each photograph; none where the run has one picture of hints, or none at all.

    ``beside``: beside the result, else beside the scan. A folder: under the photograph's own path in it, as far as that
    is mirrored there. Any thread may call.
    """

    def __init__(self, options: ColorizeOptions) -> None:
        self._options = options
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

    def changed(self, item: Item, provenance: Provenance) -> bool:
        """Whether a result differs from what would be written now in its hints only: it is due again."""
        if not self._options.hints_per_photo or item.target is None:
            return False
        return self.differs(item.target, self.recorded(item, provenance))

    def differs(self, path: Path, expected: Provenance) -> bool:
        """Whether a file records what is expected but for the hints."""
        if not self._options.hints_per_photo or not os.path.lexists(path):
            return False
        found = read_provenance(path)
        return found is not None and _without(found) == _without(expected) and found.parameters != expected.parameters

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


def _without(provenance: Provenance) -> tuple[str, str, dict[str, str]]:
    stated = {name: value for name, value in provenance.parameters.items() if name != _NAME}
    return provenance.model, provenance.weights_sha256, stated
