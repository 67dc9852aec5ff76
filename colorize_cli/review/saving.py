"""The bytes of a photograph in color at full size, for the browser to save."""

import io
from dataclasses import replace

from colorize_cli.batch.inputs.sources import RESULT_MARK
from colorize_cli.imaging.codecs.formats import FORMATS
from colorize_cli.imaging.codecs.write import write_pages
from colorize_cli.review.album import Shot
from colorize_cli.review.apply import reviewed_predictor
from colorize_cli.review.looks import Look
from colorize_cli.review.session import Session

_MEDIA = {"JPEG": "image/jpeg", "PNG": "image/png", "TIFF": "image/tiff", "WEBP": "image/webp", "AVIF": "image/avif"}


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
