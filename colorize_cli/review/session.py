"""The state of a running review: the album, decisions, strokes, loaded models and recently opened photos."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import cv2
import numpy as np

from colorize_cli.batch.reports.gallery import color_picture
from colorize_cli.checkpoints.locate import find_weights
from colorize_cli.errors import ColorizeError, PhotoError, UnreadablePhoto, UsageProblem
from colorize_cli.files import sha256_of
from colorize_cli.imaging.codecs.formats import READABLE_SUFFIXES, output_suffix, split_page
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.recombine.levels import to_8
from colorize_cli.inference.colorizer import Colorizer
from colorize_cli.inference.hints import Hints, hints_digest
from colorize_cli.inference.reference import Reference
from colorize_cli.registry import DEFAULT_MODEL, ENTRIES
from colorize_cli.review.album import Album, Shot
from colorize_cli.review.decisions import VARIANTS, Decision, Decisions, Look, State, user_name
from colorize_cli.review.references import References
from colorize_cli.review.rendering import Models, Opened, OpenPhotos, Thumbnails, jpeg, smaller
from colorize_cli.review.strokes import decode_strokes, load_strokes, save_strokes

THUMBNAIL_SIDE = 360
MOST_UPLOADED = 400 << 20
"""Maximum total size, in bytes, of photographs dropped onto the page; they are kept in memory."""


@dataclass(frozen=True)
class Choices:
    """The options of the command line for all photographs: a model, its weights and where it runs."""

    model: str = DEFAULT_MODEL
    weights: str | None = None
    device: str = "auto"
    precision: str = "auto"
    offline: bool = False
    accept_license: bool = False
    max_megapixels: float = 500.0


def load_colorizer(look: Look, choices: Choices) -> Colorizer:
    """Load the model of a look; ``choices.weights`` apply only to the model they were given with."""
    return Colorizer(
        look.model,
        weights=choices.weights if look.model == choices.model else None,
        device=choices.device,
        precision=choices.precision,
        size=look.sizes or None,
        keep_borders=look.keep_borders,
        decoding=look.decoding,
        offline=choices.offline or look.model != choices.model,
        accept_license=choices.accept_license,
    )


class Session:
    """The state behind the page. Thread-safe; failures are :class:`ColorizeError`."""

    def __init__(
        self, album: Album, choices: Choices, load: Callable[[Look, Choices], Colorizer] = load_colorizer
    ) -> None:
        self.album, self.choices = album, choices
        self.decisions = Decisions(album.review_file)
        self.models = Models(lambda look: load(look, choices))
        self.references = References(album.home, self.decisions)
        self._opened = OpenPhotos()
        self._thumbnails = Thumbnails()
        self._confidences = {shot.number: shot.confidence for shot in album.shots}
        self._problems = {shot.number: shot.problem for shot in album.shots}
        self._in_color: set[int] = set()
        self._uploaded: dict[int, tuple[bytes, Hints] | None] = {}
        self._lock = threading.Lock()
        self._stroking = threading.Lock()

    def shot(self, number: int) -> Shot:
        """Return a photograph of the album. Raises :class:`UsageProblem` for a wrong number."""
        if not 0 <= number < len(self.album.shots):
            raise UsageProblem(f"There is no photo {number}.")
        return self.album.shots[number]

    def listing(self) -> list[dict[str, Any]]:
        """Return the grid's data of each photograph."""
        return [self.row(shot) for shot in self.album.shots]

    def row(self, shot: Shot) -> dict[str, Any]:
        """Return the grid's data of a photograph."""
        decision = self.decisions.get(shot.source) if shot.upload is None else None
        return {
            "id": shot.number,
            "name": shot.name,
            "folder": shot.folder,
            "state": decision.state if decision else "open",
            "note": decision.note if decision else "",
            "confidence": self._confidences.get(shot.number),
            "made": shot.result is not None,
            "problem": self._problems.get(shot.number, ""),
            "upload": shot.upload is not None,
            "colored": self._color_file(shot) is not None,
        }

    def open(self, shot: Shot) -> Opened:
        """Read a photograph, or return it if it is open. Raises :class:`PhotoError`."""

        def read() -> Opened:
            source: Path | bytes = shot.source if shot.upload is None else shot.upload
            photo = read_photo(source, max_megapixels=self.choices.max_megapixels, name=shot.name, digest=True)
            return Opened(photo, self.models)

        try:
            return self._opened.get(shot.number, read)
        except PhotoError as error:
            self._problems[shot.number] = str(error)
            raise

    def details(self, shot: Shot) -> dict[str, Any]:
        """Return the page's data of one photograph, and which of its controls apply."""
        opened = self.open(shot)
        look = self.look(shot)
        return (
            self.row(shot)
            | {
                "width": opened.photo.width,
                "height": opened.photo.height,
                "preview_width": opened.width,
                "preview_height": opened.height,
                "look": look.to_json(),
                "reference": self.references.name(look.reference),
                "strokes": self.strokes(shot) is not None,
                "warnings": [*opened.photo.notes, *self._result_notes(shot, look)],
                "in_color": opened.photo.in_color and shot.source != shot.result,
                "models": self.known_models(),
            }
            | self.controls(look)
        )

    def controls(self, look: Look) -> dict[str, Any]:
        """Return the choices that the model of a look offers."""
        loaded = self.models.get(look)
        return {
            "vividness": loaded.vividness,
            "variants": VARIANTS if loaded.distribution else 0,
            "needs_hints": ENTRIES[look.model].needs_hints,
            "takes_reference": loaded.takes_reference,
        }

    def look(self, shot: Shot) -> Look:
        """Return the first look of a photograph: that of its decision, that of its result, or the default."""
        decision = self.decisions.get(shot.source) if shot.upload is None else None
        if decision is not None:
            return decision.look
        provenance = read_provenance(shot.result) if shot.result is not None else None
        found = Look.of_provenance(provenance) if provenance is not None else None
        return found or Look(model=self.choices.model)

    def _result_notes(self, shot: Shot, look: Look) -> list[str]:
        provenance = read_provenance(shot.result) if shot.result is not None else None
        if provenance is None or provenance.model != look.model:
            return []
        notes = []
        if provenance.weights_sha256 != self.models.get(look).colorizer.weights_sha256:
            notes.append("The result was made with other weights. This preview uses the current ones.")
        if "reference" in provenance.parameters and not look.reference:
            name = provenance.parameters["reference"].rpartition(", sha256 ")[0]
            notes.append(f"The result was made with the reference '{name}'. Choose it again to see its colors.")
        return notes

    def known_models(self) -> list[dict[str, str]]:
        """Return the models whose weights are on this machine."""
        known = []
        for entry in ENTRIES.values():
            try:
                given = self.choices.weights if entry.name == self.choices.model else None
                find_weights(entry, given, offline=True, accept_license=self.choices.accept_license)
            except ColorizeError:
                continue
            known.append({"name": entry.name, "title": entry.title})
        return known

    def strokes(self, shot: Shot) -> tuple[bytes, Hints] | None:
        """Return the strokes of a photograph, as a PNG file and as hints."""
        if shot.hints is None:
            return self._uploaded.get(shot.number)
        return load_strokes(shot.hints)

    def paint(self, shot: Shot, content: bytes) -> None:
        """Save the strokes that the page sent. Raises :class:`UsageProblem` and :class:`OutputError`."""
        picture = decode_strokes(content)
        with self._stroking:
            if shot.hints is not None:
                shot.hints.parent.mkdir(parents=True, exist_ok=True)
                save_strokes(shot.hints, picture)
                return
            from colorize_cli.inference.hints import read_hints

            self._uploaded[shot.number] = None if picture is None else (content, read_hints(picture))

    def preview(self, shot: Shot, look: Look) -> bytes:
        """Return the preview as a JPEG file, and store the model's confidence."""
        rgb = self.open(shot).preview(look, self._hints(shot), self.references.get(look.reference))
        small = cv2.resize(rgb, _fitting(rgb.shape, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
        self._thumbnails.put((shot.number, "color"), jpeg(small, 82))
        return jpeg(rgb)

    def guidance(self, shot: Shot, look: Look) -> dict[str, str]:
        """Return how well the reference fitted the latest picture, as headers; nothing without a reference."""
        found = self.open(shot).guidance(look) if look.reference else None
        if found is None:
            return {}
        return {"x-reference-match": f"{found.found.agreement:.4f}", "x-reference-used": str(int(found.used))}

    def choose_reference(self, shot: Shot) -> Reference:
        """Take a photo of the album for the reference of others: its colored result, or itself if it is in color.

        Raises :class:`UsageProblem` where it has no colors yet.
        """
        if shot.upload is not None:
            return self.references.add_sent(shot.name, shot.upload)
        return self.references.add_file(self._color_file(shot) or shot.source)

    def _color_file(self, shot: Shot) -> Path | None:
        """Return the file with the colors of a photo: what was applied, else its result, else itself if in color."""
        decision = self.decisions.get(shot.source) if shot.upload is None else None
        final = self.album.final / shot.place
        if decision is not None and decision.state == "accepted" and final.is_file():
            return final
        return shot.result or (shot.source if shot.number in self._in_color else None)

    def small_preview(self, shot: Shot, look: Look) -> bytes:
        """Return a small preview, for variants side by side, as a JPEG file."""
        return jpeg(self.open(shot).preview(look, None, side=480), 85)

    def gray(self, shot: Shot) -> bytes:
        """Return the gray preview as a JPEG file."""
        return jpeg(self.open(shot).gray)

    def confidence(self, shot: Shot, look: Look) -> tuple[bytes, float]:
        """Return the confidence map as a JPEG file, and the mean confidence."""
        picture, mean = self.open(shot).confidence(look)
        self._confidences[shot.number] = mean
        return jpeg(picture), mean

    def tile(self, shot: Shot, look: Look | None, box: tuple[int, int, int, int]) -> bytes:
        """Return a part of the picture at full size as a JPEG file; a ``look`` of None is gray."""
        opened = self.open(shot)
        left, top, width, height = box
        if not (left >= 0 and top >= 0 and 0 < width <= 4096 and 0 < height <= 4096):
            raise UsageProblem("This part of the picture cannot be shown.")
        if left >= opened.photo.width or top >= opened.photo.height:
            raise UsageProblem("This part is outside the picture.")
        hints = self._hints(shot) if look is not None else None
        reference = self.references.get(look.reference) if look is not None else None
        return jpeg(opened.tile(box, look, hints, hints_digest(hints) if hints is not None else "", reference))

    def thumbnail(self, shot: Shot, kind: str) -> bytes:
        """Return a small picture for the grid as a JPEG file: ``kind`` is "gray" or "color"."""
        known = self._thumbnails.get((shot.number, kind))
        if known is None:
            known = jpeg(self._small(shot, kind), 82)
            self._thumbnails.put((shot.number, kind), known)
        return known

    def _small(self, shot: Shot, kind: str) -> np.ndarray:
        if kind == "color" and shot.result is not None and self.decisions.get(shot.source) is None:
            picture = np.asarray(color_picture(shot.result, THUMBNAIL_SIDE))
            return cv2.resize(picture, _fitting(picture.shape, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
        if kind == "gray":
            try:
                source: Path | bytes = shot.source if shot.upload is None else shot.upload
                photo = read_photo(source, max_megapixels=self.choices.max_megapixels, name=shot.name)
            except PhotoError as error:
                self._problems[shot.number] = str(error)
                raise
            if photo.in_color and shot.source != shot.result:
                self._in_color.add(shot.number)
            return to_8(np.ascontiguousarray(smaller(photo.gray, THUMBNAIL_SIDE)))
        opened, look = self.open(shot), self.look(shot)
        if self._confidences.get(shot.number) is None:
            confidence = opened.prediction(look).confidence
            self._confidences[shot.number] = None if confidence is None else float(confidence.mean())
        return opened.preview(look, self._hints(shot), self._reference(look), side=THUMBNAIL_SIDE)

    def _reference(self, look: Look) -> Reference | None:
        """Return the reference of a look for the grid, which shows a photo also where its reference is gone."""
        with contextlib.suppress(ColorizeError):
            return self.references.get(look.reference)
        return None

    def _hints(self, shot: Shot) -> Hints | None:
        strokes = self.strokes(shot)
        return None if strokes is None else strokes[1]

    def decide(self, shot: Shot, state: State, note: str, look: Look) -> dict[str, Any]:
        """Record a decision and return the photograph's row. Raises :class:`OutputError`."""
        if shot.upload is not None:
            raise UsageProblem("A photo dropped onto the page can be saved, but not accepted or rejected.")
        hints = self._hints(shot)
        digest = weights = ""
        reference = None
        with contextlib.nullcontext() if state == "accepted" else contextlib.suppress(UsageProblem):
            reference = self.references.file(look.reference)
        if state == "accepted":
            digest = self.open(shot).photo.file_sha256
            weights = self.models.get(look).colorizer.weights_sha256
        decision = Decision(
            photo=shot.source,
            state=state,
            look=look,
            note=note[:2000],
            scan_sha256=digest,
            weights_sha256=weights,
            result=shot.result,
            result_sha256=_sha256(shot.result) if shot.result is not None else "",
            hints=shot.hints if hints is not None else None,
            hints_digest=hints_digest(hints) if hints is not None else "",
            reference=reference,
            who=user_name(),
        )
        self.album.home.mkdir(parents=True, exist_ok=True)
        self.decisions.record(decision)
        return self.row(shot)

    def add(self, name: str, content: bytes) -> Shot:
        """Take in a photograph that was dropped onto the page. Raises :class:`PhotoError`, :class:`UsageProblem`."""
        name = PurePath(name.replace("\\", "/")).name or "photo"
        if PurePath(name).suffix.lower() not in READABLE_SUFFIXES:
            raise UnreadablePhoto(
                f"'{name}' does not have the file name of a photo.", "Drop a JPEG, PNG, TIFF, WebP or similar file."
            )
        photo = read_photo(content, max_megapixels=self.choices.max_megapixels, name=name, digest=True)
        with self._lock:
            held = sum(len(shot.upload or b"") for shot in self.album.shots)
            if held + len(content) > MOST_UPLOADED:
                raise UsageProblem(
                    "The dropped photos fill the memory reserved for them.",
                    "Put them in a folder and run `colorize review FOLDER`.",
                )
            number = len(self.album.shots)
            place = PurePath(name).with_suffix(output_suffix(Path(name)))
            shot = Shot(number, Path(name), None, place, None, upload=content)
            self.album.shots.append(shot)
        self._opened.get(number, lambda: Opened(photo, self.models))
        return shot


def _fitting(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(shape[:2]))
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def _sha256(path: Path) -> str:
    try:
        return sha256_of(split_page(path)[0])
    except OSError:
        return ""
