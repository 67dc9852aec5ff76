import numpy as np
from skimage.color import deltaE_ciede2000

from colorize_cli.imaging.color_difference import delta_e_2000


def test_delta_e_2000_equals_scikit_image():
    rng = np.random.default_rng(0)
    true = rng.uniform([0, -100, -100], [100, 100, 100], (5000, 3))
    predicted = true + rng.normal(0, 25, true.shape)
    predicted[:50, 1:] = 0
    true[25:75, 1:] = 0
    np.testing.assert_allclose(delta_e_2000(true, predicted), deltaE_ciede2000(true, predicted), rtol=1e-9, atol=1e-9)


def test_delta_e_2000_equals_the_published_test_data():
    # Rows 1, 7, 17 and 25 of the supplement of Sharma, Wu & Dalal.
    true = np.array([[50, 2.6772, -79.7751], [50, 0, 0], [50, 2.5, 0], [60.2574, -34.0099, 36.2677]])
    predicted = np.array([[50, 0, -82.7485], [50, -1, 2], [73, 25, -18], [60.4626, -34.1751, 39.4387]])
    np.testing.assert_allclose(delta_e_2000(true, predicted), [2.0425, 2.3669, 27.1492, 1.2644], atol=5e-5)
