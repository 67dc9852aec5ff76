"""``--hints`` from the command line and the library, for models made for hints and for any other."""

import json

import numpy as np
import pytest
from PIL import Image

from colorize_cli import Colorizer
from colorize_cli.cli import main
from colorize_cli.imaging.color import srgb_to_lab


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """photo.png: a dark area left, a light one right; strokes.png: the same with a red and a blue stroke painted on."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    gray = np.full((96, 128), 70.0)
    gray[:, 64:] = 170
    gray = (gray + rng.normal(0, 1.5, gray.shape)).clip(0, 255).astype(np.uint8)
    Image.fromarray(gray).save("photo.png")
    strokes = np.repeat(gray[..., None], 3, 2)
    strokes[40:56, 20:28], strokes[40:56, 96:104] = (150, 40, 40), (120, 160, 230)
    Image.fromarray(strokes).save("strokes.png")
    return gray


def ab(path):
    return srgb_to_lab(np.asarray(Image.open(path).convert("RGB"), np.float32) / 255)[..., 1:]


@pytest.mark.parametrize("model", ["ols", "ridge", "lasso", "elasticnet"])
def test_two_strokes_color_the_two_areas(scene, model):
    assert main(["photo.png", "-m", model, "--hints", "strokes.png", "-o", "out.png", "-q"]) == 0
    found = ab("out.png")
    left, right = found[5:90, 5:58], found[5:90, 70:123]
    assert left[..., 0].mean() > 25 and right[..., 1].mean() < -20
    assert left[..., 0].min() > 15 and right[..., 1].max() < -10
    gray = np.asarray(Image.open("photo.png"))
    lightness = srgb_to_lab(np.repeat(gray[..., None], 3, 2).astype(np.float32) / 255)[..., 0]
    painted = srgb_to_lab(np.asarray(Image.open("out.png"), np.float32) / 255)[..., 0]
    assert np.abs(painted - lightness).mean() < 0.5, "the tones stay those of the photograph"


def test_a_model_made_for_hints_is_refused_without_any(scene, capfd):
    assert main(["photo.png", "-m", "lasso", "-o", "out.png"]) == 2
    assert "--hints" in capfd.readouterr().err


def test_hints_correct_a_model_that_knows_nothing_of_them(scene):
    assert main(["photo.png", "-m", "gan", "-o", "plain.png", "-q"]) == 0
    assert main(["photo.png", "-m", "gan", "-o", "hinted.png", "-q", "--hints", "strokes.png"]) == 0
    plain, hinted = ab("plain.png"), ab("hinted.png")
    assert np.abs(hinted[44:52, 22:26] - ab("strokes.png")[44:52, 22:26]).mean() < 12
    assert np.abs(hinted - plain)[30:66, 10:50].mean() > 10, "color spreads beyond the stroke"


def test_hints_on_one_side_of_an_edge_leave_the_other_side_alone(scene):
    hints = np.zeros((96, 128, 4), np.uint8)
    hints[40:56, 20:28] = (150, 40, 40, 255)
    plain = Colorizer("gan", device="cpu").predict([scene])[0]
    hinted = Colorizer("gan", device="cpu", hints=Image.fromarray(hints)).predict([scene])[0]
    rows, columns = hinted.shape[1:]
    enlarged = np.stack(
        [np.asarray(Image.fromarray(p).resize((columns, rows), Image.Resampling.BILINEAR)) for p in plain]
    )
    assert np.abs(hinted - enlarged)[:, :, round(columns * 0.56) :].max() < 3


def test_known_pixels_are_given_to_models_in_an_evaluation(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
        small.resize((64, 64), Image.Resampling.BICUBIC).save(f"photos/{i}.png")
    assert main(["evaluate", "photos", "-m", "elasticnet", "--protocol", "native"]) == 2
    assert "--known-pixels" in capfd.readouterr().err
    command = [
        "evaluate",
        "photos",
        "-m",
        "elasticnet",
        "--known-pixels",
        "0.1",
        "--protocol",
        "native",
        "--export",
        "f.json",
    ]
    assert main([*command, "-q"]) == 0
    text = json.dumps(json.loads((tmp_path / "f.json").read_text()))
    assert '"known_pixels": 0.1' in text
