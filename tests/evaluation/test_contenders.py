import numpy as np
import pytest
from skimage.color import rgb2lab

from colorize_cli import registry
from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.contenders import (
    GrayBaseline,
    MeanChromaBaseline,
    contender_names,
    load_models,
)
from colorize_cli.evaluation.evaluate_options import pair_with_weights, parse_models


def test_the_gray_baseline_is_the_neutral_picture():
    gray = np.linspace(0, 65535, 60).astype(np.uint16).reshape(6, 10)
    (rgb,) = GrayBaseline().colorize([gray], [0])
    assert rgb.dtype == np.uint8 and (rgb == rgb[..., :1]).all()


def test_mean_chroma_leaves_the_photograph_itself_out():
    baseline = MeanChromaBaseline(np.array([[100.0, 0], [10, 20], [20, 40]]))
    assert baseline.chroma(0).tolist() == [15, 30]
    assert baseline.chroma(1).tolist() == [60, 20]


def test_mean_chroma_ignores_photographs_that_cannot_be_read():
    baseline = MeanChromaBaseline(np.array([[4.0, 0], [np.nan, np.nan], [8, 2]]))
    assert baseline.chroma(0).tolist() == [8, 2]
    assert baseline.chroma(1).tolist() == [6, 1]


def test_mean_chroma_paints_that_chroma_at_the_lightness_of_the_gray():
    gray = np.full((8, 8), 30000, np.uint16)
    (rgb,) = MeanChromaBaseline(np.array([[0.0, 0], [12, 18]])).colorize([gray], [0])
    np.testing.assert_allclose(rgb2lab(rgb)[..., 1:].mean(axis=(0, 1)), [12, 18], atol=0.7)


def test_mean_chroma_needs_others():
    with pytest.raises(UsageProblem, match="two photographs"):
        MeanChromaBaseline(np.array([[1.0, 1]]))


def test_models_and_weights_pair_up_in_every_way_they_may_be_written():
    assert pair_with_weights(parse_models(["a", "b=x"]), []) == [("a", None), ("b", "x")]
    assert pair_with_weights(parse_models(["a"]), ["x", "y"]) == [("a", "x"), ("a", "y")]
    assert pair_with_weights(parse_models(["a", "b"]), ["x", "y"]) == [("a", "x"), ("b", "y")]
    for models, weights in ((["a", "b"], ["x"]), (["a=x"], ["y"]), (["a="], []), (["=x"], [])):
        with pytest.raises(UsageProblem):
            pair_with_weights(parse_models(models), weights)


def test_names_use_as_much_of_the_path_as_tells_them_apart():
    assert contender_names([("gan", None), ("tree", "x")]) == ["gan", "tree"]
    assert contender_names([("gan", None), ("gan", "runs/a.safetensors")]) == ["gan", "gan:a"]
    pairs = [("gan", "one/best.safetensors"), ("gan", "two/best.safetensors")]
    assert contender_names(pairs) == ["gan:one/best", "gan:two/best"]
    with pytest.raises(UsageProblem, match="twice"):
        contender_names([("gan", "x"), ("gan", "x")])


def test_several_vividness_values_share_one_loaded_model(monkeypatch):
    loaded = []

    class Colorizer:
        def __init__(self, model, **options):
            self.vividness = options["vividness"]
            loaded.append(model)

    monkeypatch.setattr("colorize_cli.inference.colorizer.Colorizer", Colorizer)
    contenders = load_models([("gan", None)], vividness=[0, 0.5])
    assert [c.name for c in contenders] == ["gan@0", "gan@0.5"]
    assert [c.colorizer.vividness for c in contenders] == [0, 0.5]
    assert loaded == ["gan"]


def test_decoding_reaches_the_record_and_is_refused_before_anything_is_loaded(monkeypatch, tmp_path):
    network = registry.get("vgg-classifier").build("light").eval()
    save_checkpoint(tmp_path / "w.safetensors", network.state_dict(), CheckpointInfo("vgg-classifier", "light"))
    pair = ("vgg-classifier", str(tmp_path / "w.safetensors"))
    (contender,) = load_models([pair], decoding={"temperature": 0.5, "smoothing": 4.0}, size=32, device="cpu")
    assert contender.describe()["parameters"] == {"size": "32", "temperature": "0.5", "smoothing": "4"}
    monkeypatch.setattr("colorize_cli.inference.colorizer.Colorizer", None)
    with pytest.raises(UsageProblem, match="'regression' does not take --temperature"):
        load_models([pair, ("regression", None)], decoding={"temperature": 0.5})
