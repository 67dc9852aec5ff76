"""The pictures of the page: a photograph that is open, recolored in a fraction of a second, and the thumbnails.

The network runs once per photograph and its prediction is kept. A changed option or stroke then costs only decoding,
spreading and recombination at two megapixels.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from colorize_cli.errors import ColorizeError, PhotoTooLarge
from colorize_cli.imaging.color import depth_of, lightness_table
from colorize_cli.imaging.companion_pictures import confidence_picture
from colorize_cli.imaging.geometry import resize
from colorize_cli.imaging.photo import Photo
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.imaging.recombine.levels import to_8
from colorize_cli.inference.colorizer import Colorizer
from colorize_cli.inference.hints import Hints, require_hints
from colorize_cli.inference.prediction import Prediction, clamped
from colorize_cli.inference.propagate import guide_of, with_hints
from colorize_cli.inference.reference import Guidance, Reference
from colorize_cli.review.decisions import VARIANTS, Look

PREVIEW_PIXELS = 2_000_000
"""Maximum pixels of the preview; smaller photographs are shown at full size."""
QUALITY = 90
MOST_BYTES = 128 << 20
"""Memory for the thumbnails of the grid."""
MOST_FULL_PIXELS = 80_000_000
"""Maximum pixels of a photograph whose full-size picture is kept for zooming."""
_CONFIDENT = np.array([[33, 102, 172], [247, 247, 247], [178, 24, 43]], np.float32)
"""Blue where the model is certain, red where it is guessing; also distinct for red-green color blindness."""


@dataclass(frozen=True)
class Loaded:
    """A colorizer and its properties for the page. ``vividness``: the model's default, None if it has none."""

    colorizer: Colorizer
    vividness: float | None
    distribution: bool
    takes_reference: bool


class Models:
    """The latest colorizers in use, by model and by the options that the loaded network depends on."""

    def __init__(self, load: Callable[[Look], Colorizer], keep: int = 3) -> None:
        self._load, self._keep = load, keep
        self._loaded: OrderedDict[Any, Loaded] = OrderedDict()
        self._lock = threading.Lock()
        self.predicting = threading.Lock()
        """Held while a network runs: two networks at once would be slower."""

    def get(self, look: Look) -> Loaded:
        """Return the colorizer of a look. Raises :class:`ModelError` and :class:`DeviceError`."""
        key = (look.model, look.sizes, look.keep_borders, tuple(sorted(look.decoding.items())))
        with self._lock:
            if key not in self._loaded:
                colorizer = self._load(look)
                own = getattr(getattr(colorizer.network, "decode", None), "default_vividness", None)
                vividness = (float(own) if own is not None else 0.5) if colorizer.entry.vividness else None
                self._loaded[key] = Loaded(
                    colorizer, vividness, colorizer.predicts_distribution, colorizer.takes_reference
                )
                while len(self._loaded) > self._keep:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]


class Opened:
    """A photograph and its predictions. Thread-safe; one thread works at a time."""

    def __init__(self, photo: Photo, models: Models) -> None:
        self.photo = photo
        self._models = models
        self._lock = threading.RLock()  # a tile needs its chroma
        scale = min(1.0, (PREVIEW_PIXELS / photo.gray.size) ** 0.5)
        self.height, self.width = (max(1, round(side * scale)) for side in photo.gray.shape)
        self.gray = to_8(np.ascontiguousarray(resize(photo.gray, self.height, self.width)))
        self._remembering: dict[Any, Colorizer] = {}
        self._full: tuple[Any, np.ndarray] | None = None
        self._last: tuple[Any, np.ndarray] | None = None
        self._guidance: tuple[str, Guidance] | None = None
        self._guide = guide_of(photo.gray)

    def prediction(self, look: Look) -> Prediction:
        """Return a*b* and confidence of the photograph without hints."""
        with self._models.predicting:
            return self._colorizer(look).predict_with_confidence([self.photo.gray])[0]

    def chroma(self, look: Look, hints: Hints | None, reference: Reference | None = None) -> np.ndarray:
        """Return a*b*, float32 (2, h, w), with the hints applied, as the result of this look will have them.

        ``reference``: the photo that ``look.reference`` names.
        """
        colorizer = self._colorizer(look)
        if reference is not None:
            colorizer = colorizer.with_reference(reference)
        if hints is not None and colorizer.entry.hints:
            with self._models.predicting:
                return colorizer.predict([self.photo.gray], [hints])[0]
        require_hints(colorizer.entry, hints is not None)
        ab = self._plain(look, colorizer, look.variant if hints is None and reference is None else 1)
        return ab if hints is None else clamped(with_hints(ab, self._guide, hints))

    def _plain(self, look: Look, colorizer: Colorizer, variant: int) -> np.ndarray:
        """Return a*b* without hints; the last look's is kept, because strokes follow each other quickly."""
        decoding = tuple(look.decoding.items())
        key = (look.model, look.vividness, look.sizes, look.keep_borders, decoding, look.reference, variant > 1)
        with self._models.predicting:
            if self._last is None or self._last[0] != key:
                (found,) = colorizer.predict_with_confidence([self.photo.gray])
                ab = found.ab
                if found.guidance is not None:
                    self._guidance = look.reference, found.guidance
                several = colorizer.variants([self.photo.gray], [ab], VARIANTS)[0] if variant > 1 else ab[None]
                self._last = key, several
            return self._last[1][variant - 1].copy()

    def guidance(self, look: Look) -> Guidance | None:
        """Return what the reference of the latest picture contributed to this photograph; None if it had none."""
        with self._lock:
            return self._guidance[1] if self._guidance is not None and self._guidance[0] == look.reference else None

    def preview(
        self, look: Look, hints: Hints | None, reference: Reference | None = None, *, side: int | None = None
    ) -> np.ndarray:
        """Return the preview in color, uint8 RGB; ``side``: longest side, for a smaller one."""
        ab = self.chroma(look, hints, reference)
        gray = self.gray if side is None else smaller(self.gray, side)
        return recombine(gray, ab, depth=8, strength=look.strength)

    def confidence(self, look: Look) -> tuple[np.ndarray, float]:
        """Return the confidence map, uint8 RGB, and the mean confidence, 0 to 1."""
        confidence = self.prediction(look).confidence
        assert confidence is not None
        share = confidence_picture(self.gray, confidence).astype(np.float32) / 255
        place = np.clip((1 - share) * 2, 0, 2)
        low = np.minimum(place.astype(int), 1)
        tint = _CONFIDENT[low] + (_CONFIDENT[low + 1] - _CONFIDENT[low]) * (place - low)[..., None]
        light = 0.35 + 0.65 * np.take(lightness_table(depth_of(self.gray)), self.gray)[..., None] / 100
        return (tint * light).astype(np.uint8), float(confidence.mean())

    def tile(
        self,
        box: tuple[int, int, int, int],
        look: Look | None,
        hints: Hints | None,
        key: str,
        reference: Reference | None = None,
    ) -> np.ndarray:
        """Return a part of the picture at full size, uint8 RGB: ``box`` is left, top, width, height in its pixels.

        ``look``: None for gray. ``key``: identifies whatever else affects the colors, such as the strokes.
        """
        left, top, width, height = box
        rows, columns = slice(top, top + height), slice(left, left + width)
        if look is None:
            return np.repeat(to_8(np.ascontiguousarray(self.photo.gray[rows, columns]))[..., None], 3, 2)
        if self.photo.gray.size > MOST_FULL_PIXELS:
            raise PhotoTooLarge(
                f"Photos larger than {MOST_FULL_PIXELS // 10**6} megapixels are shown only as a preview."
            )
        wanted = (look.model, look.vividness, look.strength, look.variant, look.reference, key)
        with self._lock:
            if self._full is None or self._full[0] != wanted:
                ab = self.chroma(look, hints, reference)
                self._full = wanted, recombine(self.photo.gray, ab, depth=8, strength=look.strength)
            return self._full[1][rows, columns]

    def _colorizer(self, look: Look) -> Colorizer:
        loaded = self._models.get(look)
        key = (look.model, look.sizes, look.keep_borders, tuple(sorted(look.decoding.items())))
        with self._lock:
            if key not in self._remembering:
                self._remembering[key] = loaded.colorizer.remembering()
            base = self._remembering[key]
        return base.adjusted(vividness=look.vividness if base.entry.vividness else None)


class OpenPhotos:
    """The most recently opened photographs, up to a total number of bytes; the one in use is always kept."""

    def __init__(self, most_bytes: int = 512 << 20) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._opened: OrderedDict[int, Opened] = OrderedDict()
        self._opening: dict[int, threading.Lock] = {}

    def get(self, number: int, read: Callable[[], Opened]) -> Opened:
        """Return an opened photograph; ``read`` opens it if necessary."""
        with self._lock:
            opening = self._opening.setdefault(number, threading.Lock())
        with opening:
            with self._lock:
                if number in self._opened:
                    self._opened.move_to_end(number)
                    return self._opened[number]
            opened = read()
            with self._lock:
                self._opened[number] = opened
                while len(self._opened) > 1 and self._bytes() > self._most:
                    self._opened.popitem(last=False)
            return opened

    def _bytes(self) -> int:
        return sum(opened.photo.gray.nbytes + 4 * opened.gray.nbytes for opened in self._opened.values())


def smaller(gray: np.ndarray, side: int) -> np.ndarray:
    """Return a gray picture, uint8, with at most ``side`` pixels on its longer side."""
    scale = min(1.0, side / max(gray.shape))
    height, width = (max(1, round(length * scale)) for length in gray.shape)
    return resize(gray, height, width)


def jpeg(rgb: np.ndarray, quality: int = QUALITY) -> bytes:
    """Encode uint8 RGB (H, W, 3) or gray (H, W) as JPEG."""
    bgr = rgb if rgb.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ColorizeError("A picture of the page could not be encoded.")
    return encoded.tobytes()


class Thumbnails:
    """Small JPEG files for the grid, by key; the least recently used are removed first. Thread-safe."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._held = most_bytes, 0
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[int, str], bytes] = OrderedDict()

    def get(self, key: tuple[int, str]) -> bytes | None:
        """Return the stored picture of a photo and a kind, if any."""
        with self._lock:
            found = self._files.get(key)
            if found is not None:
                self._files.move_to_end(key)
            return found

    def put(self, key: tuple[int, str], content: bytes) -> None:
        """Store a file; the least recently used ones are removed to make room."""
        with self._lock:
            self._held += len(content) - len(self._files.pop(key, b""))
            self._files[key] = content
            while self._held > self._most and len(self._files) > 1:
                self._held -= len(self._files.popitem(last=False)[1])
