"""A reference gives its colors to what shows the same, leaves everything else alone, and is refused with a reason."""

import io

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from colorize_cli import Colorizer
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.imaging.geometry import Placement
from colorize_cli.inference.correspondence import cells_of, correspond
from colorize_cli.inference.hints import SoftHints
from colorize_cli.inference.propagate import with_soft_hints
from colorize_cli.inference.reference import read_reference


@pytest.fixture(scope="module")
def series():
    """Two overlapping views of one place, the colors of the first exchanged: nobody would guess them."""
    whole = np.asarray(load_sample_image("china.jpg"))
    return Image.fromarray(whole[:400, :560, [2, 0, 1]]), whole[27:, 80:]


def gray_of(rgb):
    return np.asarray(Image.fromarray(rgb).convert("L"))


def ab_of(rgb):
    return srgb_to_lab(np.asarray(rgb, np.float32) / 255)[..., 1:]


def test_colors_of_a_reference_that_shows_the_same_are_taken(series):
    reference, view = series
    gray, wanted = gray_of(view), ab_of(view[..., [2, 0, 1]])
    plain = Colorizer("gan", device="cpu")
    guided = plain.with_reference(read_reference(reference))
    (answer,) = guided.predict_with_confidence([gray])
    assert answer.guidance.used and answer.guidance.found.agreement > 0.3

    def error(ab):
        small = np.stack([np.asarray(Image.fromarray(p).resize((56, 40), Image.Resampling.BOX)) for p in ab])
        true = np.stack(
            [np.asarray(Image.fromarray(wanted[..., i]).resize((56, 40), Image.Resampling.BOX)) for i in (0, 1)]
        )
        return np.hypot(*(small - true)).mean()

    assert error(answer.ab) < 0.7 * error(plain.predict([gray])[0])


def test_a_reference_that_shows_other_things_changes_nothing(series):
    other = Image.fromarray(np.asarray(load_sample_image("flower.jpg")))
    gray = gray_of(series[1])
    plain = Colorizer("gan", device="cpu")
    (answer,) = plain.with_reference(read_reference(other)).predict_with_confidence([gray])
    assert not answer.guidance.used and "not used" in answer.guidance.recorded
    assert np.array_equal(answer.ab, plain.predict([gray])[0])


@pytest.mark.parametrize("model", ["unet", "decision-tree", "siggraph17"])
def test_a_model_without_an_encoder_is_refused_with_another_one_named(model, series):
    from colorize_cli.checkpoints.locate import find_weights
    from colorize_cli.errors import ColorizeError
    from colorize_cli.registry import get

    try:
        find_weights(get(model), None, offline=True)
    except ColorizeError:
        pytest.skip("its weights are not on this machine")
    with pytest.raises(UsageProblem, match="-m gan"):
        Colorizer(model, device="cpu", reference=series[0])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: Image.new("L", (60, 40), 90).save(path), "no colors"),
        (lambda path: path.write_bytes(b"no picture"), "not an image"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.mkdir(), "cannot be used"),
        (lambda path: None, "There is no reference photo"),
    ],
)
def test_what_has_no_colors_to_take_is_refused(tmp_path, make, said):
    path = tmp_path / "reference.png"
    make(path)
    with pytest.raises(UsageProblem, match=said):
        read_reference(path)


def test_a_reference_is_known_by_its_name_and_bytes(tmp_path, series):
    import hashlib

    path = tmp_path / "roll 7.png"
    series[0].save(path)
    data = path.read_bytes()
    assert read_reference(path).recorded == f"roll 7.png, sha256 {hashlib.sha256(data).hexdigest()}"
    assert read_reference(data, "sent.png").sha256 == read_reference(path).sha256
    stream = io.BytesIO()
    series[0].rotate(180).save(stream, "PNG")
    path.write_bytes(stream.getvalue())
    assert read_reference(path).sha256 == hashlib.sha256(stream.getvalue()).hexdigest(), "read again when replaced"


def maps(seed, rows=6, columns=8):
    """Features whose places are all different, of an encoder with large values."""
    return [1000 * np.random.default_rng(seed).normal(size=(16, rows, columns)).astype(np.float32)]


def test_places_are_found_where_they_moved_to_whatever_the_scale_of_the_features():
    canvas = Placement((48, 64), 0, 0, 48, 64)
    light = np.full((48, 64), 50, np.float32)
    colors = np.random.default_rng(1).uniform(-40, 40, (6, 8, 2)).astype(np.float32)
    first, second = maps(0), [np.roll(m, 2, 2) for m in maps(0)]
    found = correspond(cells_of(second, canvas, light), cells_of(first, canvas, light), colors)
    moved = np.roll(colors, 2, 1)
    good = np.abs(found.hints.ab - moved).max(2) < 5
    assert good.mean() > 0.8 and found.agreement > 0.5
    assert correspond(cells_of(maps(5), canvas, light), cells_of(first, canvas, light), colors).agreement < 0.2


def test_soft_hints_draw_by_their_confidence_and_only_what_has_their_lightness():
    light = np.full((64, 64), 60, np.float32)
    light[:, 32:] = 20
    planes = np.zeros((3, 16, 16), np.float32)
    planes[2] = 7
    ab = np.full((8, 8, 2), 30, np.float32)

    def result(confidence):
        hints = SoftHints(ab, np.full((8, 8), 60, np.float32), np.full((8, 8), confidence, np.float32))
        return with_soft_hints(planes, light, hints)

    none, some, full = (result(confidence) for confidence in (0, 0.02, 1))
    assert np.abs(none[:2]).max() < 1e-3
    assert 1 < some[0, 32, 10] < full[0, 32, 10] and full[0, 32, 10] > 25
    assert np.abs(full[:2, :, 40:]).max() < 5, "the dark half is something else"
    assert (full[2] == 7).all(), "what is known beside the color stays"
