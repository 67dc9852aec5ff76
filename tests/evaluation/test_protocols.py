import cv2
import numpy as np
import pytest

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.evaluate_options import DEFAULT_PROTOCOL
from colorize_cli.evaluation.metrics.measure import BY_KEY
from colorize_cli.evaluation.protocols import PROTOCOLS, find_protocol
from tests.evaluation.conftest import picture


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_gives_the_size_it_promises_and_known_headlines(name):
    protocol = PROTOCOLS[name]
    fitted = protocol.fit(picture(1, 300, 280))
    assert fitted.shape == ((300, 280, 3) if protocol.geometry == "native" else (protocol.size, protocol.size, 3))
    assert fitted.dtype == np.uint8
    assert set(protocol.headline) <= BY_KEY.keys()


def test_crop_keeps_the_shape_of_things_and_stretch_keeps_the_whole_picture():
    rgb = np.zeros((256, 512, 3), np.uint8)
    rgb[:, :128] = 255
    assert find_protocol("crop256").fit(rgb).max() == 0
    assert find_protocol("stretch256").fit(rgb)[:, :60].min() == 255


def test_ddcolor_resizes_as_opencv_does_by_default():
    rgb = picture(3, 400, 600)
    np.testing.assert_array_equal(find_protocol("ddcolor-stretch").fit(rgb), cv2.resize(rgb, (256, 256)))


def test_an_unknown_protocol_is_answered_with_the_names_there_are():
    with pytest.raises(UsageProblem, match="hwang-zhou"):
        find_protocol("nothing")
    assert DEFAULT_PROTOCOL in PROTOCOLS
