"""What is a color photograph, and what only a toned, faded, cast or noisy gray one.

Color beside or on a gray picture is not the picture's; local color that follows the picture is.
"""

import io
import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from colorize_cli.imaging.toning import color_score


def scene(seed: int = 0, height: int = 360, width: int = 480) -> np.ndarray:
    """A gray picture of smooth shapes and edges, float 0..1 (H, W)."""
    rng = np.random.default_rng(seed)
    gray = cv2.resize(rng.random((6, 8)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(12):
        x, y, w, h = rng.integers(0, (width, height, width // 3, height // 3))
        gray[y : y + h, x : x + w] += rng.uniform(-0.3, 0.3)
    return np.clip(gray + rng.normal(0, 0.02, gray.shape), 0, 1).astype(np.float32)


def eight_bits(rgb: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def toned(gray: np.ndarray, dark: tuple[float, ...], light: tuple[float, ...]) -> np.ndarray:
    """A print whose blacks and whites are the given colors."""
    low, high = np.array(dark, np.float32), np.array(light, np.float32)
    return low + gray[..., None] * (high - low)


def jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def sepia(seed: int = 0) -> np.ndarray:
    return toned(scene(seed), (0.18, 0.10, 0.05), (0.96, 0.88, 0.72))


def faded(seed: int) -> np.ndarray:
    """Yellowed from one edge, as paper that lay in the light."""
    rgb = toned(scene(seed), (0.25, 0.22, 0.2), (0.9, 0.88, 0.84))
    rgb[..., 2] *= np.linspace(0.75, 1, rgb.shape[1], dtype=np.float32)
    return rgb


def fringed(seed: int) -> np.ndarray:
    """Red and blue moved a pixel and a half apart, as by a scanner out of register."""
    gray = scene(seed)
    move = [cv2.warpAffine(gray, np.float32([[1, 0, x], [0, 1, 0]]), gray.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
            for x in (-0.75, 0, 0.75)]  # fmt: skip
    return np.stack(move, axis=2)


NOT_COLOR = {
    "gray": lambda seed: toned(scene(seed), (0, 0, 0), (1, 1, 1)),
    "sepia": sepia,
    "cyanotype": lambda seed: toned(scene(seed), (0.02, 0.12, 0.3), (0.9, 0.95, 0.97)),
    "split toned": lambda seed: toned(scene(seed), (0.1, 0.1, 0.22), (1, 0.95, 0.82)),
    "slight cast": lambda seed: toned(scene(seed), (0.0, 0.03, 0.02), (0.97, 1.0, 0.95)),
    "faded": faded,
    "color fringes": fringed,
    "chroma noise": lambda seed: (
        toned(scene(seed), (0, 0, 0), (1, 1, 1)) + np.random.default_rng(seed).normal(0, 0.06, (360, 480, 3))
    ),
}


@pytest.mark.parametrize("kind", NOT_COLOR)
def test_tones_casts_and_scanner_faults_are_no_color(kind):
    for seed in range(4):
        rgb = eight_bits(NOT_COLOR[kind](seed))
        assert color_score(rgb) < 0.9
        assert color_score(jpeg(rgb, 60)) < 0.9
        assert color_score(rgb.astype(np.uint16) * 257) == pytest.approx(color_score(rgb), abs=0.1)


def test_hand_tinted_sepia_is_color():
    for seed in range(4):
        rgb = sepia(seed)
        cheeks = np.zeros(rgb.shape[:2], np.float32)
        cv2.circle(cheeks, (240, 150), 40, 1.0, -1)
        cv2.rectangle(cheeks, (60, 220), (200, 340), -1.0, -1)
        cheeks = cv2.GaussianBlur(cheeks, (0, 0), 5)[..., None]
        tinted = rgb + np.maximum(cheeks, 0) * (0.08, -0.06, -0.04) + np.maximum(-cheeks, 0) * (-0.08, 0.0, 0.1)
        assert color_score(jpeg(eight_bits(tinted), 85)) > 1


def test_muted_colors_are_color():
    for seed in range(4):
        rgb = toned(scene(seed), (0, 0, 0), (1, 1, 1))
        rgb[:120] *= (0.85, 0.95, 1.1)  # a pale sky
        rgb[240:] *= (0.9, 1.05, 0.8)  # a meadow
        assert color_score(eight_bits(rgb)) > 1


def test_few_pixels_tell_nothing():
    assert color_score(np.zeros((1, 1, 3), np.uint8)) == 0
    assert color_score(np.random.default_rng(0).integers(0, 255, (5, 7, 3)).astype(np.uint8)) == 0
    assert np.isfinite(color_score(np.random.default_rng(0).integers(0, 255, (2, 3000, 3)).astype(np.uint8)))


TINTED = {"018.jpg", "024.jpg"}
"""The hand-tinted ones among the historical photographs."""


@pytest.mark.photos
@pytest.mark.skipif("COLORIZE_PHOTOS" not in os.environ, reason="COLORIZE_PHOTOS is not set")
def test_real_old_photographs_are_kept_and_real_color_photographs_are_found():
    folder = Path(os.environ["COLORIZE_PHOTOS"])
    old = {path.name for path in (folder / "historical").glob("*.jpg")
           if color_score(np.asarray(Image.open(path).convert("RGB"))) > 1}  # fmt: skip
    assert old == TINTED
    with zipfile.ZipFile(folder / "val.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".webp")][::3]
        found = sum(color_score(np.asarray(Image.open(archive.open(name)).convert("RGB"))) > 1 for name in names)
    assert found >= 0.97 * len(names)


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


def taped(picture: np.ndarray, angle: float = 0.0, tint: tuple[float, ...] = (1.0, 0.85, 0.55)) -> np.ndarray:
    """Lay a strip of old adhesive tape on the picture."""
    corners = cv2.boxPoints(((130, 250), (150, 70), angle)).round().astype(np.int32)
    tape = np.zeros(picture.shape[:2], np.float32)
    cv2.fillConvexPoly(tape, corners, 1.0)
    return picture * (1 - tape[..., None] + tape[..., None] * np.array(tint, np.float32))


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
    "taped": taped,
    "taped askew": lambda picture: taped(picture, 17.0),
    "taped, pale": lambda picture: taped(picture, -8.0, (1.0, 0.92, 0.75)),
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
