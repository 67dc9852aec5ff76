import cv2
import numpy as np
import pytest

from colorize_cli.imaging import geometry
from colorize_cli.imaging.geometry import resize

SHAPES = [(1, 4000), (4000, 1), (1, 1), (33, 47), (300, 200), (128, 128), (127, 2000), (5, 9)]


def ramps(height, width):
    """Two channels that rise linearly with x and with y; values at pixel centers, 0..1 from border to border."""
    y, x = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    return np.stack(np.broadcast_arrays(x[None, :], y[:, None])).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", ["letterbox", "stretch", "rectangle"])
def test_any_shape_fits_and_comes_back_covering_the_whole_picture(shape, how):
    gray = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    canvas, placement = geometry.fit(gray, 128, how)
    assert canvas.shape == placement.canvas and canvas.dtype == np.uint8
    assert max(placement.canvas) == 128 and all(side % 32 == 0 for side in placement.canvas)
    for fraction in (1, 2, 4):
        ab = geometry.unfit(np.zeros((2, *(side // fraction for side in canvas.shape)), np.float32), placement)
        assert ab.shape == (2, max(1, placement.height // fraction), max(1, placement.width // fraction))


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (97, 411), (411, 97), (64, 64), (50, 33)])
@pytest.mark.parametrize("how", ["letterbox", "stretch", "rectangle"])
@pytest.mark.parametrize("fraction", [1, 2, 4])
def test_a_ramp_returns_unshifted_through_a_model_of_any_resolution(shape, how, fraction):
    original = ramps(*shape)
    # The padding gets a value far off, so that any of it in the result shows.
    fitted = [geometry.fit(plane, 128, how, fill=50.0) for plane in original]
    placement = fitted[0][1]
    height, width = placement.canvas
    predicted = np.stack([geometry.resize(canvas, height // fraction, width // fraction) for canvas, _ in fitted])
    back = np.stack([cv2.resize(plane, shape[::-1]) for plane in geometry.unfit(predicted, placement)])
    # Half a cell at the border is constant, as in any linear interpolation.
    margin = [
        max(2, int(np.ceil(size / content * fraction)))
        for size, content in zip(shape, (placement.height, placement.width), strict=True)
    ]
    inner = np.s_[:, margin[0] : -margin[0], margin[1] : -margin[1]]
    np.testing.assert_allclose(back[inner], original[inner], atol=1e-3)
    assert np.abs(back - original).max() < 0.6 * fraction / min(placement.height, placement.width) + 1e-3


@pytest.mark.parametrize("predicted", [31, 50, 100])
def test_boxes_that_end_between_cells_are_cut_without_shift_or_padding(predicted):
    placement = geometry.Placement((128, 128), 0, 27, 128, 73)
    x = (np.arange(predicted) + 0.5) / predicted * 128
    inside = (x - 0.5 * 128 / predicted >= 27) & (x + 0.5 * 128 / predicted <= 100)
    ab = np.broadcast_to(np.where(inside, x - 27, 1e6), (2, predicted, predicted))
    out = geometry.unfit(ab.astype(np.float32), placement)[0, 0]
    expected = (np.arange(out.size) + 0.5) / out.size * 73
    np.testing.assert_allclose(out[2:-2], expected[2:-2], rtol=1e-4)
    assert out.max() < 73


def test_default_padding_repeats_the_border():
    gray = np.full((10, 40), 77, np.uint16)
    canvas, _ = geometry.fit(gray, 64)
    assert canvas.dtype == np.uint16
    np.testing.assert_array_equal(canvas, 77)


def test_fill_is_used_outside_the_box_only():
    canvas, placement = geometry.fit(np.full((64, 32), 9, np.uint8), 64, fill=200)
    inside = canvas[:, placement.left : placement.left + placement.width]
    assert (inside == 9).all()
    assert (canvas == 200).sum() == canvas.size - inside.size


def test_shrinking_averages_instead_of_skipping_pixels():
    stripes = np.tile(np.array([0, 1], np.float32), (512, 256))
    np.testing.assert_allclose(geometry.fit(stripes, 64, "stretch")[0], 0.5, atol=1e-6)


def test_rectangle_is_no_larger_than_it_must_be():
    canvas, placement = geometry.fit(np.zeros((300, 1000), np.uint8), 256, "rectangle")
    assert canvas.shape == (96, 256)
    assert (placement.height, placement.width) == (76, 256)


def test_unknown_way_of_fitting_is_refused():
    with pytest.raises(ValueError, match="letterbox"):
        geometry.fit(np.zeros((4, 4), np.uint8), 8, "crop")


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 100)])
def test_white_padding_is_white_in_every_type_and_never_comes_back(dtype, white):
    canvas, placement = geometry.fit(np.zeros((20, 60), dtype), 64, "letterbox-white")
    assert canvas.shape == (64, 64) and canvas.dtype == dtype
    assert canvas[0, 0] == white and canvas[-1, -1] == white and canvas[32, 32] == 0
    ab = np.where(canvas[None] == white, np.float32(50), np.float32(-3)).repeat(2, 0)
    assert (geometry.unfit(ab, placement) == -3).all()


@pytest.mark.parametrize("shape", [(1601, 1599), (1600, 1601), (997, 2003)])
def test_odd_sizes_shrink_to_the_same_places_as_by_exact_areas(shape):
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    plane = (rows / shape[0] * 100 + columns / shape[1] * 70).astype(np.float32)
    exact = cv2.resize(cv2.resize(plane, (24, shape[0]), interpolation=cv2.INTER_AREA), (24, 18), interpolation=3)
    np.testing.assert_allclose(resize(plane, 18, 24), exact, atol=0.15)
