import cv2
import numpy as np
import pytest
from skimage.color import rgb2lab

from colorize_cli.imaging.color import lightness
from colorize_cli.imaging.recombine.join import recombine

TOP = {8: 255, 16: 65535}
DTYPE = {8: np.uint8, 16: np.uint16}


def noise(depth, shape, seed=0):
    return np.random.default_rng(seed).integers(0, TOP[depth] + 1, shape, dtype=DTYPE[depth])


def chroma(scale, shape=(12, 9), seed=1):
    return (np.random.default_rng(seed).uniform(-1, 1, (2, *shape)) * scale).astype(np.float32)


def lab_of(rgb):
    return rgb2lab(rgb / np.float64(np.iinfo(rgb.dtype).max))


@pytest.mark.parametrize("source", [8, 16])
@pytest.mark.parametrize(("depth", "mean", "highest"), [(8, 0.25, 0.5), (16, 0.01, 0.1)])
@pytest.mark.parametrize("scale", [15, 60, 130])
def test_lightness_of_the_scan_survives_any_chroma(source, depth, mean, highest, scale):
    gray = noise(source, (97, 131))
    rgb = recombine(gray, chroma(scale), depth=depth)
    assert rgb.dtype == DTYPE[depth] and rgb.shape == (97, 131, 3)
    error = np.abs(lab_of(rgb)[..., 0] - lightness(gray))
    assert error.mean() <= mean
    assert error.max() <= highest


@pytest.mark.parametrize("depth", [8, 16])
def test_every_gray_level_stays_itself_without_chroma(depth):
    gray = np.arange(TOP[depth] + 1, dtype=DTYPE[depth]).reshape(16, -1)
    ab = chroma(40)
    for rgb in (recombine(gray, ab, strength=0), recombine(gray, np.zeros_like(ab))):
        np.testing.assert_array_equal(rgb, np.repeat(gray[..., None], 3, axis=2))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("source", [8, 16])
def test_neutral_regions_of_a_colored_picture_stay_neutral(source, depth):
    gray = np.sort(noise(source, (64, 200)).reshape(-1)).reshape(64, 200)
    ab = np.zeros((2, 64, 200), np.float32)
    ab[:, :, 100:] = 30
    rgb = recombine(gray, ab, depth=depth)[:, :80].astype(int)
    assert (np.ptp(rgb, axis=2) == 0).all()
    levels = gray[:, :80].astype(int)
    expected = {(8, 8): levels, (16, 16): levels, (8, 16): levels * 257, (16, 8): (levels + 128) // 257}
    np.testing.assert_array_equal(rgb[..., 0], expected[source, depth])


def test_chroma_in_gamut_arrives_unchanged():
    gray = np.full((40, 50), 30000, np.uint16)
    ab = np.broadcast_to(np.array([20, -15], np.float32)[:, None, None], (2, 5, 5))
    lab = lab_of(recombine(gray, ab))
    np.testing.assert_allclose(lab[..., 1:], np.broadcast_to([20, -15], (40, 50, 2)), atol=0.05)


@pytest.mark.parametrize("angle", range(0, 360, 30))
def test_out_of_gamut_chroma_keeps_its_hue(angle):
    gray = np.linspace(4000, 62000, 300, dtype=np.uint16)[None].repeat(4, axis=0)
    hue = np.deg2rad(angle)
    ab = np.broadcast_to((140 * np.array([np.cos(hue), np.sin(hue)]))[:, None, None], (2, 3, 4)).astype(np.float32)
    lab = lab_of(recombine(gray, ab))
    strong = np.hypot(lab[..., 1], lab[..., 2]) > 5
    turned = np.rad2deg(np.arctan2(lab[..., 2], lab[..., 1]) - hue)
    assert np.abs((turned[strong] + 180) % 360 - 180).max() < 1
    assert np.abs(lab[..., 0] - lightness(gray)).max() < 0.02


def test_strength_scales_chroma():
    gray = np.full((30, 30), 40000, np.uint16)
    ab = np.full((2, 4, 4), 20, np.float32)
    np.testing.assert_allclose(lab_of(recombine(gray, ab, strength=0.5))[..., 1:], 10, atol=0.05)


@pytest.mark.parametrize("depth", [8, 16])
def test_strips_and_threads_change_nothing(depth):
    gray = noise(depth, (211, 173))
    ab = chroma(80)
    whole = recombine(gray, ab, threads=1, strip_pixels=1 << 30)
    for pixels, threads in ((1, 1), (173 * 7, 1), (173 * 13, 3)):
        again = recombine(gray, ab, threads=threads, strip_pixels=pixels)
        # The last digit of float32 may differ where a strip ends within a vector of the processor.
        assert np.abs(again.astype(int) - whole).max() <= (depth == 16)
        assert (again != whole).mean() < 1e-4


@pytest.mark.parametrize("shape", [(1024, 1024), (1031, 1101), (31, 34001), (2, 600_000), (1, 1 << 20)])
def test_large_scans_keep_their_lightness_whatever_the_strips(shape):
    gray = noise(8, shape)
    ab = chroma(60)
    whole = recombine(gray, ab, threads=1)
    np.testing.assert_array_equal(recombine(gray, ab, threads=3, strip_pixels=9 * shape[1]), whole)
    step = slice(None, None, 97)
    flat, levels = whole.reshape(-1, 3)[step], gray.reshape(-1)[step]
    error = np.abs(lab_of(flat[None])[0, :, 0] - lightness(levels))
    assert error.mean() <= 0.12 and error.max() <= 0.5


@pytest.mark.parametrize("shape", [(300, 400), (1100, 1000)])
def test_colors_at_8_bits_are_those_computed_at_16(shape):
    rows, columns = np.mgrid[: shape[0], : shape[1]] / max(shape)
    gray = (90 + 60 * np.sin(9 * rows) * np.cos(7 * columns)).astype(np.uint8)
    ab = cv2.GaussianBlur(chroma(90, (24, 32)).transpose(1, 2, 0), (0, 0), 2).transpose(2, 0, 1)
    looked_up, computed = lab_of(recombine(gray, ab)), lab_of(recombine(gray, ab, depth=16))
    chroma_weight = 1 + 0.045 * np.hypot(*np.moveaxis(computed[..., 1:], -1, 0))
    difference = np.hypot(*np.moveaxis(looked_up[..., 1:] - computed[..., 1:], -1, 0)) / chroma_weight
    assert difference.mean() < 0.4 and np.percentile(difference, 99) < 1.2


def test_color_of_large_scans_ends_at_their_edges():
    gray = np.full((1000, 1200), 90, np.uint8)
    gray[:, 600:] = 190
    coarse = np.zeros((2, 20, 24), np.float32)
    coarse[0, :, :12], coarse[0, :, 12:] = -25, 25
    a = lab_of(recombine(gray, coarse))[500, :, 1]
    assert np.abs(a[:597] + 25).max() < 4 and np.abs(a[603:] - 25).max() < 4


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (33, 47), (2, 3), (4, 1), (1, 4), (3, 3), (4, 4)])
@pytest.mark.parametrize("source", [8, 16])
@pytest.mark.parametrize("depth", [8, 16])
def test_odd_sizes_keep_their_lightness(shape, source, depth):
    gray = noise(source, shape)
    rgb = recombine(gray, chroma(60, (3, 2)), depth=depth)
    assert rgb.shape == (*shape, 3)
    assert np.abs(lab_of(rgb)[..., 0] - lightness(gray)).max() < 0.5


def test_views_are_read_as_they_are():
    gray = noise(8, (60, 80))
    ab = chroma(30)
    np.testing.assert_array_equal(recombine(gray[:, ::2], ab), recombine(gray[:, ::2].copy(), ab))


@pytest.mark.parametrize(
    ("gray", "ab", "options"),
    [
        (noise(8, (4, 4)), chroma(9), {"strength": 1.5}),
        (noise(8, (4, 4)), chroma(9), {"depth": 12}),
        (noise(8, (4, 4, 3)), chroma(9), {}),
        (noise(8, (4, 4)), chroma(9)[0], {}),
    ],
)
def test_impossible_arguments_are_refused(gray, ab, options):
    with pytest.raises(ValueError):
        recombine(gray, ab, **options)
