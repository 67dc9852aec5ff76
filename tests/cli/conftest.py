"""Gray photographs, and a colorizer whose answer is known: the command line is tested without a model."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorize_cli.cli.app import app
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.inference.prediction import Prediction

FAKE_WEIGHTS = b"not really weights"


class FakeColorizer:
    """Paints everything in one color; counts what it is asked."""

    batch_size = 4
    description = "a fake device"
    has_confidence = True

    def __init__(self, options) -> None:
        from colorize_cli.batch.resume import expected_provenance

        self.strength = options.strength
        self._provenance = expected_provenance(options)
        self.asked = 0
        self.on_predict = lambda: None

    def predict(self, grays: Sequence[np.ndarray]) -> list[np.ndarray]:
        self.on_predict()
        self.asked += len(grays)
        return [np.stack([np.full((8, 8), 20, np.float32), np.full((8, 8), 30, np.float32)]) for _ in grays]

    def predict_with_confidence(self, grays: Sequence[np.ndarray]) -> list[Prediction]:
        return [Prediction(ab, np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)) for ab in self.predict(grays)]

    def variants(
        self, grays: Sequence[np.ndarray], predictions: Sequence[np.ndarray], count: int, seed: int
    ) -> list[np.ndarray]:
        """The answer turned on the color wheel, and further with another seed."""
        angles = 2 * np.pi * np.arange(count) / count + seed * (np.arange(count) > 0)
        turns = np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).astype(np.float32)
        return [np.einsum("xyn,yhw->nxhw", turns, ab) for ab in predictions]

    def colorize(self, photo, ab: np.ndarray) -> np.ndarray:
        return recombine(photo.gray, ab, depth=photo.depth, strength=self.strength)

    def provenance(self) -> Provenance:
        return self._provenance


class Models:
    """Every fake colorizer that was loaded, and a hook that runs in its ``predict``."""

    def __init__(self) -> None:
        self.loaded: list[FakeColorizer] = []
        self.on_predict = lambda: None
        self.lock = threading.Lock()

    def load(self, options, **_) -> FakeColorizer:
        colorizer = FakeColorizer(options)
        colorizer.on_predict = lambda: self.on_predict()
        self.loaded.append(colorizer)
        return colorizer


@pytest.fixture
def models(monkeypatch, tmp_path) -> Models:
    """Fake models in place of the real ones; the weights file exists, so that its hash can be taken."""
    weights = tmp_path / "weights-in-the-box"
    weights.write_bytes(FAKE_WEIGHTS)
    fakes = Models()
    monkeypatch.setattr("colorize_cli.batch.resume._Loaded", fakes.load)
    monkeypatch.setattr(
        "colorize_cli.batch.resume.find_weights", lambda entry, given=None, **_: Path(given) if given else weights
    )
    return fakes


@pytest.fixture
def run(monkeypatch, tmp_path, models):
    """Run ``colorize`` in a folder of its own, with fake models."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr("colorize_cli.cli.settings.user_file", lambda: tmp_path / "config" / "colorize.toml")
    runner = CliRunner()

    def invoke(*words: str, stdin: bytes | None = None):
        result = runner.invoke(app, list(words), input=stdin, prog_name="colorize")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def gray_picture(width: int = 48, height: int = 32, seed: int = 0) -> Image.Image:
    """A soft gray gradient with some grain."""
    ramp = np.linspace(40, 200, width)[None, :] + np.linspace(0, 30, height)[:, None]
    grain = np.random.default_rng(seed).normal(0, 3, (height, width))
    return Image.fromarray(np.clip(ramp + grain, 0, 255).astype(np.uint8))


def make_photo(path: str | Path, **size: int) -> Path:
    """Write a gray photograph in the format of its name."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    gray_picture(**size).save(path)
    return path


def saturation(path: str | Path) -> float:
    """Mean difference between the largest and the smallest channel: 0 for gray."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return float((pixels.max(axis=2) - pixels.min(axis=2)).mean())


def snapshot(folder: str | Path = ".") -> dict[str, bytes]:
    """Every file under a folder with its bytes: to show that nothing was touched."""
    return {str(path): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}
