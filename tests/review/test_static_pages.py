"""The pages that need no server, the gallery and the report of an evaluation: for everybody, at any width."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.cli import main
from tests.review.conftest import scene
from tests.review.test_in_browser import axe_source, browser, pytestmark, severe, violations

__all__ = ["browser", "pytestmark"]


@pytest.fixture
def gallery(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    for number, size in enumerate([(800, 600), (400, 900)]):
        scene(*size).save(tmp_path / "scans" / f"{number}.png")
    assert main(["scans", "-q", "-o", "out/", "--gallery", "page.html"]) == 0
    return tmp_path / "page.html"


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        small = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        small.resize((160, 120), Image.Resampling.BICUBIC).save(tmp_path / "photos" / f"{number}.png")
    assert main(["evaluate", "photos", "-m", "gan", "--protocol", "native", "-o", "results", "-q"]) == 0
    return next(tmp_path.rglob("report.html"))


@pytest.mark.parametrize("page", ["gallery", "report"])
def test_axe_finds_nothing_and_nothing_overflows(browser, page, request):
    axe_source()
    path: Path = request.getfixturevalue(page)
    for dark in (False, True):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        for width in (375, 1280, 1600):
            screen = {"width": width, "height": 720, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
            browser.get(path.as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), width
            assert violations(browser) == []
    assert severe(browser) == []


def test_each_photo_of_the_gallery_fits_a_small_laptop_and_links_to_its_files(browser, gallery):
    screen = {"width": 1366, "height": 720, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(gallery.as_uri())
    for article in browser.find_elements("tag name", "article"):
        header = browser.find_element("tag name", "header").size["height"]
        assert article.size["height"] + header <= 720
        targets = [link.get_attribute("href") for link in article.find_elements("tag name", "a")]
        assert len(targets) == 2 and all(Path(target.removeprefix("file://")).is_file() for target in targets)
    zoom = browser.find_element("css selector", ".zoom")
    before = browser.find_element("css selector", ".pair").size["width"]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", zoom)
    zoom.click()
    assert browser.find_element("css selector", ".pair").size["width"] > before
