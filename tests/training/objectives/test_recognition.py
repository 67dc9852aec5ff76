"""The loss that compares what an ImageNet network sees in predicted and in true colors."""

import pytest
import torch
from sklearn.datasets import load_sample_images

from colorize_cli.checkpoints import locate
from colorize_cli.entry import PackageFile
from colorize_cli.errors import LibraryMissing
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLite0Classifier, EfficientNetLiteClassifier
from colorize_cli.training.objectives.recognition import Recognition
from colorize_cli.training.run import train
from colorize_cli.training.train_options import TrainOptions


def _photographs() -> tuple[torch.Tensor, torch.Tensor]:
    pictures = [srgb_to_lab(image[:384:3, :384:3].astype("float32") / 255) for image in load_sample_images().images]
    lab = torch.stack([torch.from_numpy(x).permute(2, 0, 1).float() for x in pictures])
    return lab[:, :1], lab[:, 1:]


def test_true_colors_cost_nothing_and_no_color_costs_more_than_little_color():
    lightness, ab = _photographs()
    recognition = Recognition()
    same, pale, gray = (recognition(lightness, share * ab, ab) for share in (1.0, 0.5, 0.0))
    for term in ("recognition", "features"):
        assert abs(float(same[term])) < 1e-6
        assert 1e-4 < float(pale[term]) < float(gray[term])


def test_its_gradient_leads_back_to_the_true_colors():
    lightness, ab = _photographs()
    recognition = Recognition()
    painted = (0.3 * ab).requires_grad_(True)
    before = sum(recognition(lightness, painted, ab).values())
    (gradient,) = torch.autograd.grad(before, painted)
    step = painted.detach() - 2.0 * gradient / gradient.abs().amax()
    assert sum(recognition(lightness, step, ab).values()) < before
    assert not any(p.requires_grad for p in recognition.parameters())


def test_the_network_that_measures_is_not_the_one_that_trains():
    assert EfficientNetLite0Classifier.package != EfficientNetLiteClassifier.package


def test_without_its_package_the_message_names_it(monkeypatch):
    monkeypatch.setattr(EfficientNetLite0Classifier, "package", PackageFile("no-such-package", "0.1.0", "x.pth", ""))
    assert locate.installed_encoder(EfficientNetLite0Classifier.package) is None
    with pytest.raises(LibraryMissing, match="ImageNet network") as caught:
        Recognition()
    assert "pip install no-such-package" in caught.value.remedy


def test_train_refuses_before_the_first_stage(monkeypatch, tmp_path):
    monkeypatch.setattr(EfficientNetLite0Classifier, "package", PackageFile("no-such-package", "0.1.0", "x.pth", ""))
    options = TrainOptions(
        (tmp_path,), tmp_path / "run", model="gan", variant="paired", recipe="recognized", device="cpu"
    )
    with pytest.raises(LibraryMissing, match="ImageNet network"):
        train(options)
