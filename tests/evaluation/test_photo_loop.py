import io

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage.color import rgb2lab

from colorize_cli.color_photos import decode_color
from colorize_cli.errors import TruncatedPhoto, UsageProblem
from colorize_cli.evaluation.photo_loop import find_photographs, gray_of, list_hash
from tests.evaluation.conftest import picture, png


def test_archives_within_archives_are_searched_and_names_do_not_depend_on_the_place(photos):
    names = [photo.name for photo in find_photographs([photos])]
    assert names == ["0.png", "1.png", "2.png", *(f"more.zip!inner.zip!deep/{i}.png" for i in (3, 4, 5))]


def test_limit_is_a_seeded_choice_in_the_order_of_the_list(photos):
    chosen = [photo.name for photo in find_photographs([photos], limit=3, seed=1)]
    assert chosen == [photo.name for photo in find_photographs([photos], limit=3, seed=1)]
    assert chosen == sorted(chosen) and len(chosen) == 3
    assert {tuple(p.name for p in find_photographs([photos], limit=3, seed=s)) for s in range(8)} != {tuple(chosen)}


def test_a_photograph_keeps_its_place_in_a_limited_choice_when_others_are_added(photos):
    before = {photo.name for photo in find_photographs([photos], limit=3)}
    (photos / "new.png").write_bytes(png(picture(99)))
    after = {photo.name for photo in find_photographs([photos], limit=3)}
    assert len(before & after) >= 2


def test_an_empty_folder_and_a_broken_archive_are_usage_errors(tmp_path):
    with pytest.raises(UsageProblem, match="no photographs"):
        find_photographs([tmp_path])
    (tmp_path / "broken.zip").write_bytes(b"PK nothing")
    with pytest.raises(UsageProblem, match=r"broken\.zip"):
        find_photographs([tmp_path])


def test_list_hash_depends_on_contents_alone():
    assert list_hash([("a", "1"), ("b", "2")]) == list_hash([("x/b", "2"), ("x/a", "1")])
    assert list_hash([("a", "1")]) != list_hash([("a", "2")])


def test_the_truth_is_upright_and_srgb():
    image = Image.fromarray(picture(1))
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    image.save(stream, "PNG", exif=exif)
    np.testing.assert_array_equal(decode_color(stream.getvalue(), "x"), np.rot90(picture(1), -1))
    stream = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(stream, "PNG", icc_profile=profile)
    assert np.abs(decode_color(stream.getvalue(), "x").astype(int) - picture(1)).max() <= 1


def test_damaged_files_are_photo_errors():
    with pytest.raises(TruncatedPhoto, match="holiday"):
        decode_color(png(picture(1))[:200], "holiday")


def test_the_gray_of_a_picture_has_its_lightness():
    rgb = picture(2)
    gray = gray_of(rgb)
    assert gray.dtype == np.uint16
    neutral = np.repeat(gray[..., None] / 65535, 3, axis=-1)
    np.testing.assert_allclose(rgb2lab(neutral)[..., 0], rgb2lab(rgb)[..., 0], atol=5e-3)
