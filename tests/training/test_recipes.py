"""Recipes as data: what the options make of them, and where first weights come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from colorize_cli import registry
from colorize_cli.checkpoints.file import CheckpointInfo, load_checkpoint, save_checkpoint
from colorize_cli.checkpoints.hub import download
from colorize_cli.checkpoints.locate import bundled_path
from colorize_cli.entry import HubFile, ModelEntry, Variant
from colorize_cli.errors import NoNetwork, UsageProblem, WeightsInvalid, WeightsMissing
from colorize_cli.imaging.color_measures import colorfulness, psnr
from colorize_cli.models.brown.generator import Generator
from colorize_cli.models.brown.recipes import GAN_64_PAPER, GAN_SCRATCH
from colorize_cli.models.butoliya_mondal.networks import InceptionEmbedding, Koalarization
from colorize_cli.training.adapt import adapted, trained_input
from colorize_cli.training.initialize import initial_network, load_encoder_file, load_hub_encoder
from colorize_cli.training.objectives import OBJECTIVES
from colorize_cli.training.train_options import TrainOptions


def options(**more: object) -> TrainOptions:
    return TrainOptions((Path("photos"),), Path("run"), **more)  # type: ignore[arg-type]


def test_every_recipe_of_the_registry_can_run() -> None:
    for entry in registry.ENTRIES.values():
        for variant, spec in entry.variants.items():
            for name in spec.recipes:
                recipe = entry.recipe(variant, name)
                assert recipe.name == name
                assert all(stage.objective in OBJECTIVES for stage in recipe.stages)


def test_a_model_without_recipes_says_that_it_is_not_trained_here() -> None:
    entry = ModelEntry("ready", "", "", {"only": Variant("none:none", 0)}, "none", 64)
    with pytest.raises(UsageProblem, match="has no training recipe"):
        entry.recipe()


def test_an_unknown_recipe_is_told_which_there_are() -> None:
    with pytest.raises(UsageProblem, match="scratch"):
        registry.get("gan").recipe("light", "fastest")


def test_epochs_are_shared_out_as_the_recipe_does() -> None:
    for total in (57.0, 1.0, 0.25):
        epochs = [stage.epochs for stage in adapted(GAN_SCRATCH, options(epochs=total)).stages]
        assert sum(epochs) == pytest.approx(total)
        assert epochs[0] / epochs[1] == pytest.approx(GAN_SCRATCH.stages[0].epochs / GAN_SCRATCH.stages[1].epochs)


@pytest.mark.parametrize(
    ("name", "variant", "size", "expected"),
    [
        ("classifier", "paper", None, {"size": 256, "fit": "stretch", "mirror": False}),
        ("unet", "paper", None, {"size": 400, "fit": "stretch", "mirror": False}),
        ("gan", "efficientnet", None, {"size": 224, "fit": "rectangle", "mirror": True}),
        ("gan", "efficientnet", 96, {"size": 96, "fit": "rectangle", "mirror": True}),
        ("koalarization", "paper", None, {"size": 299, "fit": "letterbox-white", "mirror": False}),
    ],
)
def test_photos_are_colorized_as_they_were_trained_on(
    name: str, variant: str, size: int | None, expected: dict[str, object]
) -> None:
    entry = registry.get(name)
    recipe = adapted(entry.recipe(variant), options(size=size))
    assert trained_input(entry, recipe, size) == expected


def test_a_new_rate_keeps_the_ratios_of_layers() -> None:
    before, after = GAN_SCRATCH.stages[2], adapted(GAN_SCRATCH, options(lr=1e-3)).stages[2]
    assert after.lr == 1e-3 and after.discriminator_lr is not None and before.discriminator_lr is not None
    assert after.group_lr["encoder."] / after.lr == pytest.approx(before.group_lr["encoder."] / before.lr)
    assert after.discriminator_lr / after.lr == pytest.approx(before.discriminator_lr / before.lr)


def test_a_new_size_keeps_the_growth() -> None:
    recipe = adapted(GAN_SCRATCH, options(size=256))
    assert recipe.stages[0].sizes == ((0.0, 128), (0.45, 192), (0.8, 256))
    assert recipe.stages[1].size == recipe.validation_size == 256


def test_pretraining_is_left_out_when_trained_weights_are_given() -> None:
    names = [stage.name for stage in adapted(GAN_SCRATCH, options(encoder="hub")).stages]
    assert names == ["decoder", "adversarial", "coarse", "color"]
    asked = adapted(GAN_SCRATCH, options(encoder="hub", stages=("pretraining",)))
    assert [stage.name for stage in asked.stages] == ["pretraining"]


@pytest.mark.parametrize("more", [{"accumulate": 3}, {"stages": ("dessert",)}])
def test_impossible_wishes_are_refused(more: dict[str, object]) -> None:
    with pytest.raises(UsageProblem):
        adapted(GAN_64_PAPER, options(**more))


@pytest.mark.parametrize(
    "more",
    [{"epochs": 0}, {"lr": -1.0}, {"batch_size": 0}, {"size": 8}, {"precision": "fp8"}, {"validation_share": 0.0},
     {"init": Path("a"), "encoder": "hub"}],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(more: dict[str, object]) -> None:
    with pytest.raises(UsageProblem):
        options(**more)


def test_gan_64_starts_as_its_paper_says() -> None:
    network, encoder = initial_network(
        registry.get("gan-64"), "paper", GAN_64_PAPER, init=None, encoder="scratch", seed=0
    )
    weights = torch.cat([p.flatten() for p in network.parameters() if p.ndim == 4])
    assert encoder == "scratch" and weights.std().item() == pytest.approx(0.02, rel=0.02)


def encoder_file(network: Generator) -> dict[str, torch.Tensor]:
    state = {name: value for name, value in network.state_dict().items() if name.startswith("encoder.")}
    state |= {"encoder.fc.weight": torch.zeros(3, 512), "encoder.fc.bias": torch.zeros(3)}
    for name, value in network.state_dict().items():
        if name.startswith(("decoder.lateral", "decoder.smooth")) and "lateral1" not in name:
            state[name.replace("decoder.", "head.")] = value.half()
    state |= {f"head.classifier.{kind}": getattr(network.classifier, kind).detach() for kind in ("weight", "bias")}
    return state | {"head.ab_centers": network.decode.centers + 1}


def test_an_encoder_file_fills_encoder_head_and_bins() -> None:
    torch.manual_seed(1)
    trained = Generator(bins=9, width=16, encoder="resnet18")
    network = Generator(bins=9, width=16, encoder="resnet18")
    load_encoder_file(network, encoder_file(trained), "encoder")
    assert torch.equal(network.encoder.layer4[0].conv1.weight, trained.encoder.layer4[0].conv1.weight)
    assert torch.equal(network.decoder.lateral4.weight, trained.decoder.lateral4.weight.half().float())
    assert torch.equal(network.classifier.weight, trained.classifier.weight)
    assert torch.equal(network.decode.centers, trained.decode.centers + 1)


def test_an_encoder_file_that_lacks_layers_is_refused() -> None:
    network = Generator(bins=9, width=16, encoder="resnet18")
    state = {name: value for name, value in encoder_file(network).items() if "layer3" not in name}
    with pytest.raises(WeightsInvalid, match="layer3"):
        load_encoder_file(network, state, "encoder")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="no weights file"):
        initial_network(
            registry.get("gan"), "light", GAN_SCRATCH, init=tmp_path / "nothing.safetensors", encoder="scratch", seed=0
        )


def test_weights_without_a_description_are_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsInvalid, match="does not name their model"):
        initial_network(
            registry.get("gan"), "light", GAN_SCRATCH, init=tmp_path / "x.safetensors", encoder="scratch", seed=0
        )


def test_the_hub_encoder_is_summed_over_rgb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import timm

    torch.manual_seed(0)
    published = timm.create_model("resnet18", pretrained=False)
    save_file(published.state_dict(), tmp_path / "model.safetensors")
    snapshot = tmp_path / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (tmp_path / "model.safetensors").rename(snapshot / "model.safetensors")
    monkeypatch.setattr(download, "fetch", lambda published: snapshot / published.file)
    network = Generator(bins=9, width=16, encoder="resnet18")
    assert load_hub_encoder(network) == "hub:timm/resnet18.tv_in1k@c0ffee"
    assert torch.allclose(network.encoder.conv1.weight, published.conv1.weight.sum(1, keepdim=True))


def test_a_variant_that_no_published_encoder_fits_says_so() -> None:
    with torch.device("meta"):
        network = registry.get("vgg-decoder").build("light")
    with pytest.raises(UsageProblem, match="No published encoder"):
        load_hub_encoder(network)


def test_an_encoder_pretrained_here_serves_every_model_that_has_it(tmp_path: Path) -> None:
    torch.manual_seed(3)
    pretrained = registry.get("vgg-decoder").build("light")
    path = tmp_path / "best.safetensors"
    save_checkpoint(path, pretrained.state_dict(), CheckpointInfo("vgg-decoder", "light", encoder="scratch"))
    entry = registry.get("vgg-classifier")
    recipe = entry.recipe("light")
    network, encoder = initial_network(entry, "light", recipe, init=None, encoder=str(path), seed=0)
    own, theirs = network.state_dict(), pretrained.state_dict()
    names = [name for name in own if name.startswith("encoder.")]
    assert len(names) == 20 and all(torch.equal(own[name], theirs[name]) for name in names)
    assert encoder.startswith("vgg-decoder (light), sha256 ")
    with pytest.raises(WeightsInvalid, match="does not fit"):
        initial_network(entry, "paper", recipe, init=None, encoder=str(path), seed=0)


def test_a_network_without_an_encoder_takes_what_another_checkpoint_has_of_its_layers(tmp_path: Path) -> None:
    torch.manual_seed(5)
    trained = registry.get("unet-gan").build("light")
    path = tmp_path / "best.safetensors"
    save_checkpoint(path, trained.state_dict(), CheckpointInfo("unet-gan", "light"))
    entry = registry.get("unet")
    network, _ = initial_network(entry, "light", entry.recipe("light"), init=None, encoder=str(path), seed=0)
    own, theirs = network.state_dict(), trained.state_dict()
    assert all(torch.equal(own[name], theirs[name]) for name in theirs)


def test_new_layers_start_after_glorot_where_the_recipe_says_so() -> None:
    entry = registry.get("vgg-regression")
    network, _ = initial_network(entry, "light", entry.recipe("light"), init=None, encoder="scratch", seed=0)
    weight = network.get_submodule("step3")[0].weight  # type: ignore[index]
    fan = 9 * (weight.shape[0] + weight.shape[1])
    assert weight.abs().max().item() == pytest.approx((6 / fan) ** 0.5, rel=0.02)


def test_the_hub_embedding_of_koalarization_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    network = Koalarization("resnet18")
    # Inception-ResNet-v2 has 55 million parameters; a network with few stands in for it under timm's names.
    network.encoder = InceptionEmbedding.__new__(InceptionEmbedding)
    torch.nn.Module.__init__(network.encoder)
    network.encoder.network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    published = {name: torch.rand_like(value.float()) for name, value in network.encoder.network.state_dict().items()}
    save_file(published, tmp_path / "model.safetensors")
    asked: list[HubFile] = []
    monkeypatch.setattr(download, "fetch", lambda file: asked.append(file) or tmp_path / file.file)
    assert load_hub_encoder(network) == "hub:timm/inception_resnet_v2.tf_in1k" and asked == [InceptionEmbedding.hub]
    assert torch.equal(network.encoder.network[0].weight, published["0.weight"])


def test_a_hub_that_cannot_be_reached_exits_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(file: HubFile) -> None:
        raise NoNetwork(f"{file} does not answer.")

    monkeypatch.setattr(download, "fetch", unreachable)
    with pytest.raises(NoNetwork) as caught:
        load_hub_encoder(Generator(bins=9, width=16))
    assert caught.value.exit_code == 3


def test_metrics_have_their_known_values() -> None:
    black, gray = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 10, np.uint8)
    assert psnr(black, gray) == pytest.approx(20 * np.log10(255 / 10))
    assert colorfulness(gray) == 0
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    assert colorfulness(red) == pytest.approx(0.3 * np.hypot(200, 100))


def test_a_recipe_may_begin_with_the_encoder_of_bundled_weights() -> None:
    entry = registry.get("regression")
    recipe = entry.recipe("paired")
    network, origin = initial_network(entry, "paired", recipe, init=None, encoder=recipe.encoder, seed=0)
    gan = load_checkpoint(bundled_path(registry.get("gan")))
    assert origin.startswith("gan (paired), sha256 ")
    for key in ("encoder.efficientnet.conv_head.weight", "encoder.resnet.conv1.weight", "decoder.lateral1.weight"):
        assert torch.equal(network.state_dict()[key], gan.state[key].float())


def test_an_encoder_may_be_the_beginning_of_a_deeper_one_but_no_other(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = registry.get("gan").build("light", bins=9, width=16)
    path = tmp_path / "best.safetensors"
    save_checkpoint(path, trained.state_dict(), CheckpointInfo("gan", "light"))
    entry = registry.get("classifier")
    network, _ = initial_network(entry, "paper", entry.recipe("paper"), init=None, encoder=str(path), seed=0)
    own, theirs = network.state_dict(), trained.state_dict()
    for key in ("encoder.layer2.1.conv1.weight", "encoder.conv1.weight"):
        assert torch.equal(own[key], theirs[key])
    entry = registry.get("regression")
    with pytest.raises(WeightsInvalid, match=r"layer1\.2"):
        initial_network(entry, "paper", entry.recipe("paper"), init=None, encoder=str(path), seed=0)
    with pytest.raises(WeightsInvalid, match="does not fit"):
        initial_network(entry, "efficientnet", entry.recipe("paper"), init=None, encoder=str(path), seed=0)
