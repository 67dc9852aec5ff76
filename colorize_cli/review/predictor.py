"""A photograph colorized as it was reviewed: its predictor, and its bytes at full size for the browser to save."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from colorize_cli.batch.inputs.sources import RESULT_MARK
from colorize_cli.imaging.codecs.formats import FORMATS
from colorize_cli.imaging.codecs.write import write_pages
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.photo import Photo
from colorize_cli.inference.colorizer import Colorizer
from colorize_cli.inference.hints import Hints, hints_digest
from colorize_cli.inference.prediction import Prediction
from colorize_cli.inference.reference import Reference
from colorize_cli.review.album import Shot
from colorize_cli.review.decisions import VARIANTS, Look
from colorize_cli.review.session import Session

_MEDIA = {"JPEG": "image/jpeg", "PNG": "image/png", "TIFF": "image/tiff", "WEBP": "image/webp", "AVIF": "image/avif"}


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


def saved_file(session: Session, shot: Shot, look: Look) -> tuple[bytes, str, str]:
    """Return the bytes, the file name and the media type of the photograph in color, in the format of its scan.

    Only the first page of several is returned. Raises :class:`PhotoError` and the errors of the model.
    """
    photo = session.open(shot).photo
    strokes = session.strokes(shot)
    colorizer = session.models.get(look).colorizer
    hints = strokes[1] if strokes is not None else None
    predictor = reviewed_predictor(colorizer, look, hints, session.references.get(look.reference))
    with session.models.predicting:
        (prediction,) = predictor.predict_with_confidence([photo.gray], [hints])
    format = FORMATS[photo.format].written_as or photo.format
    stream = io.BytesIO()
    page = (predictor.colorize(photo, prediction.ab), replace(photo, path=None, pages=1))
    write_pages(stream, [page], provenance=predictor.provenance(), format=format)
    suffix = FORMATS[format].suffixes[0]
    return stream.getvalue(), f"{shot.place.stem}{RESULT_MARK}{suffix}", _MEDIA.get(format, "application/octet-stream")
