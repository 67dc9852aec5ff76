"""The choices of a user about how a photograph is colorized, as plain data for JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.inference.color_options import DECODING
from colorize_cli.registry import DEFAULT_MODEL, ENTRIES

VARIANTS = 4
"""Number of plausible colorizations that the page shows side by side."""


@dataclass(frozen=True)
class Look:
    """A model and the options that affect its colors.

    ``vividness``: 0 to 1, None for the model's default. ``strength``: 0 to 1. ``variant``: 1 (the model's own
    prediction) to :data:`VARIANTS`. ``sizes``: working sizes, empty for the model's default. ``keep_borders`` and
    ``decoding``: as for :class:`~colorize_cli.inference.colorizer.Colorizer`. ``reference``: sha256 (hex) of the
    reference photo, empty if there is none.
    """

    model: str = DEFAULT_MODEL
    vividness: float | None = None
    strength: float = 1.0
    variant: int = 1
    sizes: tuple[int, ...] = ()
    keep_borders: bool = False
    decoding: dict[str, float] = field(default_factory=dict)
    reference: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the look as a JSON object; :meth:`from_json` reads it."""
        return {
            "model": self.model,
            "vividness": self.vividness,
            "strength": self.strength,
            "variant": self.variant,
            "sizes": list(self.sizes),
            "keep_borders": self.keep_borders,
            "decoding": dict(self.decoding),
            "reference": self.reference,
        }

    @classmethod
    def from_json(cls, value: Any) -> Look:
        """Read a look. Raises :class:`UsageProblem` if the object is invalid."""
        try:
            model = str(value.get("model", DEFAULT_MODEL))
            vividness = value.get("vividness")
            look = cls(
                model=model,
                vividness=None if vividness is None else float(vividness),
                strength=float(value.get("strength", 1.0)),
                variant=int(value.get("variant", 1)),
                sizes=tuple(int(size) for size in value.get("sizes", ())),
                keep_borders=bool(value.get("keep_borders", False)),
                decoding={str(name): float(number) for name, number in dict(value.get("decoding", {})).items()},
                reference=str(value.get("reference") or ""),
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise UsageProblem(f"These settings of a photo cannot be read: {error}.") from error
        if look.model not in ENTRIES or not 1 <= look.variant <= VARIANTS:
            raise UsageProblem(f"There is no model {look.model!r} or no variant {look.variant}.")
        return look

    @classmethod
    def of_provenance(cls, provenance: Provenance) -> Look | None:
        """Return the look of a result; None if its model is unknown."""
        entry = ENTRIES.get(provenance.model)
        if entry is None:
            return None
        stated = provenance.parameters
        try:
            sizes = tuple(int(size) for size in stated.get("size", "").split(",") if size)
            return cls(
                model=entry.name,
                vividness=float(stated["vividness"]) if "vividness" in stated else None,
                strength=float(stated.get("strength", "1")),
                variant=min(VARIANTS, int(stated.get("variant", "1").split(" ")[0])),
                sizes=() if sizes == (entry.input_size,) else sizes,
                keep_borders=stated.get("borders") == "kept",
                decoding={name: float(stated[name]) for name in DECODING if name in stated},
            )
        except ValueError:
            return None
