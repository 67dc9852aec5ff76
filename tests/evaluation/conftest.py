"""Generated color photographs, and contenders whose answers are known."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from colorize_cli.errors import PhotoError
from colorize_cli.evaluation.contenders import Contender
from colorize_cli.imaging.recombine.join import recombine


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def picture(seed, height=40, width=56):
    """A smooth colorful picture, another for each seed."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def png(rgb):
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def photos(tmp_path):
    """A folder of six photographs: three files, and three in an archive within an archive."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.png").write_bytes(png(picture(seed)))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for seed in range(3, 6):
            archive.writestr(f"deep/{seed}.png", png(picture(seed, 30 + seed, 44)))
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
    return folder


class Tint(Contender):
    """Gives every photograph one chroma; fails on photographs of a given index."""

    def __init__(self, name, ab, failing=()):
        self.name, self.ab, self.failing = name, ab, set(failing)

    def colorize(self, grays, indices):
        if self.failing & set(indices):
            raise PhotoError("this one is too strange.")
        chroma = np.array(self.ab, np.float32).reshape(2, 1, 1)
        return [recombine(gray, chroma, depth=8) for gray in grays]

    def describe(self):
        return {
            "name": self.name,
            "kind": "model",
            "model": "tint",
            "weights_sha256": "0" * 64,
            "parameters": {"ab": str(self.ab)},
            "device": "none",
        }


@pytest.fixture
def tints(monkeypatch):
    """Two models in place of those that `load_models` would load; the list may be changed."""
    models = [Tint("warm", (8, 15)), Tint("cold", (-5, -20))]
    monkeypatch.setattr("colorize_cli.evaluation.session.load_models", lambda *args, **kwargs: list(models))
    return models
