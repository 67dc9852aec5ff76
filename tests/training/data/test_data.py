"""Photos for training: found, split by content, drawn and augmented as functions of the seed alone."""

from __future__ import annotations

import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorize_cli.color_photos import PhotoReader, PhotoRef, list_photos
from colorize_cli.errors import NoTrainingData, UsageProblem
from colorize_cli.models.brown.recipes import GAN_SCRATCH
from colorize_cli.recipe import Augmentation, Stage
from colorize_cli.training.data.batches import Plan, plan_stage, rarity, sampling_weights, step_batches
from colorize_cli.training.data.catalogue import Catalogue, Item, PhotoStore, class_indices, scan
from colorize_cli.training.data.lab_photo import NotUsable, cropped, decode_lab, decode_rgb, label_of, plain
from colorize_cli.training.ranks import Ranks
from tests.training.conftest import encoded, picture
from tests.training.tiny import AGED, DISTRIBUTION

CPU = torch.device("cpu")


def item(content: str, source: str = "a", side: int = 144, label: str = "") -> Item:
    return Item(PhotoRef(content, (), (source,), (0, 0)), content, side, side, source, label or source)


def test_nested_archives_are_read_in_place(photos: Path) -> None:
    refs = list_photos([photos]).photos
    nested = [ref for ref in refs if len(ref.members) == 2]
    assert [ref.folders for ref in nested] == [("plain", "greens")] * 4
    reader = PhotoReader()
    assert {reader.read(ref) for ref in nested} == {encoded(picture(seed)) for seed in range(6, 10)}
    assert list(photos.parent.iterdir()) == [photos]


def test_a_damaged_archive_is_counted_and_the_rest_is_used(photos: Path, tmp_path: Path) -> None:
    whole = (photos / "outer.zip").read_bytes()
    (photos / "damaged.zip").write_bytes(whole[: len(whole) // 2])
    found = scan([photos], tmp_path / "cache", 48)
    assert found.skipped["unreadable archive"] == 1
    assert len(found.items) == 14


def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="nowhere"):
        list_photos([tmp_path / "nowhere"])


def test_the_split_depends_on_content_alone(photos: Path, tmp_path: Path) -> None:
    before = {i.content for i in scan([photos], tmp_path / "one", 48).split(0.3, 0)[1].items}
    for number, path in enumerate(sorted((photos / "bright" / "reds").iterdir())):
        path.rename(photos / f"moved-{9 - number}.png")
    for seed in range(30, 40):
        (photos / f"new-{seed}.png").write_bytes(encoded(picture(seed)))
    training, validation = scan([photos], tmp_path / "two", 48).split(0.3, 0)
    assert before <= {i.content for i in validation.items}
    assert not before & {i.content for i in training.items}
    assert len(training.items) + len(validation.items) == 24


def test_another_seed_splits_otherwise() -> None:
    catalogue = Catalogue(tuple(item(f"{number:032x}") for number in range(400)))
    first, second = ({i.content for i in catalogue.split(0.1, seed)[1].items} for seed in (0, 1))
    assert first != second and 20 < len(first) < 60


@pytest.mark.parametrize("count", [2, 3])
def test_both_sides_of_the_split_get_a_photo(count: int) -> None:
    training, validation = Catalogue(tuple(item(f"{number:032x}") for number in range(count))).split(0.01, 0)
    assert training.items and validation.items


def test_one_photo_is_too_few_to_train_on() -> None:
    with pytest.raises(NoTrainingData, match="two or more"):
        Catalogue((item("0"),)).split(0.1, 0)


def test_the_cache_holds_what_decoding_gives_and_no_more_than_allowed(photos: Path, tmp_path: Path) -> None:
    limit = 5 * 40 * 48 * 3
    found = scan([photos], tmp_path, 48, cache_bytes=limit)
    assert (tmp_path / "photos.lab").stat().st_size == limit
    store = PhotoStore(found)
    cached = [index for index, entry in enumerate(found.items) if entry.offset >= 0]
    assert len(cached) == 5
    for index in range(len(found.items)):
        assert np.array_equal(store.lab(index), decode_lab(store.read(index), 48))


def test_an_unchanged_scan_is_not_decoded_again(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = scan([photos], tmp_path, 48)
    monkeypatch.setattr("colorize_cli.training.data.catalogue.decode_lab", None)
    assert scan([photos], tmp_path, 48) == first


def test_large_photos_are_kept_reduced_with_their_shape(tmp_path: Path) -> None:
    rgb = decode_rgb(encoded(picture(1, 300, 450), "JPEG"), side=60)
    assert rgb.shape == (60, 90, 3)


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(picture(1), "JPEG")[:300]])
def test_damaged_photos_are_unreadable(data: bytes) -> None:
    with pytest.raises(NotUsable, match="unreadable"):
        decode_lab(data, 48)


def test_toned_prints_count_as_gray() -> None:
    gray = np.asarray(picture(3).convert("L"), np.float32)
    sepia = np.stack([gray * 0 + 120, gray * 0 + 100, gray * 0 + 70], -1).astype(np.uint8)
    from PIL import Image

    with pytest.raises(NotUsable, match="gray"):
        decode_lab(encoded(Image.fromarray(sepia)), 48)


@pytest.mark.parametrize(
    ("folders", "label"),
    [
        (("n02123394-persian-cat",), "n02123394"),
        (("objects", "n02123394", "images"), "n02123394"),
        (("sports", "tennis"), "sports/tennis"),
        ((), ""),
    ],
)
def test_classes_come_from_folder_names(folders: tuple[str, ...], label: str) -> None:
    assert label_of(PhotoRef("x", (), folders, (0, 0))) == label


def test_classes_with_few_photos_are_no_classes() -> None:
    items = [item(f"{n}", label="many") for n in range(5)] + [item("x", label="few")]
    labels, classes = class_indices(items, replace(GAN_SCRATCH.stages[0], smallest_class=3))
    assert labels.tolist() == [0] * 5 + [-1] and classes == 1


def test_sources_are_drawn_by_their_weights_and_small_photos_by_their_share() -> None:
    items = [item(f"a{n}") for n in range(30)] + [item(f"b{n}", "b") for n in range(30)]
    items += [item(f"s{n}", "s", side=64) for n in range(10)]
    weights = sampling_weights(items, {"b": 3.0}, small_share=0.5)
    assert weights is not None
    shares = [weights[:30].sum(), weights[30:60].sum(), weights[60:].sum()]
    assert shares == pytest.approx([0.125, 0.375, 0.5])
    left_out = sampling_weights(items, {}, small_share=None)
    assert left_out is not None and left_out[60:].sum() == 0
    assert sampling_weights(items[60:], {}, small_share=None) is None


def plan(photos: int = 10, batch_size: int = 4, stage: Stage = DISTRIBUTION) -> Plan:
    catalogue = Catalogue(tuple(item(str(number)) for number in range(photos)))
    return plan_stage(replace(stage, batch_size=batch_size), catalogue, {}, seed=0, first_epoch=0)


def test_every_photo_comes_in_every_epoch_and_batches_are_full() -> None:
    chosen = plan()
    assert chosen.steps_per_epoch == 3
    for epoch in range(2):
        order = chosen.order(epoch)
        counts = Counter(order.tolist())
        assert len(order) == 12 and set(counts) == set(range(10)) and max(counts.values()) <= 2
    assert chosen.order(0).tolist() != chosen.order(1).tolist()


def test_part_of_an_epoch_draws_that_share_of_the_photos() -> None:
    chosen = plan(photos=10, stage=replace(DISTRIBUTION, epochs=0.5), batch_size=2)
    assert (chosen.epochs, chosen.steps) == (1, 3)
    chosen = plan(photos=8, stage=replace(DISTRIBUTION, epochs=1.5), batch_size=2)
    assert (chosen.epochs, chosen.steps_per_epoch, chosen.steps) == (2, 3, 6)


def test_sizes_grow_within_a_stage() -> None:
    stage = replace(DISTRIBUTION, sizes=((0.0, 64), (0.5, 96)))
    chosen = plan(stage=stage)
    sizes = [chosen.step(step, chosen.order(0))[0].size for step in range(chosen.steps)]
    assert sizes == [64, 64, 64, 64, 64, 96, 96, 96, 96]


def test_rare_colors_are_drawn_more_often(tmp_path: Path) -> None:
    for number in range(10):  # nine photos of red and green, and one of red and blue
        rgb = np.full((48, 48, 3), (150 + number, 60, 50), np.uint8)
        rgb[:24] = (40, 130, 60) if number < 9 else (20, 40, 200)
        Image.fromarray(rgb).save(tmp_path / f"{number}.png")
    catalogue = scan([tmp_path], tmp_path / "cache", 48)
    assert len(catalogue.items) == 10
    rare = rarity(PhotoStore(catalogue))
    odd = next(i for i, item in enumerate(catalogue.items) if item.ref.name.endswith("9.png"))
    assert rare.sum() == pytest.approx(1) and rare[odd] > 0.13
    stage = replace(DISTRIBUTION, rare_colors=0.5)
    resampled = plan_stage(stage, catalogue, {}, seed=0, first_epoch=0, rarity=rare)
    assert resampled.weights is not None and resampled.weights.sum() == pytest.approx(1)
    assert resampled.weights[odd] == pytest.approx(0.5 / 10 + 0.5 * rare[odd])
    assert resampled.drawn == 10
    assert plan_stage(DISTRIBUTION, catalogue, {}, seed=0, first_epoch=0, rarity=rare).weights is None


def test_two_processes_share_the_batch_that_one_accumulates(photos: Path, tmp_path: Path) -> None:
    catalogue = scan([photos], tmp_path, 48)
    chosen = plan_stage(DISTRIBUTION, catalogue, {}, seed=0, first_epoch=0)
    labels = np.full(len(catalogue.items), -1)

    def first(parts: int, ranks: Ranks) -> list[np.ndarray]:
        stream = step_batches(
            chosen, PhotoStore(catalogue), labels, start=1, parts=parts, workers=0, ranks=ranks, device=CPU
        )
        return [torch.cat([batch.lightness, batch.ab], 1).numpy() for batch in next(stream)]

    alone = first(2, Ranks())
    shared = [*first(2, Ranks(0, 2)), *first(2, Ranks(1, 2))]
    assert len(alone) == len(shared) == 2
    assert all(np.array_equal(a, b) for a, b in zip(alone, shared, strict=True))
    assert np.array_equal(np.concatenate(alone)[:, 1:], first(1, Ranks())[0][:, 1:])


def lab() -> np.ndarray:
    return decode_lab(encoded(picture(5, 80, 90)), 80)


def test_a_crop_is_a_function_of_its_seed() -> None:
    one, two, other = (cropped(lab(), 48, AGED, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert one.shape == (48, 48, 3) and one.dtype == np.uint8
    assert np.array_equal(one, two) and not np.array_equal(one, other)


def test_samples_hold_lightness_and_chroma_in_lab_units() -> None:
    lightness, ab = plain(lab(), 80)
    assert lightness.shape == (80, 80) and ab.shape == (2, 80, 80)
    assert 0 <= lightness.min() < lightness.max() <= 100
    assert -128 <= ab.min() < 0 < ab.max() <= 127


def test_a_photo_kept_whole_is_padded_with_white() -> None:
    how = Augmentation(area=None, aspect=1.0, flip=0.0, padding=100.0)
    lab = np.full((16, 32, 3), 90, np.uint8)
    square = cropped(lab, 64, how, np.random.default_rng(0))
    assert (square[:16] == (255, 128, 128)).all() and (square[48:] == (255, 128, 128)).all()
    assert (square[16:48] == 90).all()


def test_mac_leftovers_in_archives_are_no_photos(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("__MACOSX/._x.png", b"x")
        archive.writestr("x.png", encoded(picture(1)))
    assert [ref.members for ref in list_photos([tmp_path]).photos] == [("x.png",)]
