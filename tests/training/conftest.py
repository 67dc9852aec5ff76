from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorize_cli import registry
from colorize_cli.entry import ModelEntry
from tests.training import tiny


def picture(seed: int, height: int = 40, width: int = 48) -> Image.Image:
    """A smooth colored picture, different for every seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (4, 5, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with 14 usable photos in two sources, as files and within nested archives, and three to leave out."""
    folder = tmp_path / "photos"
    (folder / "bright" / "reds").mkdir(parents=True)
    for seed in range(6):
        (folder / "bright" / "reds" / f"{seed}.png").write_bytes(encoded(picture(seed)))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for seed in range(6, 10):
            archive.writestr(f"plain/greens/{seed}.png", encoded(picture(seed)))
    with zipfile.ZipFile(folder / "outer.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/inner.zip", inner.getvalue())
        for seed in range(10, 14):
            archive.writestr(f"plain/blues/{seed}.png", encoded(picture(seed)))
        archive.writestr("plain/broken.jpg", encoded(picture(20), "JPEG")[:400])
        archive.writestr("plain/gray.png", encoded(picture(21).convert("L")))
    (folder / "copy.png").write_bytes(encoded(picture(0)))
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums over threads round differently: runs that are compared bit for bit have the same number of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny_registry(monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    monkeypatch.setattr(registry, "ENTRIES", tiny.ENTRIES)
    return tiny.ENTRY
