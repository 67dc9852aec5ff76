"""Photographs as one tensor of pixels: what is cut out of it is what the files show."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from colorize_cli import archives
from colorize_cli.errors import UsageProblem
from colorize_cli.recipe import AGED, Augmentation
from colorize_cli.training.data.aging import Chance
from colorize_cli.training.data.on_device import DevicePhotos, batch, crops, read_archives

CPU = torch.device("cpu")
WHOLE_SQUARE = Augmentation(area=(1.0, 1.0), aspect=1.0, flip=0.0)


def smooth(seed: int, height: int, width: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for number, shape in enumerate([(40, 40), (60, 48), (30, 90), (80, 80)]):
            data = cv2.imencode(".png", smooth(number, *shape))[1].tobytes()
            opened.writestr(f"{'faces' if number % 2 else 'streets'}/{number}.png", data)
        opened.writestr("faces/broken.png", b"no picture")
        opened.writestr("loose.png", cv2.imencode(".png", smooth(9, 32, 32))[1].tobytes())
    return path


def held(archive: Path, side: int = 64) -> DevicePhotos:
    photos = DevicePhotos(CPU)
    photos.add(read_archives([archive], side, 2))
    return photos


def test_archives_are_read_whole_and_what_is_no_photograph_is_left_out(archive: Path) -> None:
    photos = held(archive)
    assert photos.sources == ["streets", "faces", "streets", "faces", "a"]
    # Short sides above 64 are reduced; of long photographs the middle is kept, at most 1.5 times the short side.
    assert photos.shapes == [(40, 40), (60, 48), (30, 45), (64, 64), (32, 32)]
    assert len(photos.pixels) == sum(rows * columns for rows, columns in photos.shapes)


def test_archives_and_members_beyond_the_bounds_are_named_or_left_out(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        place = opened.getinfo("faces/3.png").header_offset
    data[place + 60 : place + 200] = bytes(140)  # its checksum fails
    archive.write_bytes(data)
    monkeypatch.setattr(archives, "MOST_BYTES", 50_000)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("large.png", bytes(50_001))
    assert held(archive).sources == ["streets", "faces", "streets", "a"]
    assert "3 members of archives" in caplog.text
    monkeypatch.setattr(archives, "RATIO_COUNTS_FROM", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a.bmp", bytes(4 << 20))
    (tmp_path / "text.zip").write_text("no archive")
    for name in ("bomb.zip", "text.zip", "nothing.zip"):
        with pytest.raises(UsageProblem, match=name):
            read_archives([tmp_path / name], 64, 1)


def test_a_whole_square_at_its_own_size_is_the_photograph(archive: Path) -> None:
    photos = held(archive)
    square = crops(photos, torch.tensor([0, 0]), 40, WHOLE_SQUARE, Chance(2, torch.Generator().manual_seed(0)))
    expected = smooth(0, 40, 40)[..., ::-1] / 255
    assert square[0].permute(1, 2, 0).numpy() == pytest.approx(expected, abs=1e-4)
    assert torch.equal(square[0], square[1])


def test_mirrored_crops_come_half_of_the_time(archive: Path) -> None:
    photos = held(archive)
    how = Augmentation(area=(1.0, 1.0), aspect=1.0, flip=0.5)
    squares = crops(photos, torch.zeros(200, dtype=torch.long), 40, how, Chance(200, torch.Generator().manual_seed(1)))
    plain = crops(photos, torch.tensor([0]), 40, WHOLE_SQUARE, Chance(1, torch.Generator()))[0]
    same = torch.isclose(squares, plain, atol=1e-4).flatten(1).all(1)
    mirrored = torch.isclose(squares, plain.flip(-1), atol=1e-4).flatten(1).all(1)
    assert (same ^ mirrored).all() and 70 < int(mirrored.sum()) < 130


def test_crops_stay_inside_their_photograph(archive: Path) -> None:
    photos = DevicePhotos(CPU)
    decoded = read_archives([archive], 64, 1)
    photos.add(decoded)
    # Every photograph gets a color of its own: a crop that reached into a neighbour would show two.
    start = 0
    for number, (rows, columns) in enumerate(photos.shapes):
        photos.pixels[start : start + rows * columns] = 20 * number
        start += rows * columns
    chosen = torch.arange(5).repeat(40)
    how = Augmentation(area=(0.1, 1.0), aspect=1.3)
    squares = crops(photos, chosen, 24, how, Chance(200, torch.Generator().manual_seed(2)))
    assert torch.allclose(squares.amax((1, 2, 3)), 20 * chosen / 255) and torch.allclose(
        squares.amin((1, 2, 3)), 20 * chosen / 255
    )


def test_a_batch_is_what_objectives_take(archive: Path) -> None:
    photos = held(archive)
    seen = batch(photos, torch.tensor([0, 1, 2, 3, 4, 0]), 32, AGED, torch.Generator().manual_seed(0))
    assert seen.lightness.shape == (6, 1, 32, 32) and seen.ab.shape == (6, 2, 32, 32)
    assert seen.lightness.min() >= 0 and seen.lightness.max() <= 100 and (seen.label == -1).all()


def test_photographs_that_arrive_later_join(archive: Path, tmp_path: Path) -> None:
    photos = held(archive)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as opened:
        opened.writestr("late/0.png", cv2.imencode(".png", smooth(20, 36, 36))[1].tobytes())
    photos.add(read_archives([tmp_path / "b.zip"], 64, 1))
    square = crops(photos, torch.tensor([5]), 36, WHOLE_SQUARE, Chance(1, torch.Generator()))
    assert square[0].permute(1, 2, 0).numpy() == pytest.approx(smooth(20, 36, 36)[..., ::-1] / 255, abs=1e-4)
    assert photos.weights({"late": 2.0}).tolist() == [1, 1, 1, 1, 1, 2]
