"""A whole training run in process: what it writes, and what it writes about."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from colorize_cli.checkpoints.file import load_checkpoint, load_strictly
from colorize_cli.entry import ModelEntry
from colorize_cli.errors import NoTrainingData, UsageProblem
from colorize_cli.training.run import train
from colorize_cli.training.run_folder import curves_available, tensorboard_available
from colorize_cli.training.terminal import TrainingProgress
from colorize_cli.training.train_options import TrainOptions

SILENT = functools.partial(TrainingProgress, True)


def options(photos: Path, run: Path, **more: object) -> TrainOptions:
    chosen = {"model": "tiny", "recipe": "both", "workers": 0, "device": "cpu", "precision": "fp32", **more}
    return TrainOptions((photos,), run, **chosen)  # type: ignore[arg-type]


def test_a_run_writes_weights_figures_pictures_and_curves(
    tmp_path: Path, photos: Path, tiny_registry: ModelEntry
) -> None:
    run = tmp_path / "run"
    outcome = train(options(photos, run, keep_every=2), SILENT())
    assert sorted(path.name for path in run.glob("epoch-*.safetensors")) == [
        f"epoch-000{n}.safetensors" for n in (2, 4, 6)
    ]
    assert outcome.finished and outcome.training_photos + outcome.validation_photos == 14
    assert outcome.skipped == {"unreadable": 1, "gray": 1, "copy of another": 1}
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == ["l1", *["color"] * 3, *["adversarial"] * 2]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {"psnr", "gray_psnr", "ab_error", "colorfulness", "true_colorfulness"} <= rows[0]["validation"].keys()
    assert {"loss", "adversarial", "l1", "discriminator"} <= rows[-1]["losses"].keys()
    strip = Image.open(run / "strips" / "epoch-0006.png")
    assert strip.height == 3 * 32 and strip.width == 32 * outcome.validation_photos
    assert curves_available() == (run / "curves.png").is_file()
    assert not (run / "cache").exists()
    for name in ("last.safetensors", "best.safetensors"):
        checkpoint = load_checkpoint(run / name)
        assert checkpoint.info.model == "tiny" and checkpoint.info.recipe == "both" and not checkpoint.info.smoke
        assert checkpoint.info.validation["psnr"] > 0 and checkpoint.info.data["photos"] == outcome.training_photos
        network = tiny_registry.build(checkpoint.info.variant)
        load_strictly(network, checkpoint, name)
        assert network.decode.log_prior.exp().sum().item() == pytest.approx(1, abs=1e-3)  # type: ignore[union-attr]


def test_a_stage_begins_with_the_mean_of_those_it_names(
    tmp_path: Path, photos: Path, tiny_registry: ModelEntry
) -> None:
    ends = {}
    # Stages come out the same in a run that ends with them; the third, at a rate of 1e-12, learns nothing.
    for stages in (("l1",), ("l1", "color"), ()):
        run = tmp_path / str(len(stages))
        train(options(photos, run, recipe="mean", stages=stages), SILENT())
        ends[stages] = load_checkpoint(run / "last.safetensors").state["classifier.weight"].float()
    mean = (ends[("l1",)] + ends[("l1", "color")]) / 2
    assert torch.allclose(ends[()], mean, atol=1e-3)
    assert not torch.allclose(ends[()], ends[("l1", "color")], atol=1e-3)


def test_without_those_stages_it_begins_with_what_it_is_given(
    tmp_path: Path, photos: Path, tiny_registry: ModelEntry
) -> None:
    train(options(photos, tmp_path / "first", recipe="mean", stages=("l1",)), SILENT())
    first = tmp_path / "first" / "last.safetensors"
    train(options(photos, tmp_path / "second", recipe="mean", stages=("again",), init=first), SILENT())
    ends = [load_checkpoint(path).state for path in (first, tmp_path / "second" / "last.safetensors")]
    assert torch.equal(ends[0]["classifier.weight"], ends[1]["classifier.weight"])


def test_results_do_not_depend_on_the_number_of_workers(
    tmp_path: Path, photos: Path, tiny_registry: ModelEntry
) -> None:
    for workers in (0, 2):
        train(options(photos, tmp_path / str(workers), recipe="color", workers=workers), SILENT())
    assert (tmp_path / "0" / "last.safetensors").read_bytes() == (tmp_path / "2" / "last.safetensors").read_bytes()


def test_results_do_not_depend_on_the_cache(tmp_path: Path, photos: Path, tiny_registry: ModelEntry) -> None:
    weights = []
    for number, cache_gb in enumerate((0.0, 4.0, 30e3 / 2**30)):
        run = tmp_path / str(number)
        train(options(photos, run, recipe="color", cache_gb=cache_gb, epochs=1), SILENT())
        weights.append(load_checkpoint(run / "last.safetensors").state)
    assert all(torch.equal(weights[0][name], other[name]) for other in weights[1:] for name in other)


def test_training_learns_the_colors_of_its_photos(tmp_path: Path, photos: Path, tiny_registry: ModelEntry) -> None:
    train(options(photos, tmp_path / "run", recipe="color", epochs=15), SILENT())
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["losses"]["loss"] < rows[0]["losses"]["loss"] - 0.1


def test_a_smoke_run_says_so_in_its_weights(tmp_path: Path, photos: Path, tiny_registry: ModelEntry) -> None:
    train(options(photos, tmp_path / "run", smoke=True), SILENT())
    assert load_checkpoint(tmp_path / "run" / "best.safetensors").info.smoke


def test_validation_photos_named_by_the_user_are_never_trained_on(
    tmp_path: Path, photos: Path, tiny_registry: ModelEntry
) -> None:
    outcome = train(
        options(photos, tmp_path / "run", recipe="color", validation=photos / "bright", max_steps=1), SILENT()
    )
    assert (outcome.training_photos, outcome.validation_photos) == (8, 6)


def test_a_run_begins_with_the_weights_it_is_given(tmp_path: Path, photos: Path, tiny_registry: ModelEntry) -> None:
    train(options(photos, tmp_path / "first", recipe="color"), SILENT())
    best = tmp_path / "first" / "best.safetensors"
    train(options(photos, tmp_path / "second", recipe="color", init=best, lr=1e-12, max_steps=1), SILENT())
    first, second = (load_checkpoint(tmp_path / run / "best.safetensors").state for run in ("first", "second"))
    assert torch.allclose(first["classifier.weight"], second["classifier.weight"], atol=1e-6)


def test_photos_without_color_are_refused_with_the_reason(tmp_path: Path, tiny_registry: ModelEntry) -> None:
    folder = tmp_path / "gray"
    folder.mkdir()
    Image.new("RGB", (40, 40), (90, 90, 90)).save(folder / "gray.png")
    with pytest.raises(NoTrainingData, match="1 gray"):
        train(options(folder, tmp_path / "run"), SILENT())


def test_early_stopping_ends_a_stage_keeps_its_best_and_says_so(
    tmp_path: Path, photos: Path, tiny_registry: ModelEntry
) -> None:
    run = tmp_path / "run"
    # With a rate this small no epoch is better than the first but by chance: patience runs out.
    outcome = train(options(photos, run, recipe="color", epochs=40, lr=1e-12, early_stopping=2), SILENT())
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    figures = [row["validation"]["psnr"] for row in rows]
    assert outcome.finished and len(rows) < 40
    best = max(figures[:-2])
    assert max(figures[-2:]) <= best
    (end,) = json.loads((run / "run.json").read_text())["early_stopping"]
    assert (end["stage"], end["epoch"], end["best_psnr"]) == ("color", len(rows), pytest.approx(best, abs=1e-3))
    assert load_checkpoint(run / "best.safetensors").info.validation["psnr"] == pytest.approx(best, abs=1e-3)


@pytest.mark.skipif(not tensorboard_available(), reason="tensorboard is not installed")
def test_tensorboard_finds_losses_figures_and_pictures(tmp_path: Path, photos: Path, tiny_registry: ModelEntry) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(options(photos, tmp_path / "run", recipe="color"), SILENT())
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    for tag, values in (
        ("losses/loss", [row["losses"]["loss"] for row in rows]),
        ("validation/psnr", [row["validation"]["psnr"] for row in rows]),
        ("learning rate", [row["lr"] for row in rows]),
    ):
        found = events.Scalars(tag)
        assert [event.step for event in found] == [row["step"] for row in rows]
        assert [event.value for event in found] == pytest.approx(values, rel=1e-5)
    assert len(events.Images("gray, prediction, truth")) == len(rows)


def test_an_embedding_that_nobody_trained_is_refused(tmp_path: Path, photos: Path) -> None:
    chosen = options(photos, tmp_path / "run", model="koalarization", variant="resnet18", recipe="paper")
    with pytest.raises(UsageProblem, match="never trained"):
        train(replace(chosen, encoder="scratch"), SILENT())


def test_an_untrained_network_is_not_calibrated(tmp_path: Path, photos: Path) -> None:
    chosen = options(
        photos, tmp_path / "run", model="gan", variant="efficientnet", recipe="bundled", encoder="imagenet",
        stages=("calibration",),
    )  # fmt: skip
    with pytest.raises(UsageProblem, match="trains no layer, but this network is untrained"):
        train(chosen, SILENT())


def test_frozen_layers_of_an_untrained_encoder_are_refused(tmp_path: Path, photos: Path) -> None:
    chosen = options(photos, tmp_path / "run", model="gan", variant="light", recipe="scratch", stages=("color",))
    with pytest.raises(UsageProblem, match="untrained"):
        train(chosen, SILENT())
