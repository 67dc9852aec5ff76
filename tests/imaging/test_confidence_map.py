import numpy as np
import pytest
from PIL import Image

from colorize_cli.errors import OutputExists
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.companion_pictures import confidence_picture, write_confidence_map
from colorize_cli.imaging.metadata.xmp import Provenance

PROVENANCE = Provenance("gan", "0" * 64, "0.1", {"size": "192"})


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_sure_is_white_and_a_guess_is_black_and_the_border_lies_on_the_edge_of_the_photograph(depth):
    gray = np.full((300, 400), np.iinfo(depth).max // 4, depth)
    gray[:, 210:] = np.iinfo(depth).max * 3 // 4  # between two cells of the prediction
    confidence = np.zeros((30, 40), np.float32)
    confidence[:, 21:] = 1
    picture = confidence_picture(gray, confidence)
    assert picture.shape == gray.shape and picture.dtype == np.uint8
    assert (picture[:, :180] == 0).all() and (picture[:, 240:] == 255).all()
    middle = picture[150].astype(int)
    assert middle[212] - middle[207] > 100  # sharp, where plain interpolation takes ten pixels


def test_map_says_what_it_was_made_by_and_is_never_replaced_unasked(tmp_path):
    target = tmp_path / "a-confidence.png"
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write_confidence_map(target, picture, PROVENANCE)
    with Image.open(target) as image:
        assert image.mode == "L" and np.array_equal(np.asarray(image), picture)
    assert read_provenance(target) == PROVENANCE
    with pytest.raises(OutputExists):
        write_confidence_map(target, picture, PROVENANCE)
    write_confidence_map(target, picture + 1, PROVENANCE, overwrite=True)
    with Image.open(target) as image:
        assert np.array_equal(np.asarray(image), picture + 1)
