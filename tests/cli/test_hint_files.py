"""``--hints beside`` and ``--hints FOLDER``: each photo its own strokes; and ``--side-by-side``."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.cli import main
from colorize_cli.imaging.color import srgb_to_lab
from tests.cli.conftest import make_photo


@pytest.fixture(autouse=True)
def scans(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("scans/a.png", "scans/b.png", "scans/sub/a.png"):
        make_photo(name, width=96, height=64)


def strokes(path, color):
    picture = Image.new("RGBA", (96, 64))
    picture.paste((*color, 255), (30, 20, 60, 44))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def ab(path):
    rgb = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
    return srgb_to_lab(rgb)[24:40, 34:56, 1:].mean((0, 1))


def colorize(*words):
    assert main(["scans", "-m", "gan", "-q", *words]) == 0


def test_strokes_beside_the_photo_color_that_photo_only_and_are_no_photo():
    strokes("scans/a-hints.png", (30, 150, 60))
    colorize("--hints", "beside")
    assert ab("scans/a-color.png")[0] < -30 and ab("scans/b-color.png")[0] > -20
    assert not Path("scans/a-hints-color.png").exists()


def test_strokes_beside_the_result_win():
    strokes("scans/a-hints.png", (30, 150, 60))
    strokes("out/a-hints.png", (220, 40, 40))
    colorize("--hints", "beside", "-o", "out/")
    assert ab("out/a.png")[0] > 35 and ab("out/a.png")[1] > 0


def test_a_folder_of_strokes_mirrors_the_tree():
    strokes("strokes/sub/a-hints.png", (30, 150, 60))
    colorize("--hints", "strokes", "-o", "out/")
    assert ab("out/sub/a.png")[0] < -30 and ab("out/a.png")[0] > -20


def test_a_changed_stroke_file_makes_its_photo_due_again_and_no_other(capfd):
    strokes("scans/a-hints.png", (30, 150, 60))
    colorize("--hints", "beside", "--confidence-map")
    before = {path: path.read_bytes() for path in Path("scans").rglob("*-color.png")}
    strokes("scans/a-hints.png", (220, 40, 40))
    capfd.readouterr()
    assert main(["scans", "--hints", "beside", "--confidence-map", "--skip-existing", "--dry-run"]) == 0
    assert capfd.readouterr().out.count("->") == 1
    colorize("--hints", "beside", "--confidence-map", "--skip-existing")
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    assert changed == ["a-color.png"] and ab("scans/a-color.png")[0] > 35
    again = Path("scans/a-color.png").stat().st_mtime_ns
    colorize("--hints", "beside", "--confidence-map", "--skip-existing")
    assert Path("scans/a-color.png").stat().st_mtime_ns == again
    Path("scans/a-hints.png").unlink()
    colorize("--hints", "beside", "--confidence-map", "--skip-existing")
    assert ab("scans/a-color.png")[0] < 30, "without its strokes it is due again as well"


def test_a_result_of_other_options_is_left_alone_even_with_new_strokes():
    colorize("--hints", "beside", "--strength", "0.5")
    before = Path("scans/a-color.png").read_bytes()
    strokes("scans/a-hints.png", (220, 40, 40))
    colorize("--hints", "beside", "--skip-existing")
    assert Path("scans/a-color.png").read_bytes() == before


def test_side_by_side_shows_scan_and_color_and_is_no_photo_later():
    strokes("scans/a-hints.png", (220, 40, 40))
    colorize("--hints", "beside", "--side-by-side")
    picture = Image.open("scans/a-sidebyside.jpg").convert("RGB")
    assert picture.width > 2 * 96 and picture.height > 64
    left = np.asarray(picture.crop((10, 10, 90, 60))).astype(int)
    right = np.asarray(picture.crop((picture.width - 90, 10, picture.width - 10, 60))).astype(int)
    assert (left.max(2) - left.min(2)).max() < 30 < (right.max(2) - right.min(2)).max()
    colorize("--hints", "beside", "--side-by-side", "--skip-existing")
    assert not Path("scans/a-sidebyside-color.jpg").exists()
