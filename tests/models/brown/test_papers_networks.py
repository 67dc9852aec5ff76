"""What Brown et al. say of their networks' inputs, class counts and decisions."""

from __future__ import annotations

import torch
from torch import Tensor

from colorize_cli import registry
from colorize_cli.inference.forward import predicted
from colorize_cli.models.brown.classifier import PaperClassifier
from colorize_cli.models.brown.regression import PaperRegression
from colorize_cli.models.heads.color_classes import class_centers
from colorize_cli.models.heads.uncertainty import AveragesItself


class _Sided(PaperClassifier):
    """Says class 0 or else 1 of a picture that is lighter on its left, class 2 or else 1 of its mirror image."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        self.decode = registry.get("classifier").build("paper").decode

    def logits(self, lightness: Tensor) -> Tensor:
        chances = torch.full((len(lightness), 256), 1e-6)
        left = lightness[:, 0, :, 0].mean(1) > lightness[:, 0, :, -1].mean(1)
        chances[left, 0], chances[~left, 2] = 0.55, 0.55
        chances[:, 1] = 0.45
        return chances.log()[..., None, None].expand(-1, -1, *lightness.shape[-2:])


def test_the_regression_takes_lightness_from_minus_one_to_one() -> None:
    with torch.device("meta"):
        network = PaperRegression()
    limits = network.encoder_input(torch.tensor([0.0, 50.0, 100.0]).view(3, 1, 1, 1))
    assert limits.flatten().tolist() == [-1.0, 0.0, 1.0]


def test_classes_of_picture_and_mirror_image_are_averaged_before_one_is_chosen() -> None:
    network = _Sided()
    assert isinstance(network, AveragesItself)
    lightness = torch.linspace(90, 10, 8).expand(1, 1, 8, 8)
    for error in (False, True):
        ab = predicted(network, lightness, {"temperature": 0.0}, mirror=True, error=error)[:, :2]
        assert torch.allclose(ab[0, :, 0, 0], class_centers()[1]), "both find class 1 second best"


def test_classes_are_counted_at_the_resolution_that_the_loss_sees() -> None:
    with torch.device("meta"):
        assert PaperClassifier().color_sample_side(256) == 256
        assert registry.get("classifier").build("efficientnet").color_sample_side(144) == 36
