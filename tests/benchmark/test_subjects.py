import io

import numpy as np
from PIL import Image

from colorize_cli.benchmark.subjects import jpeg, scan, write_scans


def test_a_scan_is_the_same_every_time_and_another_for_another_seed():
    assert np.array_equal(scan(0.2, seed=3), scan(0.2, seed=3))
    assert not np.array_equal(scan(0.2, seed=3), scan(0.2, seed=4))


def test_a_scan_has_the_size_asked_for_and_compresses_like_one():
    gray = scan(1.0)
    assert abs(gray.size / 1e6 - 1.0) < 0.02 and gray.dtype == np.uint8
    bits = len(jpeg(gray)) * 8 / gray.size
    assert 1.0 < bits < 3.5
    assert gray.std() > 15 and (gray < 20).mean() + (gray > 240).mean() < 0.2


def test_generated_folders_hold_gray_jpeg_files_of_the_sizes_in_turn(tmp_path):
    paths = list(write_scans(tmp_path, 3, sizes=(0.02, 0.05)))
    with Image.open(io.BytesIO(paths[1].read_bytes())) as picture:
        assert picture.mode == "L" and picture.format == "JPEG"
        assert abs(picture.width * picture.height / 1e6 - 0.05) < 0.01
    assert len({path.read_bytes() for path in paths}) == 3
