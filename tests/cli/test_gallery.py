"""``--gallery``: what is on the page, and that it works in a real browser."""

import os
import re
import signal
from pathlib import Path

import pytest

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.reports.gallery import Gallery
from colorize_cli.batch.reports.outcome import Outcome
from tests.browser import NEEDED, chromium
from tests.cli.conftest import make_photo, snapshot


def test_page_shows_every_photo_once_and_loads_nothing(run):
    for name in ("scans/a.jpg", "scans/b & <i>c</i>.png", "scans/d.tif"):
        make_photo(name)
    assert run("scans", "--gallery", "page.html").exit_code == 0
    page = Path("page.html").read_text()
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 6 and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "b &amp; &lt;i&gt;c&lt;/i&gt;.png" in page and "<i>" not in page
    assert page.count("Confidence 0.50") == 3 and "model gan" in page


def test_name_that_is_not_utf8_is_shown_with_escapes(run):
    make_photo("x.png")
    Path("x.png").rename(os.fsdecode(b"caf\xe9.png"))
    run(os.fsdecode(b"caf\xe9.png"), "--gallery", "page.html")
    assert r"caf\xe9.png" in Path("page.html").read_text("utf-8")


def test_the_least_certain_come_first_and_only_so_many_are_remembered(tmp_path):
    gallery = Gallery(ColorizeOptions(gallery=tmp_path / "page.html", gallery_size=3))
    for number, confidence in enumerate([0.9, 0.2, 0.5, 0.7, 0.1, 0.8]):
        photo = make_photo(tmp_path / f"{number}.png")
        gallery.add(Outcome(photo, photo, "done", details={"confidence": confidence}))
    gallery.add(Outcome(tmp_path / "bad.png", None, "failed", "broken"))
    page = gallery.write().read_text()
    assert re.findall(r"Confidence ([\d.]+)", page) == ["0.10", "0.20", "0.50"]


def test_photo_that_vanished_is_said_and_the_others_are_shown(tmp_path):
    gallery = Gallery(ColorizeOptions(gallery=tmp_path / "page.html"))
    here, gone = make_photo(tmp_path / "here.png"), tmp_path / "gone.png"
    for photo in (here, gone):
        gallery.add(Outcome(photo, photo, "done", notes=("a <warning>",), details={"confidence": 0.3}))
    page = gallery.write().read_text()
    assert page.count("<img") == 2 and "It cannot be shown" in page and "a &lt;warning&gt;" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--gallery", "page.html"], "'page.html' exists"),
        (["--gallery", "page.jpg"], "not the name of a web page"),
        (["--gallery", "nowhere/page.html"], "in a folder that exists"),
        (["--gallery", "new.html", "--gallery-size", "0"], "must be at least 1"),
    ],
)
def test_pages_that_cannot_be_are_refused_before_any_work(run, models, words, said):
    make_photo("a.jpg")
    Path("page.html").write_text("mine")
    before = snapshot()
    result = run("a.jpg", *words)
    assert (result.exit_code, models.loaded, snapshot()) == (2, [], before)
    assert said in result.stderr
    assert run("a.jpg", "--gallery", "new.html").exit_code == 0
    assert run("a.jpg", "--gallery", "new.html", "--overwrite").exit_code == 0
    assert "<article" in Path("new.html").read_text()


@pytest.mark.parametrize("option", ["--overwrite", "--skip-existing"])
def test_page_of_somebody_else_is_never_replaced(run, models, option):
    make_photo("a.jpg")
    Path("page.html").write_text("mine")
    Path("link.html").symlink_to("a.jpg")
    before = snapshot()
    for page in ("page.html", "link.html"):
        assert run("a.jpg", "--gallery", page, option).exit_code == 2
    assert snapshot() == before


@pytest.mark.parametrize("report", [(), ("--report", "report.jsonl")])
def test_resumed_run_keeps_what_the_page_showed(run, report):
    for name in ("a", "b", "c"):
        make_photo(f"scans/{name}.jpg")
    words = ("scans", "-o", "out", "--gallery", "page.html", "--skip-existing", *report)
    run(*words)
    for count in (3, 4):
        assert run(*words).exit_code == 0
        page = Path("page.html").read_text()
        assert page.count("<article") == count
        assert page.count("Confidence 0.50") == (count if report else count - 3)
        make_photo("scans/d.jpg")


def test_page_that_shows_more_than_the_run_knows_of_is_left_alone(run):
    for name in ("a", "b", "c"):
        make_photo(f"scans/{name}.jpg")
    run("scans", "-o", "out", "--gallery", "page.html")
    before = Path("page.html").read_bytes()
    result = run("scans/a.jpg", "-o", "out/", "--gallery", "page.html", "--skip-existing")
    assert result.exit_code == 0
    assert "was left as it is" in result.stderr
    assert Path("page.html").read_bytes() == before


def test_interrupted_run_leaves_a_page_of_what_was_made(run, models):
    for number in range(12):
        make_photo(f"scans/{number}.png")

    def interrupt():
        models.on_predict = lambda: None  # a second signal would abort at once
        os.kill(os.getpid(), signal.SIGINT)

    models.on_predict = interrupt
    result = run("scans", "-j", "1", "--gallery", "page.html")
    assert result.exit_code == 130
    made = result.stdout.split()
    assert 0 < len(made) < 12
    page = Path("page.html").read_text()
    assert page.count("<article") == len(made) and page.rstrip().endswith("</html>")


@pytest.mark.slow
@NEEDED
def test_the_page_works_in_a_browser_by_mouse_and_by_keyboard(run, tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.common.keys import Keys

    for number in range(3):
        make_photo(f"scans/{number}.png", width=400, height=300)
    run("scans", "--gallery", "page.html")
    driver = chromium(tmp_path, "--headless", "--window-size=1000,800")
    try:
        driver.get(Path("page.html").resolve().as_uri())
        images, sliders = (driver.find_elements("css selector", f".pair {kind}") for kind in ("img", "input"))
        assert len(images) == 6 and len(sliders) == 3
        assert all(driver.execute_script("return arguments[0].naturalWidth", image) == 400 for image in images)

        def shown():
            return [image.value_of_css_property("clip-path") for image in images[1::2]]

        before = shown()
        assert "50%" in before[0]
        webdriver.ActionChains(driver).move_to_element_with_offset(sliders[0], 120, 0).click().perform()
        dragged = shown()
        assert dragged[0] != before[0] and dragged[1:] == before[1:]

        def press(*keys):
            webdriver.ActionChains(driver).send_keys(*keys).perform()

        def focused():
            return sliders.index(driver.switch_to.active_element)

        driver.find_element("tag name", "h1").click()
        press("n", "n")
        assert focused() == 2
        press(Keys.ARROW_RIGHT * 3)
        assert sliders[2].get_attribute("value") == "53" and "53%" in shown()[2]
        driver.find_element("id", "previous").click()
        assert focused() == 1
        press(Keys.TAB * 4)  # its zoom, and the links to the files of the next
        assert focused() == 2
        press("p", "p")
        assert focused() == 0
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    finally:
        driver.quit()
