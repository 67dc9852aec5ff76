"""Color beside or on a gray picture is not the picture's; local color that follows the picture is."""

import cv2
import numpy as np
import pytest

from colorize_cli.imaging.toning import color_score
from tests.imaging.test_toning import eight_bits, jpeg, scene, sepia, toned

PATCHES = np.array([(0.8, 0.1, 0.1), (0.1, 0.6, 0.2), (0.1, 0.2, 0.7), (0.9, 0.8, 0.1), (0.8, 0.1, 0.6)], np.float32)
PAGES = {"brown": (0.35, 0.22, 0.12), "green": (0.12, 0.28, 0.18), "blue": (0.2, 0.25, 0.45), "red": (0.55, 0.12, 0.14)}


def gray(seed: int) -> np.ndarray:
    return toned(scene(seed), (0.02, 0.02, 0.02), (0.97, 0.97, 0.96))


def target(picture: np.ndarray, side: int = 0, depth: int = 50) -> np.ndarray:
    """Lay a strip of color patches along one side."""
    turned = np.rot90(picture, side)
    strip = np.full((depth, turned.shape[1], 3), 0.1, np.float32)
    for number, patch in enumerate(PATCHES):
        strip[8:-8, 20 + 50 * number : 60 + 50 * number] = patch
    return np.rot90(np.vstack([strip, turned]), -side)


def mounted(picture: np.ndarray, page: tuple[float, ...], angle: float = 0.0) -> np.ndarray:
    """Lay the picture on a page, perhaps not quite straight."""
    height, width = picture.shape[:2]
    large = np.zeros((height + 120, width + 160, 3), np.float32)
    large[60:-60, 80:-80] = picture
    mask = np.zeros(large.shape[:2], np.float32)
    mask[60:-60, 80:-80] = 1
    turn = cv2.getRotationMatrix2D((large.shape[1] / 2, large.shape[0] / 2), angle, 1)
    large, mask = (cv2.warpAffine(layer, turn, layer.shape[1::-1]) for layer in (large, mask))
    grain = np.random.default_rng(3).normal(1, 0.03, large.shape[:2])[..., None]
    return large * mask[..., None] + np.array(page) * grain * (1 - mask[..., None])


def stamped(picture: np.ndarray) -> np.ndarray:
    picture = picture.copy()
    cv2.circle(picture, (70, 290), 30, (0.45, 0.1, 0.5), 9)
    picture[20:70, 400:450] = (0.7, 0.12, 0.15)
    return picture


def captioned(picture: np.ndarray) -> np.ndarray:
    margin = np.full((40, picture.shape[1], 3), (242, 237, 224), np.uint8)
    cv2.putText(margin, "Sommer 1937", (20, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (25, 40, 150), 2)
    return np.vstack([picture, margin.astype(np.float32) / 255])


def stained(picture: np.ndarray) -> np.ndarray:
    stain = np.zeros(picture.shape[:2], np.float32)
    cv2.circle(stain, (150, 200), 60, 1.0, -1)
    stain = cv2.GaussianBlur(stain, (0, 0), 25)[..., None]
    return picture * (1 - stain + stain * np.array([0.95, 0.84, 0.62], np.float32))


ASIDE = {
    "target above": target,
    "target beside": lambda picture: target(picture, 1),
    "target below": lambda picture: target(picture, 2, 40),
    **{f"on a {name} page": lambda picture, page=page: mounted(picture, page) for name, page in PAGES.items()},
    "crooked on a page": lambda picture: mounted(picture, PAGES["green"], 1.5),
    "target and page": lambda picture: target(mounted(picture, PAGES["brown"])),
    "stamped": stamped,
    "captioned": captioned,
    "stained": stained,
}


@pytest.mark.parametrize("kind", ASIDE)
def test_color_beside_or_on_a_gray_picture_does_not_count(kind):
    pictures = [base(seed) for base in (gray, sepia) for seed in range(3)]
    missed = sum(color_score(jpeg(eight_bits(ASIDE[kind](picture)), 85)) > 1 for picture in pictures)
    assert missed <= (2 if kind.startswith(("target", "captioned")) else 0)


def colored(seed: int) -> np.ndarray:
    """A picture whose parts have colors of their own."""
    hues = np.random.default_rng(seed).uniform(0.6, 1.2, (5, 7, 3)).astype(np.float32)
    return gray(seed) * cv2.resize(hues, (480, 360), interpolation=cv2.INTER_NEAREST)


@pytest.mark.parametrize("kind", [*ASIDE, "alone"])
def test_color_photograph_stays_one_whatever_lies_beside_it(kind):
    for seed in range(3):
        picture = ASIDE.get(kind, lambda picture: picture)(colored(seed))
        assert color_score(jpeg(eight_bits(picture), 85)) > 1


def test_face_that_was_tinted_by_hand_is_color():
    for seed in range(6):
        picture = gray(seed)
        face = np.zeros(picture.shape[:2], np.float32)
        cv2.ellipse(face, (240, 180), (45, 60), 0, 0, 360, 0.8, -1)
        face = cv2.GaussianBlur(face, (0, 0), 5)[..., None]
        tinted = picture * (1 - face) + picture * np.array([1.08, 0.92, 0.8], np.float32) * face
        assert color_score(jpeg(eight_bits(tinted), 90)) > 1
