"""What each objective minimizes, and that micro-batches add up to the batch."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from colorize_cli.compute import choose
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging import color
from colorize_cli.models.brown.classifier import LightClassifier
from colorize_cli.models.brown.generator import Generator
from colorize_cli.models.brown.pix2pix_unet import Pix2PixUNet
from colorize_cli.models.brown.recipes import GAN_BUNDLED, GAN_SCRATCH
from colorize_cli.models.brown.regression import LightRegression
from colorize_cli.models.discriminators import BinaryDiscriminator
from colorize_cli.models.hultgren.networks import VGGDecoder
from colorize_cli.recipe import PRETRAINING, Stage
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives import Setting, calibration, create
from colorize_cli.training.objectives.adversarial import Adversarial
from colorize_cli.training.objectives.calibration import lab_to_srgb
from colorize_cli.training.optimization import MovingAverage, build_optimizer, schedule_factor, train_mode
from tests.training.tiny import ADVERSARIAL, DISTRIBUTION, L1, TinyNet

COMPUTE = choose("cpu", "fp32")
CALIBRATION = next(stage for stage in GAN_BUNDLED.stages if stage.objective == "color-calibration")


def batch(count: int = 4, size: int = 32, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    lightness = torch.rand(count, 1, size, size, generator=generator) * 100
    ab = torch.randn(count, 2, 1, 1, generator=generator).expand(count, 2, size, size) * 12
    return Batch(lightness, ab.contiguous(), torch.arange(count) % 3 - 1)


def steady() -> TinyNet:
    """A network without dropout and with fixed batch norms: halves of a batch pass through it like the whole."""
    torch.manual_seed(0)
    network = TinyNet()
    network.body[1], network.body[3] = nn.Identity(), nn.Identity()
    return network


def test_micro_batches_add_up_to_the_batch() -> None:
    whole, halves = batch(), [Batch(*(part[i : i + 2] for part in batch())) for i in (0, 2)]
    stage = replace(L1, optimizer="adam")
    results = []
    for batches in ([whole], halves):
        network = steady()
        losses = create(network, stage, Setting(COMPUTE, 10)).step(batches)
        results.append((losses["loss"], network.classifier.weight.detach().clone()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    assert torch.allclose(results[0][1], results[1][1], atol=1e-6)


@pytest.mark.parametrize("stage", [DISTRIBUTION, L1])
def test_training_brings_the_loss_down(stage: Stage) -> None:
    torch.manual_seed(0)
    objective = create(TinyNet(), replace(stage, lr=1e-2, warmup=0, schedule="constant"), Setting(COMPUTE, 40))
    losses = [objective.step([batch()])["loss"] for _ in range(40)]
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5])


class Warm(TinyNet):
    """Sure of the wrong: (0, 10) for what is dark, (0, -10) for what is bright."""

    def logits(self, lightness: torch.Tensor) -> torch.Tensor:
        bright = nn.functional.avg_pool2d(lightness, 4) > 50
        b = torch.where(bright, -10.0, 10.0)
        centers = self.decode.centers.view(1, -1, 2, 1, 1)
        return -((centers[:, :, 1] - b).abs() + centers[:, :, 0].abs())


def dusk(count: int = 8) -> Batch:
    """Photos that are dark and neutral, or bright and blue: (0, 0) and (0, -20)."""
    lightness = torch.full((count, 1, 32, 32), 30.0)
    ab = torch.zeros(count, 2, 32, 32)
    lightness[::2], ab[::2, 1] = 70.0, -20.0
    return Batch(lightness, ab, torch.full((count,), -1))


def calibrated(network: TinyNet, steps: int, lr: float = 1.0) -> list[dict[str, float]]:
    objective = create(network, replace(CALIBRATION, lr=lr), Setting(COMPUTE, steps))
    assert objective.result is network and objective.keeps_newest
    return [objective.step([dusk()]) for _ in range(steps)]


def test_calibration_learns_a_field_and_leaves_the_weights_alone() -> None:
    network = Warm()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    steps = calibrated(network, 60)
    assert steps[-1]["distance"] < 0.5 * steps[0]["distance"]
    assert steps[-1]["gained"] > steps[0]["gained"] + 1 and steps[-1]["loss"] < steps[0]["loss"]
    after = network.state_dict()
    assert [name for name in before if not torch.equal(before[name], after[name])] == ["decode.displacement"]
    b = after["decode.displacement"][0, 1, 11]
    assert b[10] < -2 and b[12] < -2, "blue gets bluer, and the warm cast goes"


class Bold(TinyNet):
    """Sure of strong colors, and wrong by the same distance in every other photo: orange if bright, blue if dark."""

    def logits(self, lightness: torch.Tensor) -> torch.Tensor:
        bright = nn.functional.avg_pool2d(lightness, 4) > 50
        target = torch.where(bright, 20.0, -20.0)
        centers = self.decode.centers.view(1, -1, 2, 1, 1)
        return -((centers[:, :, 0] - target).abs() + (centers[:, :, 1] - target).abs())


def test_calibration_takes_more_from_what_is_too_warm_than_from_what_is_too_cold(monkeypatch) -> None:
    lightness = torch.full((8, 1, 32, 32), 45.0)
    lightness[::2] = 55.0
    photos = Batch(lightness, torch.full((8, 2, 32, 32), 0.0), torch.full((8,), -1))
    # Without the other terms every photo would keep the color it has.
    for other in ("COLOR_PRICE", "HISTOGRAM_PRICE"):
        monkeypatch.setattr(calibration, other, 0.0)
    monkeypatch.setattr(calibration, "_decibels", lambda painted, true: painted.new_zeros(len(painted)))
    network = Bold()
    before = network.decode(network.logits(lightness))
    objective = create(network, CALIBRATION, Setting(COMPUTE, 30))
    steps = [objective.step([photos]) for _ in range(30)]
    after = network.decode(network.logits(lightness))
    assert steps[0]["warmth"] > 1 and steps[-1]["warmth"] < 0.5 * steps[0]["warmth"]
    assert after[0].norm() < 0.95 * before[0].norm()
    assert after[1].norm() > 0.99 * before[1].norm()


def test_calibration_never_tints_what_is_certainly_gray() -> None:
    network = Warm()
    network.decode.displacement += 3
    calibrated(network, 1)
    fields = network.decode.displacement
    assert (fields[0, :, 11, 11] == 0).all()
    assert fields[0, :, 11, 12].abs().min() > 1 and fields[1, :, 11, 11].abs().min() > 1


def test_calibration_keeps_the_field_smooth() -> None:
    network = Warm()
    calibrated(network, 60)
    field = network.decode.displacement[0]
    field[:, 11, 11] = (field[:, 10, 11] + field[:, 12, 11] + field[:, 11, 10] + field[:, 11, 12]) / 4  # it is held
    bends = [field.diff(n=2, dim=dim).abs().max() for dim in (1, 2)]
    assert max(bends) < 0.7 * field.abs().max(), "a field of single points would have bends of twice its largest value"


def test_calibration_resumes_where_it_was() -> None:
    objective = create(Warm(), CALIBRATION, Setting(COMPUTE, 10))
    objective.step([dusk()])
    again = create(Warm(), CALIBRATION, Setting(COMPUTE, 10))
    again.load_state_dict(deepcopy(objective.state_dict()))
    for each in (objective, again):
        torch.manual_seed(3)
        each.step([dusk()])
    assert objective.network.decode.displacement.abs().max() > 0
    assert torch.equal(objective.network.decode.displacement, again.network.decode.displacement)


def test_calibration_is_for_networks_that_predict_distributions() -> None:
    with pytest.raises(UsageProblem, match="predicts a\\*b\\* directly"):
        create(LightRegression(), CALIBRATION, Setting(COMPUTE, 1))


def test_the_differentiable_srgb_is_the_exact_one() -> None:
    lab = torch.tensor([[0.0, 0, 0], [100, 0, 0], [50, 20, -30], [30, -60, 70], [5, 1, 2], [80, 90, 90]])
    rgb = lab_to_srgb(lab[:, :1, None, None], lab[:, 1:, None, None])[..., 0, 0]
    exact = torch.from_numpy(255 * color.lab_to_srgb(lab.numpy()).clip(0, 1)).float()
    assert torch.allclose(rgb, exact, atol=0.1)


def test_the_discriminator_learns_to_tell_pictures_apart() -> None:
    torch.manual_seed(0)
    objective = create(TinyNet(), replace(ADVERSARIAL, lr=0.0, discriminator_lr=1e-3), Setting(COMPUTE, 12))
    losses = [objective.step([batch()])["discriminator"] for _ in range(12)]
    assert losses[-1] < 0.95 * losses[0]


def test_a_stage_chooses_its_discriminator_and_its_pixel_loss() -> None:
    torch.manual_seed(0)
    stage = replace(ADVERSARIAL, discriminator="binary", discriminator_width=8, pixel_loss="mse", distribution_weight=0)
    objective = create(TinyNet(), stage, Setting(COMPUTE, 4))
    assert isinstance(objective, Adversarial) and isinstance(objective.discriminator, BinaryDiscriminator)
    before = [parameter.detach().clone() for parameter in objective.discriminator.parameters()]
    losses = objective.step([batch()])
    assert losses["loss"] == pytest.approx(losses["adversarial"] + 100 * losses["mse"], rel=1e-5)
    assert not any(torch.equal(a, b) for a, b in zip(before, objective.discriminator.parameters(), strict=True))


def test_only_a_patch_discriminators_loss_is_halved() -> None:
    found = {}
    for kind in ("patch", "binary"):
        stage = replace(ADVERSARIAL, lr=0.0, discriminator=kind, discriminator_width=8, discriminator_norm="batch")
        objective = create(TinyNet(), stage, Setting(COMPUTE, 1))
        assert isinstance(objective, Adversarial)
        for parameter in objective.discriminator.parameters():
            torch.nn.init.zeros_(parameter)
        found[kind] = objective.step([batch()])["discriminator"]
    # A judgement of one half costs ln 2, of true and of generated pictures.
    assert found["patch"] == pytest.approx(np.log(2), abs=1e-3)
    assert found["binary"] == pytest.approx(2 * np.log(2), abs=1e-3)


def test_the_generator_step_leaves_the_discriminator_alone() -> None:
    torch.manual_seed(0)
    objective = create(TinyNet(), replace(ADVERSARIAL, discriminator_lr=1e-30), Setting(COMPUTE, 4))
    assert isinstance(objective, Adversarial)
    before = {name: p.detach().clone() for name, p in objective.discriminator.named_parameters()}
    objective.step([batch()])
    assert all(torch.equal(before[name], p) for name, p in objective.discriminator.named_parameters())
    assert all(p.requires_grad for p in objective.discriminator.parameters())


def test_hinge_losses_are_those_of_geometric_gan() -> None:
    torch.manual_seed(0)
    stage = replace(ADVERSARIAL, adversarial_loss="hinge", ema=None)
    objective = create(TinyNet(), stage, Setting(COMPUTE, 4))
    assert isinstance(objective, Adversarial)

    class Fixed(nn.Module):
        """Judges the true picture 3, the painted one -0.25."""

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
            true = torch.equal(ab, batch().ab)
            return self.scale * (3.0 if true else -0.25) + 0 * ab.mean()

    objective.discriminator = Fixed()
    losses = objective.step([batch()])
    assert losses["discriminator"] == pytest.approx(0.5 * 0.75)
    assert losses["adversarial"] == pytest.approx(0.25) and losses["discriminator_accuracy"] == 1.0


def test_the_critic_learns_alone_at_first() -> None:
    torch.manual_seed(0)
    objective = create(TinyNet(), replace(ADVERSARIAL, critic_warmup=1, ema=None), Setting(COMPUTE, 4))
    assert isinstance(objective, Adversarial)
    before = objective.network.classifier.weight.detach().clone()
    critic = [p.detach().clone() for p in objective.discriminator.parameters()]
    assert "adversarial" not in objective.step([batch()])
    assert torch.equal(before, objective.network.classifier.weight)
    assert any(not torch.equal(a, b) for a, b in zip(critic, objective.discriminator.parameters(), strict=True))
    assert "adversarial" in objective.step([batch()])
    assert not torch.equal(before, objective.network.classifier.weight)


def test_the_true_color_is_judged_as_coarse_as_a_prediction() -> None:
    stage = replace(ADVERSARIAL, judged_as_predicted=True, ema=None)
    objective = create(TinyNet(), stage, Setting(COMPUTE, 4))
    assert isinstance(objective, Adversarial)
    seen: list[torch.Tensor] = []
    objective.discriminator.register_forward_hook(lambda _, inputs, __: seen.append(inputs[1].detach()))
    fine = batch()
    checkered = fine.ab + 30 * (-1.0) ** torch.arange(32)
    objective.step([fine._replace(ab=checkered)])
    painted, true = seen[0], seen[1]
    assert true.shape == painted.shape == (4, 2, 32, 32)
    # Stripes of one pixel average out in the cells of a quarter of the size.
    assert torch.allclose(true, fine.ab, atol=1e-4)


def test_recognition_is_added_to_cross_entropy() -> None:
    torch.manual_seed(0)
    stage = replace(DISTRIBUTION, objective="recognized", ema=None)
    stage = replace(stage, distribution_weight=2.0, pixel_weight=7.0, recognition_weight=3.0)
    losses = create(TinyNet(), stage, Setting(COMPUTE, 4)).step([batch()])
    terms = {"distribution": 2.0, "l1": 7.0, "recognition": 3.0, "features": 3.0}
    assert losses.keys() == {"loss", *terms}
    assert losses["loss"] == pytest.approx(sum(weight * losses[name] for name, weight in terms.items()), rel=1e-4)


@pytest.mark.parametrize("kept", [False, True])
def test_a_stage_can_keep_the_statistics_of_batch_norms(kept) -> None:
    torch.manual_seed(0)
    network = Generator(bins=25, width=16, refinements=1)
    network.decode.centers.copy_(TinyNet().decode.centers)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    create(network, replace(DISTRIBUTION, keep_statistics=kept, ema=None), Setting(COMPUTE, 4)).step([batch()])
    after = network.state_dict()
    moved = [key for key in after if "running_" in key and not torch.equal(before[key], after[key])]
    assert not moved if kept else len(moved) > 10
    assert not torch.equal(before["classifier.weight"], after["classifier.weight"])


def test_adversarial_training_works_on_networks_without_bins() -> None:
    torch.manual_seed(0)
    stage = replace(ADVERSARIAL, discriminator_norm="batch", ema=None)
    losses = create(Pix2PixUNet(levels=5, width=8), stage, Setting(COMPUTE, 2)).step([batch()])
    assert losses.keys() == {"discriminator", "discriminator_accuracy", "adversarial", "l1", "loss"}
    expected = stage.adversarial_weight * losses["adversarial"] + stage.pixel_weight * losses["l1"]
    assert losses["loss"] == pytest.approx(expected, rel=1e-4)


def test_a_distribution_over_bins_needs_bins() -> None:
    with pytest.raises(UsageProblem, match="no ab bins"):
        create(Pix2PixUNet(levels=5, width=8), DISTRIBUTION, Setting(COMPUTE, 2)).step([batch()])


def test_pretraining_teaches_classes_and_ignores_photos_without_one() -> None:
    torch.manual_seed(0)
    network = Generator(bins=25, width=16, refinements=1)
    network.decode.centers.copy_(TinyNet().decode.centers)
    objective = create(network, GAN_SCRATCH.stages[0], Setting(COMPUTE, 100, classes=2))
    losses = objective.step([batch(3)])
    assert losses["loss"] == pytest.approx(losses["chroma"] + 0.5 * losses["class"], rel=1e-5)
    assert 0 <= losses["top1"] <= 1
    unlabelled = batch(2)._replace(label=torch.tensor([-1, -1]))
    assert objective.step([unlabelled]).keys() == {"loss", "chroma"}


def test_vgg_is_pretrained_with_batch_norms_and_kept_without() -> None:
    torch.manual_seed(0)
    network = VGGDecoder(1 / 16)
    stage = replace(PRETRAINING, lr=5e-3, warmup=0, schedule="constant", ema=None)
    objective = create(network, stage, Setting(COMPUTE, 40, classes=2))
    photos = batch(8)._replace(label=torch.arange(8) % 2)
    photos.lightness[photos.label == 0] *= 0.3
    losses = [objective.step([photos])["class"] for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0], "VGG without batch norm would stay at chance"
    plain, twin = network.encoder.eval(), objective.extra["twin"].eval()  # type: ignore[index,operator]
    x = network.encoder_input(photos.lightness)
    with torch.inference_mode():
        assert torch.allclose(plain(x)[-1], twin(x)[-1], atol=1e-3)
    assert objective.keeps_newest
    assert objective.step([photos._replace(label=torch.full((8,), -1))])["loss"] == 0


def test_pretraining_without_classes_is_refused_where_there_is_nothing_else_to_learn() -> None:
    with pytest.raises(UsageProblem, match="no classes"):
        create(VGGDecoder(1 / 16), PRETRAINING, Setting(COMPUTE, 4, classes=0))


def test_the_light_head_is_what_the_whole_decoder_starts_as() -> None:
    torch.manual_seed(0)
    network = Generator(bins=25, width=16, refinements=1).eval()
    network.decoder.start_as_light_head()
    features = network.encoder(torch.rand(1, 1, 64, 64))
    light = torch.nn.functional.interpolate(network.decoder.eighth(features), scale_factor=2, mode="bilinear")
    assert torch.allclose(light, network.decoder(features), atol=1e-5)


def test_frozen_layers_keep_weights_and_statistics() -> None:
    torch.manual_seed(0)
    network = TinyNet()
    stage = replace(DISTRIBUTION, frozen=("body.0", "body.1"))
    before = {name: value.clone() for name, value in network.state_dict().items() if name.startswith("body.")}
    objective = create(network, stage, Setting(COMPUTE, 4))
    objective.step([batch()])
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if name[:6] in ("body.0", "body.1"))
    assert not torch.equal(before["body.4.weight"], after["body.4.weight"])
    train_mode(network, ())
    assert network.body[1].training


def test_parameters_get_the_rate_of_the_longest_prefix_and_decay_only_where_it_belongs() -> None:
    network = TinyNet()
    stage = replace(DISTRIBUTION, lr=1.0, group_lr={"body.": 0.5, "body.1.": 0.25}, weight_decay=0.1)
    groups = {
        id(parameter): (group["base_lr"], group["weight_decay"])
        for group in build_optimizer(network.named_parameters(), stage).param_groups
        for parameter in group["params"]
    }
    found = {name: groups[id(parameter)] for name, parameter in network.named_parameters()}
    assert found["classifier.weight"] == (1.0, 0.1) and found["classifier.bias"] == (1.0, 0.0)
    assert found["body.0.weight"] == (0.5, 0.1) and found["body.1.weight"] == (0.25, 0.0)


def test_rates_rise_linearly_then_fall_to_zero() -> None:
    stage = replace(DISTRIBUTION, warmup=10, schedule="cosine")
    factors = [schedule_factor(stage, step, 200) for step in range(200)]
    assert factors[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert factors[10] == 1.0 and factors[105] == pytest.approx(0.5) and factors[-1] < 1e-3
    assert schedule_factor(replace(stage, schedule="constant"), 150, 200) == 1.0


def test_rates_fall_in_a_line_or_in_steps() -> None:
    line = replace(DISTRIBUTION, warmup=0, schedule="linear")
    assert [schedule_factor(line, step, 100) for step in (0, 50, 99)] == pytest.approx([1.0, 0.5, 0.01])
    steps = replace(DISTRIBUTION, warmup=0, schedule="step", epochs=12, decay=0.5, decay_every=5)
    assert [schedule_factor(steps, epoch * 10, 120) for epoch in (0, 4, 5, 9, 10)] == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_the_moving_average_follows_slowly() -> None:
    network = TinyNet()
    average = MovingAverage(network, 0.9)
    start = network.classifier.bias.detach().clone()
    with torch.no_grad():
        network.classifier.bias.add_(1.0)
    average.update(network, 1000)
    assert torch.allclose(average.state_dict()["classifier.bias"], start + 0.1)


@pytest.mark.parametrize(("network", "objective"), [(LightClassifier, "weighted-classes"), (LightRegression, "mse")])
def test_the_papers_objectives_bring_their_losses_down(network, objective) -> None:
    torch.manual_seed(0)
    stage = replace(L1, objective=objective, lr=1e-3)
    learner = create(network(width=16, encoder="resnet18"), stage, Setting(COMPUTE, 12))
    losses = [learner.step([batch()]) for _ in range(12)]
    assert sum(x["loss"] for x in losses[-3:]) < 0.8 * sum(x["loss"] for x in losses[:3])


def test_classes_that_weigh_more_count_more() -> None:
    torch.manual_seed(0)
    network = LightClassifier(width=16)
    stage = replace(L1, objective="weighted-classes", lr=0.0)
    alike = create(network, stage, Setting(COMPUTE, 2)).step([batch()])["loss"]
    network.decode.weights.fill_(3.0)
    assert create(network, stage, Setting(COMPUTE, 2)).step([batch()])["loss"] == pytest.approx(3 * alike, rel=1e-4)


def test_color_classes_need_a_classifier() -> None:
    with pytest.raises(UsageProblem, match="no color classes"):
        create(TinyNet(), replace(L1, objective="weighted-classes"), Setting(COMPUTE, 2)).step([batch()])


def test_the_accuracy_of_validation_is_one_for_what_the_network_says_itself() -> None:
    torch.manual_seed(0)
    network = LightClassifier(width=16).eval()
    objective = create(network, replace(L1, objective="weighted-classes", lr=0.0), Setting(COMPUTE, 2))
    network.eval()
    with torch.inference_mode():
        lightness = batch().lightness
        truth = torch.nn.functional.interpolate(network.chroma(lightness), size=(32, 32), mode="nearest")
        assert objective.judge(Batch(lightness, truth, batch().label))["accuracy"] == 1
        assert objective.judge(Batch(lightness, -truth, batch().label))["accuracy"] < 0.1
