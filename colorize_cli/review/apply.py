"""Write accepted photographs at full size and depth, exactly as they were reviewed, and list rejected ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.engine import Batch
from colorize_cli.batch.inputs.hint_files import HintFiles
from colorize_cli.batch.inputs.plan import Item
from colorize_cli.batch.reports.outcome import Outcome, Report
from colorize_cli.errors import ColorizeError, UsageProblem
from colorize_cli.files import sha256_of
from colorize_cli.imaging.codecs.formats import output_suffix, result_stem, split_page
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.photo import Photo
from colorize_cli.inference.colorizer import Colorizer
from colorize_cli.inference.hints import Hints, hints_digest
from colorize_cli.inference.prediction import Prediction
from colorize_cli.inference.reference import Reference
from colorize_cli.review.decisions import Decision, Decisions
from colorize_cli.review.looks import VARIANTS, Look
from colorize_cli.review.references import checked_reference
from colorize_cli.review.rendering import Models
from colorize_cli.review.session import Choices, load_colorizer
from colorize_cli.review.strokes import load_strokes

REJECTED = "It was rejected in the review."
NOT_DECIDED = "It was neither accepted nor rejected in the review."


class _Strokes(HintFiles):
    """The strokes of the photograph that is written. The predictor adds their record to the provenance."""

    def __init__(self, options: ColorizeOptions, hints: Hints | None) -> None:
        super().__init__(options)
        self._painted = hints

    def hints(self, item: Item) -> Hints | None:
        """Return the strokes."""
        return self._painted

    def recorded(self, item: Item, provenance: Provenance) -> Provenance:
        """Return the provenance as it is."""
        return provenance


@dataclass
class Reviewed:
    """A predictor of one photograph: the model, its options, the chosen variant and the strokes."""

    colorizer: Colorizer
    look: Look
    hints: Hints | None
    reviewed: str
    batch_size: int = 1
    description: str = ""
    has_confidence: bool = True

    def predict(self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None) -> list[np.ndarray]:
        """Return a*b* of each gray picture, float32 (2, h, w), Lab units."""
        return [prediction.ab for prediction in self.predict_with_confidence(grays, hints)]

    def predict_with_confidence(
        self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None
    ) -> list[Prediction]:
        """Return a*b* and confidence of each gray picture; ``hints``: per picture, none for further pages."""
        found = self.colorizer.predict_with_confidence(grays, hints)
        if self.look.variant == 1 or self.hints is not None or self.look.reference:
            return found
        variants = self.colorizer.variants(grays, [one.ab for one in found], VARIANTS)
        return [replace(one, ab=all_[self.look.variant - 1]) for one, all_ in zip(found, variants, strict=True)]

    def variants(
        self, grays: Sequence[np.ndarray], predictions: Sequence[np.ndarray], count: int, seed: int
    ) -> list[np.ndarray]:
        """Return further variants."""
        return self.colorizer.variants(grays, predictions, count, seed)

    def colorize(self, photo: Photo, ab: np.ndarray) -> np.ndarray:
        """Return RGB (H, W, 3) at the depth of the photo."""
        return self.colorizer.colorize(photo, ab)

    def provenance(self) -> Provenance:
        """Return what the result records: the model and its options, the review, and the strokes."""
        found = self.colorizer.provenance()
        stated = found.parameters | ({"reviewed": self.reviewed} if self.reviewed else {})
        if self.hints is not None:
            stated |= {"hints": hints_digest(self.hints), "strokes": "painted by hand"}
        elif self.look.variant > 1 and not self.look.reference:
            stated |= {"variant": f"{self.look.variant} of {VARIANTS}", "seed": "0"}
        return replace(found, parameters=stated)


def reviewed_predictor(
    colorizer: Colorizer, look: Look, hints: Hints | None, reference: Reference | None, reviewed: str = ""
) -> Reviewed:
    """Return the predictor of a look; ``reference``: the photo it names; ``reviewed``: the record of the review."""
    chosen: dict[str, Any] = {"strength": look.strength}
    if colorizer.entry.vividness:
        chosen["vividness"] = look.vividness
    adjusted = colorizer.adjusted(**chosen)
    if reference is not None:
        adjusted = adjusted.with_reference(reference)
    return Reviewed(adjusted, look, hints, reviewed)


class Applier:
    """Writes the decided photographs; a failed one does not stop the others, unless the output folder itself fails.

    ``options``: how files are written (format, quality, overwrite and others); ``choices``: device and weights.
    """

    def __init__(self, options: ColorizeOptions, choices: Choices, models: Models | None = None) -> None:
        self._options = replace(options, force=True)
        self._models = models or Models(lambda look: load_colorizer(look, choices))

    def run(
        self,
        decisions: Sequence[tuple[Decision, Path]],
        on_outcome: Callable[[Outcome], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Write each accepted photograph to the path beside it; ``on_outcome`` receives each outcome."""
        report = Report()
        for decision, target in decisions:
            if stopped() or report.stopped_by is not None:
                report.not_reached += 1
                continue
            outcome, fatal = self.write(decision, target)
            report.stopped_by = fatal
            report.add(outcome)
            on_outcome(outcome)
        return report

    def write(self, decision: Decision, target: Path) -> tuple[Outcome, ColorizeError | None]:
        """Return the outcome of one photograph, and an error if it affects all others too."""
        if decision.state != "accepted":
            reason = REJECTED if decision.state == "rejected" else NOT_DECIDED
            note = f" {decision.note}" if decision.note else ""
            return Outcome(decision.photo, target, "skipped", reason + note), None
        try:
            hints, reference = _checked_hints(decision), _checked_reference(decision)
            _check_scan(decision)
            colorizer = self._models.get(decision.look).colorizer
            _check_weights(decision, colorizer)
            reviewed = f"accepted {decision.when}" + (f" by {decision.who}" if decision.who else "")
            predictor = reviewed_predictor(colorizer, decision.look, hints, reference, reviewed)
        except ColorizeError as error:
            return Outcome(decision.photo, target, "failed", str(error)), None
        with self._models.predicting:
            strokes = _Strokes(self._options, hints)
            return Batch(predictor, self._options, hints=strokes).run_one(Item(decision.photo, target))


def _check_scan(decision: Decision) -> None:
    try:
        found = sha256_of(split_page(decision.photo)[0])
    except OSError as error:
        raise ColorizeError(
            f"'{decision.photo}' cannot be read: {error.strerror}.", "Check its path and permissions."
        ) from error
    if decision.scan_sha256 and found != decision.scan_sha256:
        raise ColorizeError(f"'{decision.photo}' changed after it was accepted.", "Review it again.")


def _check_weights(decision: Decision, colorizer: Colorizer) -> None:
    if decision.weights_sha256 and colorizer.weights_sha256 != decision.weights_sha256:
        raise ColorizeError(
            f"'{decision.photo}' was accepted with other weights of '{decision.look.model}' "
            f"(sha256 {decision.weights_sha256[:12]}).",
            "Review it again, or give the other weights with --weights.",
        )


def _checked_hints(decision: Decision) -> Hints | None:
    if not decision.hints_digest:
        return None
    strokes = load_strokes(decision.hints) if decision.hints is not None else None
    if strokes is None or hints_digest(strokes[1]) != decision.hints_digest:
        raise ColorizeError(
            f"The strokes of '{decision.photo}' were changed or removed after it was accepted.", "Review it again."
        )
    return strokes[1]


def _checked_reference(decision: Decision) -> Reference | None:
    if not decision.look.reference:
        return None
    if decision.reference is not None:
        with contextlib.suppress(UsageProblem):
            return checked_reference(decision.reference, decision.look.reference)
    raise ColorizeError(
        f"The reference of '{decision.photo}' changed or vanished after it was accepted.", "Review it again."
    )


def targets(decisions: Decisions, folder: Path, format: str | None = None) -> list[tuple[Decision, Path]]:
    """Return each decision with the path of its final picture in ``folder``, which mirrors the tree of the photos.

    Raises :class:`UsageProblem` if two would be written to one file, or if one would replace its scan.
    """
    found = list(decisions)
    if not found:
        raise UsageProblem(f"'{decisions.path}' contains no decisions.", "Accept some photos first.")
    root = Path(os.path.commonpath([decision.photo.parent for decision in found]))
    pairs = [
        (decision, folder / _final_name(decision.photo.relative_to(root), format))
        for decision in sorted(found, key=lambda decision: decision.photo)
    ]
    return list(_apart(pairs))


def _final_name(relative: Path, format: str | None) -> PurePath:
    return relative.with_name(f"{result_stem(relative)}{output_suffix(relative, format)}")


def _apart(pairs: Sequence[tuple[Decision, Path]]) -> Iterator[tuple[Decision, Path]]:
    taken: dict[str, Path] = {}
    for decision, target in pairs:
        chosen = target
        if os.fspath(chosen).casefold() in taken:
            chosen = target.with_name(f"{decision.photo.name}{target.suffix}")
        if os.fspath(chosen).casefold() in taken:
            raise UsageProblem(
                f"'{taken[os.fspath(chosen).casefold()]}' and '{decision.photo}' have the same final name."
            )
        if os.path.realpath(chosen) == os.path.realpath(decision.photo):
            raise UsageProblem(f"'{decision.photo}' would be replaced.", "Choose another folder with -o.")
        taken[os.fspath(chosen).casefold()] = decision.photo
        yield decision, chosen
