"""Photographs to review, a session with a model whose answers are known, and a browser."""

import copy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from colorize_cli._version import __version__
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.inference.prediction import Prediction
from colorize_cli.inference.propagate import guide_of, with_hints
from colorize_cli.registry import get
from colorize_cli.review.album import make_album
from colorize_cli.review.api import make_app
from colorize_cli.review.server import Guard
from colorize_cli.review.session import Choices, Session

PORT = 8123


class FakeColorizer:
    """Paints everything in one color, stronger with more vividness; takes hints as the real one does."""

    weights_sha256 = "f" * 64
    predicts_distribution = True
    takes_reference = True

    def __init__(self, look) -> None:
        self.entry = get(look.model)
        self.network = SimpleNamespace(decode=SimpleNamespace(default_vividness=0.5))
        self.vividness, self.strength = look.vividness, 1.0

    def remembering(self):
        return self

    def adjusted(self, **choices):
        twin = copy.copy(self)
        twin.__dict__ |= choices
        return twin

    def predict(self, grays, hints=None):
        plain = 20 + 40 * (0.5 if self.vividness is None else self.vividness)
        answers = [np.full((2, 24, 32), plain, np.float32) for _ in grays]
        given = hints or [None] * len(grays)
        return [
            answer if own is None else with_hints(answer, guide_of(gray), own)
            for answer, gray, own in zip(answers, grays, given, strict=True)
        ]

    def predict_with_confidence(self, grays, hints=None):
        return [Prediction(ab, np.full((8, 8), 0.3, np.float32)) for ab in self.predict(grays, hints)]

    def variants(self, grays, answers, count, seed=0):
        return [np.stack([ab * (-1) ** number for number in range(count)]) for ab in answers]

    def colorize(self, photo, ab):
        return recombine(photo.gray, ab, depth=photo.depth, strength=self.strength)

    def provenance(self):
        return Provenance(self.entry.name, self.weights_sha256, __version__, {})


def scene(width=160, height=120):
    """A dark area left and a light one right, with a little grain: an edge of more than 15 L* in the middle."""
    gray = np.full((height, width), 90.0)
    gray[:, width // 2 :] = 170
    grain = np.random.default_rng(0).normal(0, 1.5, gray.shape)
    return Image.fromarray((gray + grain).clip(0, 255).astype(np.uint8))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three scans, one of them in a folder below."""
    home = tmp_path / "scans"
    (home / "album").mkdir(parents=True)
    scene().save(home / "a.png")
    scene(120, 160).save(home / "b.jpg", quality=95)
    scene().save(home / "album" / "c.tif")
    return home


@pytest.fixture
def session(folder) -> Session:
    return new_session(folder)


def new_session(folder: Path | None, output: Path | None = None) -> Session:
    return Session(make_album(folder, output), Choices(), lambda look, choices: FakeColorizer(look))


@pytest.fixture
def client(session) -> TestClient:
    return client_of(session)


def client_of(session: Session) -> TestClient:
    """A browser that opened the printed address."""
    guard = Guard(make_app(session), PORT)
    client = TestClient(guard, base_url=f"http://127.0.0.1:{PORT}")
    assert client.get(f"/?token={guard.token}").status_code == 200
    return client


def strokes_png(size=(160, 120), box=(20, 40, 50, 60), color=(200, 60, 50)) -> bytes:
    """A picture of one stroke, as the page sends it."""
    import io

    picture = Image.new("RGBA", size)
    if box is not None:
        picture.paste((*color, 255), box)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
