"""FID, KID and LPIPS with small networks in place of the pretrained ones, which are not bundled."""

import builtins
import urllib.error

import numpy as np
import pytest

from colorize_cli.errors import LibraryMissing, UsageProblem, WeightsMissing
from colorize_cli.evaluation.metrics.perceptual import Perceptual
from tests.evaluation.conftest import picture

torch = pytest.importorskip("torch")


@pytest.fixture
def inception(monkeypatch):
    """Replace the extractor by mean color and spread; counts its calls."""
    fid = pytest.importorskip("torchmetrics.image.fid")
    calls = []

    class Small(torch.nn.Module):
        def __init__(self, **options):
            super().__init__()

        def forward(self, pictures):
            calls.append(len(pictures))
            pictures = pictures.float()
            return torch.cat([pictures.mean((2, 3)), pictures.std((2, 3))], 1)

    monkeypatch.setattr(fid, "NoTrainInceptionV3", Small)
    return calls


def accumulate(perceptual, shift):
    for seed in range(8):
        true = picture(seed)
        perceptual.add(true, true.copy(), "same")
        perceptual.add(true, np.clip(true.astype(int) + shift, 0, 255).astype(np.uint8), "shifted")
    return perceptual.figures()


def test_fid_and_kid_are_zero_for_the_truth_itself_and_grow_with_the_distance(inception):
    near = accumulate(Perceptual(fid=True, kid=True, photos=8), 10)
    far = accumulate(Perceptual(fid=True, kid=True, photos=8), 60)
    assert near["same"]["fid"] == pytest.approx(0, abs=1e-2)
    assert near["same"]["fid"] < near["shifted"]["fid"] < far["shifted"]["fid"]
    assert near["shifted"]["kid"] < far["shifted"]["kid"]


def test_features_of_a_true_picture_are_computed_once_for_all_contenders(inception):
    perceptual = Perceptual(fid=True, kid=True, photos=8)
    names = ("a", "b", "c")
    for name in names:  # each metric looks at its network once when it is made
        perceptual.add(picture(0), picture(1), name)
    inception.clear()
    true = picture(2)
    for name in names:
        perceptual.add(true, picture(1), name)
    assert len(inception) == 1 + len(names)


def test_a_single_photograph_has_no_fid():
    with pytest.raises(UsageProblem, match="two photographs"):
        Perceptual(fid=True, photos=1)


def test_weights_that_cannot_be_had_are_reported_with_the_folder_for_them(monkeypatch, tmp_path):
    pytest.importorskip("torchmetrics.image.lpip")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(WeightsMissing, match="TORCH_HOME") as caught:
        Perceptual(lpips=["alex"], photos=3)
    assert str(tmp_path) in str(caught.value)


def test_without_torchmetrics_the_message_says_what_to_install(monkeypatch):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("torchmetrics"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LibraryMissing, match=r"pip install torchmetrics torch-fidelity"):
        Perceptual(kid=True, photos=3)
