"""Ageing of whole batches: the input changes as stated, the target only where it must."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.recipe import AGED, Augmentation
from colorize_cli.training.data.aging import (
    Batch,
    Chance,
    aged,
    as_found,
    blurred,
    compressed,
    lab_of,
    linear_of,
    linear_of_lab,
    mounted,
    orthochromatic,
    pages,
)

CLEAN = Augmentation()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rgb(count: int = 4, side: int = 48) -> torch.Tensor:
    small = torch.rand(count, 3, 6, 6, generator=generator(1))
    return torch.nn.functional.interpolate(small, size=(side, side), mode="bicubic").clamp(0, 1)


def crops(count: int = 4, side: int = 48) -> Batch:
    lab = lab_of(linear_of(rgb(count, side)))
    return Batch(lab[:, :1], lab[:, 1:].contiguous(), torch.arange(count))


def test_lab_on_the_device_is_that_of_imaging() -> None:
    pictures = rgb()
    expected = srgb_to_lab(pictures.permute(0, 2, 3, 1).numpy().astype(np.float64))
    assert lab_of(linear_of(pictures)).permute(0, 2, 3, 1).numpy() == pytest.approx(expected, abs=2e-3)


def test_linear_light_returns_from_lab() -> None:
    lab = lab_of(linear_of(rgb()))
    assert torch.allclose(linear_of_lab(lab[:, :1], lab[:, 1:]), linear_of(rgb()), atol=1e-4)


@pytest.mark.parametrize("effect", ["blur", "tone", "gamma", "grain", "vignette", "jpeg", "halation", "scratches"])
def test_every_effect_changes_lightness_and_nothing_else(effect: str) -> None:
    batch = crops(8)
    seen = as_found(batch, replace(CLEAN, **{effect: 1.0}), generator())
    assert (seen.lightness - batch.lightness).abs().mean() > 0.05
    assert seen.lightness.min() >= 0 and seen.lightness.max() <= 100
    assert torch.equal(seen.ab, batch.ab) and torch.equal(seen.label, batch.label)


def test_nothing_happens_to_a_clean_batch() -> None:
    batch = crops()
    assert torch.allclose(as_found(batch, CLEAN, generator()).lightness, batch.lightness.clamp(0, 100))


def test_effects_come_as_often_as_asked_for() -> None:
    lightness = torch.full((400, 1, 8, 8), 50.0)
    seen = aged(lightness, replace(CLEAN, tone=0.3), Chance(400, generator()))
    changed = ((seen - 50).abs().amax((1, 2, 3)) > 1e-3).float().mean()
    assert 0.2 < changed < 0.4


def test_the_same_seed_gives_the_same_batch_and_another_does_not() -> None:
    one, two, other = (as_found(crops(), AGED, generator(seed)).lightness for seed in (3, 3, 4))
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_blur_is_that_of_opencv() -> None:
    picture = crops(1).lightness
    expected = cv2.GaussianBlur(picture[0, 0].numpy(), (11, 11), 1.3, borderType=cv2.BORDER_REPLICATE)
    assert blurred(picture, torch.full((1, 1, 1, 1), 1.3))[0, 0].numpy() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("quality", [30, 80])
def test_compression_is_that_of_jpeg(quality: int) -> None:
    picture = crops(1, 44).lightness
    levels = (picture[0, 0].numpy() * 2.55).round().astype(np.uint8)
    decoded = cv2.imdecode(cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)
    ours = compressed(torch.from_numpy(levels / 2.55).float()[None, None], torch.full((1, 1, 1, 1), float(quality)))
    assert np.abs(ours[0, 0].numpy() * 2.55 - decoded).mean() < 0.6


def test_film_blind_to_red_darkens_red_and_lightens_blue() -> None:
    patches = torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.2, 0.9]]).view(2, 3, 1, 1).expand(2, 3, 8, 8)
    lab = lab_of(linear_of(patches))
    shown, ab = orthochromatic(lab[:, :1], lab[:, 1:])
    assert shown[0].mean() < lab[0, 0].mean() - 10 and shown[1].mean() > lab[1, 0].mean() + 10
    linear = linear_of_lab(shown, ab)
    assert linear.min() > -0.01 and linear.max() < 1.01
    # The hue stays, and no chroma is added.
    before, after = lab[:, 1:].norm(dim=1), ab.norm(dim=1)
    assert (after <= before + 1e-3).all()
    assert torch.allclose(ab / after[:, None], lab[:, 1:] / before[:, None], atol=1e-4)


def test_around_a_mounted_photograph_nothing_has_color() -> None:
    batch = crops(16)
    lightness, ab = mounted(batch.lightness, batch.ab, Chance(16, generator()))
    outside = (ab == 0).all(1, keepdim=True)
    assert 0.05 < outside.float().mean() < 0.8
    kept = ~outside
    assert torch.equal(lightness[kept], batch.lightness[kept])


def test_pages_are_of_every_gray_and_many_are_blank() -> None:
    shown = pages(48, Chance(300, generator()))
    means, spread = shown.mean((1, 2, 3)), shown.std((1, 2, 3))
    assert shown.min() >= 0 and shown.max() <= 100
    assert means.min() < 15 and means.max() > 90
    assert 0.3 < (spread < 8).float().mean() < 0.8


def test_pages_replace_their_share_of_a_batch_and_have_neither_color_nor_label() -> None:
    batch = crops(100)
    seen = as_found(batch, replace(CLEAN, pages=0.1), generator())
    blank = (seen.ab == 0).flatten(1).all(1)
    assert 10 <= int(blank.sum()) <= 11
    assert (seen.label[blank] == -1).all() and (seen.label[~blank] >= 0).all()


def test_the_share_holds_for_small_batches_on_average() -> None:
    batch = crops(4)
    counts = [int((as_found(batch, replace(CLEAN, pages=0.1), generator(s)).label == -1).sum()) for s in range(200)]
    assert 0.25 < np.mean(counts) < 0.6
