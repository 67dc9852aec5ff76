"""Confidence with a prediction: of networks that know their error, and of those that do not."""

import numpy as np
import pytest
import torch

from colorize_cli import Colorizer
from colorize_cli.inference.forward import predicted
from colorize_cli.inference.prediction import (
    OWN_SIZE_SHARE,
    consensus,
    error_by_disagreement,
    second_size,
    steadied,
)
from colorize_cli.models.network import ColorizationNet


class Slanted(ColorizationNet):
    """Answers with a* that grows to the right: its mirror image disagrees, at the borders most."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def chroma(self, lightness):
        self.calls += 1
        ramp = torch.linspace(0, 10, lightness.shape[-1]).expand(lightness.shape)
        return torch.cat([ramp, torch.zeros_like(ramp)], 1)


class Knowing(Slanted):
    """The same, but with an opinion on its error: larger to the right."""

    def chroma_and_error(self, lightness):
        ab = self.chroma(lightness)
        return ab, ab[:, :1]


L = torch.full((2, 1, 4, 11), 50.0)


@pytest.mark.parametrize("network", [Slanted(), Knowing()])
@pytest.mark.parametrize("mirror", [True, False])
def test_asking_for_the_error_does_not_change_the_answer(network, mirror):
    plain = predicted(network, L, {}, mirror=mirror, error=False)
    assert plain.shape == (2, 2, 4, 11)
    assert torch.equal(predicted(network, L, {}, mirror=mirror, error=True)[:, :2], plain)


@pytest.mark.parametrize("mirror", [True, False])
def test_a_network_that_has_confidence_runs_once(mirror):
    network = Knowing()
    error = predicted(network, L, {}, mirror=mirror, error=True)[:, 2]
    assert network.calls == 1
    assert torch.allclose(error[0, 0, 0], torch.tensor(5.0 if mirror else 0.0))


def test_any_other_is_judged_by_its_mirror_image():
    distance = predicted(Slanted(), L, {}, mirror=False, error=True)[0, 2, 0]
    assert torch.allclose(distance[[0, 5, 10]], torch.tensor([10.0, 0, 10]), atol=1e-5)


def test_pictures_given_as_options_are_mirrored_too():
    class Hinted(Slanted):
        def chroma(self, lightness, hints):
            return hints

    hints = torch.arange(11.0).expand(2, 2, 4, 11)
    assert torch.equal(predicted(Hinted(), L, {"hints": hints}, mirror=True, error=False), hints)


def test_disagreement_of_sizes_adds_to_the_error():
    maps = [np.full((3, 4, 4), value, np.float32) for value in (0, 6)]
    for planes in maps:
        planes[2] = 4
    together = consensus(maps)
    assert np.allclose(together[:2], 3)
    assert np.allclose(together[2], np.hypot(4, 3 * np.sqrt(2)))


def test_a_larger_size_is_steadied_by_the_own_one():
    own, larger = (np.full((3, side, side), value, np.float32) for side, value in ((4, 6), (8, 0)))
    own[2] = larger[2] = 4
    together = steadied(own, larger)
    assert together.shape == (3, 8, 8)
    assert np.allclose(together[:2], OWN_SIZE_SHARE * 6)
    # 2 Lab units from the one, 4 from the other, along both axes.
    assert np.allclose(together[2], np.hypot(4, np.sqrt((2 * 2**2 + 2 * 4**2) / 2)))


def _smooth_gray() -> np.ndarray:
    y, x = np.mgrid[:300, :400] / 40
    return (128 + 60 * np.sin(x + 2 * np.sin(y)) * np.cos(y / 2)).astype(np.uint8)


def test_gan_at_a_larger_size_is_nearer_to_its_own_size():
    gray = _smooth_gray()
    own, larger = Colorizer("gan"), Colorizer("gan", size=384)
    joined = larger.predict([gray])[0]
    alone = larger._predict([gray], 384, None, error=False)[0]
    assert joined.shape == alone.shape
    assert np.allclose(joined, steadied(own.predict([gray])[0], alone), atol=1e-3)
    assert not np.allclose(joined, alone, atol=0.5)


@pytest.mark.parametrize("size", [160, (384, 512)])
def test_a_smaller_size_and_several_sizes_are_taken_as_they_are(size):
    gray, colorizer = _smooth_gray(), Colorizer("gan", size=size)
    maps = [colorizer._predict([gray], one, None, error=False)[0] for one in colorizer.sizes]
    assert np.allclose(colorizer.predict([gray])[0], consensus(maps), atol=1e-3)


def test_what_changes_with_the_working_size_is_less_certain():
    planes = np.zeros((3, 4, 4), np.float32)
    other = np.zeros((2, 2, 2), np.float32)
    other[0, :, 1] = 20
    error = error_by_disagreement(planes, other)[2]
    assert error[0, 0] == 0 and error[0, 3] == 40
    assert second_size(192) == 128 and second_size(32) == 32
