"""The page in a real Chromium, with the bundled model and the server as users start it."""

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.cli import main
from colorize_cli.imaging.color import srgb_to_lab
from tests.browser import NEEDED, chromium
from tests.review.conftest import scene

pytest.importorskip("selenium.webdriver")
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.support.wait import WebDriverWait

pytestmark = [pytest.mark.slow, NEEDED]
SERIOUS = {"serious", "critical", "moderate"}


def axe_source() -> str:
    """Return axe-core as a test dependency brings it: the file that COLORIZE_AXE names, else axe-selenium-python's."""
    if "COLORIZE_AXE" in os.environ:
        return Path(os.environ["COLORIZE_AXE"]).read_text("utf-8")
    package = pytest.importorskip("axe_selenium_python", reason="needs axe-core: pip install axe-selenium-python")
    return (Path(package.__file__).parent / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


@pytest.fixture
def scans(tmp_path):
    home = tmp_path / "scans"
    (home / "album").mkdir(parents=True)
    scene(800, 600).save(home / "a.png")
    scene(600, 400).save(home / "b.jpg", quality=95)
    scene(600, 400).save(home / "album" / "c.tif")
    return home


@pytest.fixture
def serve():
    """Start `colorize review` and return its address; what was started ends with the test."""
    started = []

    def begin(*words, cwd=None):
        command = [sys.executable, "-m", "colorize_cli", "review", *map(str, words), "--no-browser", "--device", "cpu"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=cwd)
        started.append(process)
        begin.process = process
        return process.stdout.readline().strip()

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def browser(tmp_path):
    driver = chromium(tmp_path, "--headless=new", "--window-size=1280,800")
    yield driver
    driver.quit()


def wait(browser, condition, seconds=60):
    return WebDriverWait(browser, seconds, poll_frequency=0.05).until(lambda _: condition())


def opened(browser, address):
    browser.get(address)
    wait(browser, lambda: browser.find_element("tag name", "body").get_attribute("data-ready") == "true")


def open_photo(browser, number):
    browser.execute_script(f"location.hash = '#/{number}'")
    shown(browser)


def shown(browser):
    """Wait until a photo is open in color and nothing is under way."""
    script = (
        "const image = document.getElementById('color');"
        "return image.src && image.naturalWidth > 0 && document.getElementById('busy').hidden"
    )
    wait(browser, lambda: browser.execute_script(script))


def pixels(browser, image="color"):
    """Return the preview that is shown, RGB."""
    script = (
        "const image = document.getElementById(arguments[0]), canvas = document.createElement('canvas');"
        "canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;"
        "canvas.getContext('2d').drawImage(image, 0, 0); return canvas.toDataURL('image/png').split(',')[1]"
    )
    import io

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(browser.execute_script(script, image)))).convert("RGB"))


def ab(rgb):
    return srgb_to_lab(rgb.astype(np.float32) / 255)[..., 1:]


def click(browser, identity):
    element = browser.find_element("id", identity)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def press(browser, *keys):
    ActionChains(browser).send_keys(*keys).perform()


def painted(browser):
    return int(browser.find_element("tag name", "body").get_attribute("data-painted") or 0)


def severe(browser):
    return [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def violations(browser):
    browser.execute_script(axe_source())
    found = browser.execute_async_script(
        "const done = arguments[0], place = document.querySelector('dialog[open]') ?? document;"
        "axe.run(place, { resultTypes: ['violations'] }).then(r => done(r.violations))"
    )
    return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found if one["impact"] in SERIOUS]


def test_a_painted_stroke_brings_its_color_and_stops_at_the_edge(browser, serve, scans):
    opened(browser, serve(scans))
    open_photo(browser, 0)
    before = pixels(browser)
    click(browser, "mode-paint")
    browser.execute_script(
        "const any = document.getElementById('any-color');"
        "any.value = '#b03a30'; any.dispatchEvent(new Event('input'));"
        "const size = document.getElementById('brush-size'); size.value = 2; size.dispatchEvent(new Event('input'))"
    )
    stage = browser.find_element("id", "stage")
    browser.execute_script("arguments[0].scrollIntoView()", stage)
    left, top = browser.execute_script(
        "const p = document.getElementById('picture').getBoundingClientRect(),"
        "s = document.getElementById('stage').getBoundingClientRect();"
        "return [p.left + p.width / 4 - (s.left + s.width / 2), p.top + p.height / 2 - (s.top + s.height / 2)]"
    )
    drawing = ActionChains(browser, duration=50).move_to_element_with_offset(stage, round(left) - 40, round(top))
    drawing.click_and_hold().move_by_offset(40, 0).move_by_offset(40, 0).release().perform()
    wait(browser, lambda: painted(browser) == 1)
    after = pixels(browser)
    strokes = np.asarray(Image.open(scans / "a-hints.png").resize((800, 600), Image.Resampling.NEAREST))
    under = strokes[..., 3] > 0
    assert under.sum() > 1000
    # The nearest color that sRGB has at this lightness: a gray of the same L* pulled as far as it goes.
    from colorize_cli.imaging.recombine.join import recombine

    wanted = ab(np.array([[[0xB0, 0x3A, 0x30]]], np.uint8))[0, 0]
    gray = np.asarray(Image.open(scans / "a.png"))
    reachable = ab(recombine(gray, np.broadcast_to(wanted[:, None, None], (2, 600, 800)).astype(np.float32)))
    assert np.linalg.norm(ab(after)[under].mean(0) - reachable[under].mean(0)) < 6
    beyond = np.s_[:, 424:]
    assert np.abs(ab(after)[beyond] - ab(before)[beyond]).mean((0, 1)).max() < 1
    assert np.linalg.norm(ab(after)[200:400, 60:340].mean((0, 1)) - ab(before)[200:400, 60:340].mean((0, 1))) > 10
    click(browser, "undo")
    wait(browser, lambda: painted(browser) == 2)
    assert np.abs(ab(pixels(browser)) - ab(before)).mean() < 0.5 and not (scans / "a-hints.png").exists()
    click(browser, "redo")
    wait(browser, lambda: painted(browser) == 3)
    assert (scans / "a-hints.png").exists() and severe(browser) == []


def test_accept_reject_restart_and_apply(browser, serve, scans, tmp_path):
    address = serve(scans)
    opened(browser, address)
    open_photo(browser, 0)
    click(browser, "accept")
    wait(browser, lambda: browser.find_element("id", "accept").get_attribute("aria-pressed") == "true")
    open_photo(browser, 1)
    browser.find_element("id", "note").send_keys("too red")
    click(browser, "reject")
    wait(browser, lambda: browser.find_element("id", "reject").get_attribute("aria-pressed") == "true")
    serve.process.send_signal(signal.SIGKILL)
    serve.process.wait()
    opened(browser, serve(scans))
    wait(browser, lambda: "1 accepted · 1 rejected" in browser.find_element("id", "counts").text)
    open_photo(browser, 1)
    assert browser.find_element("id", "note").get_attribute("value") == "too red"
    click(browser, "apply")
    click(browser, "apply-start")
    wait(browser, lambda: "1 written" in browser.find_element("id", "apply-state").text)
    assert [path.name for path in (scans / "final").rglob("*.*")] == ["a.png"]
    assert main(["--from-review", str(scans / "review.jsonl"), "-o", str(tmp_path / "out"), "-q"]) == 0
    by_page, by_command = (
        np.asarray(Image.open(folder / "a.png")).astype(int) for folder in (scans / "final", tmp_path / "out")
    )
    # Another number of threads rounds differently, and single pixels fall on the next step of chroma.
    difference = np.abs(by_page - by_command)
    assert (difference > 2).mean() < 1e-3 and difference.max() <= 8


def test_ctrl_c_ends_the_server_with_0(serve, scans):
    serve(scans)
    serve.process.send_signal(signal.SIGINT)
    assert serve.process.wait(20) == 0


def test_a_dropped_photo_is_colorized_and_saved(browser, serve, scans, tmp_path):
    (tmp_path / "empty").mkdir()
    opened(browser, serve(cwd=tmp_path / "empty"))
    assert browser.find_element("id", "empty").is_displayed()
    content = base64.b64encode((scans / "b.jpg").read_bytes()).decode()
    browser.execute_script(
        "const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0)), transfer = new DataTransfer();"
        "transfer.items.add(new File([bytes], 'grandma.jpg', { type: 'image/jpeg' }));"
        "for (const kind of ['dragenter', 'dragover', 'drop'])"
        "  document.body.dispatchEvent("
        "    new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }))",
        content,
    )
    wait(browser, lambda: browser.find_element("id", "photo-title").text == "grandma.jpg")
    shown(browser)
    click(browser, "save")
    path = browser.downloads / "grandma-color.jpg"
    wait(browser, path.exists)
    colored = Image.open(path)
    assert colored.size == (600, 400) and colored.mode == "RGB"
    assert list((tmp_path / "empty").iterdir()) == [] and severe(browser) == []


def test_everything_by_keyboard(browser, serve, scans):
    opened(browser, serve(scans))
    wait(browser, lambda: browser.switch_to.active_element.get_attribute("id") == "grid")
    press(browser, Keys.ARROW_RIGHT, Keys.ENTER)
    shown(browser)
    assert browser.find_element("id", "photo-title").text == "b.jpg"
    press(browser, "a")
    wait(browser, lambda: browser.find_element("id", "accept").get_attribute("aria-pressed") == "true")
    press(browser, "n")
    press(browser, "fine", Keys.ESCAPE)
    wait(browser, lambda: json.loads((scans / "review.jsonl").read_text().splitlines()[-1])["note"] == "fine")
    press(browser, " ")
    assert "100%" in browser.find_element("id", "color").value_of_css_property("clip-path")
    press(browser, " ")
    handle = browser.find_element("id", "handle")
    browser.execute_script("arguments[0].focus()", handle)
    press(browser, Keys.ARROW_RIGHT * 5)
    assert handle.get_attribute("aria-valuenow") == "55"
    browser.execute_script("document.getElementById('stage').focus()")
    press(browser, "p", Keys.ARROW_LEFT * 3, Keys.ENTER)
    wait(browser, lambda: painted(browser) == 1)
    assert (scans / "b-hints.png").exists()
    ActionChains(browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    wait(browser, lambda: painted(browser) == 2)
    press(browser, "p", Keys.ARROW_RIGHT)
    wait(browser, lambda: browser.find_element("id", "photo-title").text == "c.tif")
    shown(browser)
    press(browser, Keys.ESCAPE)
    wait(browser, lambda: browser.find_element("id", "grid").is_displayed())
    press(browser, "r")
    wait(browser, lambda: "1 rejected" in browser.find_element("id", "counts").text)
    assert severe(browser) == []


def test_another_page_of_the_browser_gets_nothing(browser, serve, scans, tmp_path):
    address = serve(scans)
    opened(browser, address)
    home = address.split("?")[0]
    page = tmp_path / "evil.html"
    page.write_text("<!doctype html><title>evil</title>")
    browser.get(page.as_uri())
    script = (
        "const done = arguments[2]; fetch(arguments[0] + arguments[1], { method: arguments[1].includes('decision')"
        " ? 'PUT' : 'GET', credentials: 'include', mode: 'no-cors', body: arguments[1].includes('decision')"
        " ? '{\"state\": \"accepted\"}' : undefined }).then(a => done(a.type + a.status), e => done('refused'))"
    )
    assert browser.execute_async_script(script, home, "api/photos") in ("opaque0", "refused")
    browser.execute_async_script(script, home, "api/photos/0/decision")
    assert not (scans / "review.jsonl").exists()
    browser.execute_script(f"const i = new Image(); i.src = '{home}api/photos/0/gray'; window.stolen = i")
    wait(browser, lambda: browser.execute_script("return window.stolen.complete"))
    assert browser.execute_script("return window.stolen.naturalWidth") == 0


def test_two_tabs_see_each_other_and_a_reload_needs_no_token(browser, serve, scans):
    address = serve(scans)
    opened(browser, address)
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    opened(browser, address.split("?")[0])
    browser.find_element("id", "grid").click()
    press(browser, Keys.HOME, "a")
    wait(browser, lambda: "1 accepted" in browser.find_element("id", "counts").text)
    browser.switch_to.window(first)
    wait(browser, lambda: "1 accepted" in browser.find_element("id", "counts").text)
    browser.refresh()
    wait(browser, lambda: "1 accepted" in browser.find_element("id", "counts").text)


def test_ten_thousand_photos_scroll_smoothly(browser, serve, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    scene(48, 32).save(many / "0.png")
    content = (many / "0.png").read_bytes()
    for number in range(1, 10_000):
        (many / f"{number}.png").write_bytes(content)
    opened(browser, serve(many))
    assert "10000 photos" in browser.find_element("id", "counts").text
    slowest = browser.execute_async_script(
        "const done = arguments[0], grid = document.getElementById('grid');"
        "let last = performance.now(), worst = 0, n = 0;"
        "requestAnimationFrame(function step(now) { worst = Math.max(worst, now - last); last = now;"
        "grid.scrollTop += 700; if (++n < 120) requestAnimationFrame(step);"
        "else done([worst, document.querySelectorAll('.shot').length]) })"
    )
    assert slowest[1] < 100, "only what is in sight is in the page"
    assert slowest[0] < 400, "milliseconds of the slowest frame, on a machine that may be busy"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [375, 1600])
def test_axe_finds_nothing_and_nothing_overflows(browser, serve, scans, width, dark):
    axe_source()
    address = serve(scans)
    opened(browser, address)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    wide = "return document.documentElement.scrollWidth <= innerWidth"
    wait(browser, lambda: len(browser.find_elements("css selector", ".thumb .there")) == 3)
    assert violations(browser) == [] and browser.execute_script(wide)
    open_photo(browser, 0)
    click(browser, "show-variants")
    wait(browser, lambda: len(browser.find_elements("css selector", "#variants img")) == 4)
    assert violations(browser) == [] and browser.execute_script(wide)
    for opener, dialog in (("help", "help-dialog"), ("apply", "apply-dialog"), ("pipette", "pipette-dialog")):
        click(browser, opener)
        wait(browser, lambda dialog=dialog: browser.find_element("id", dialog).is_displayed())
        assert violations(browser) == [] and browser.execute_script(wide)
        press(browser, Keys.ESCAPE)
        wait(browser, lambda dialog=dialog: not browser.find_element("id", dialog).is_displayed())


def test_a_reference_from_a_file_recolors_the_photo_and_can_be_removed(browser, serve, tmp_path):
    from sklearn.datasets import load_sample_image

    whole = np.asarray(load_sample_image("china.jpg"))
    home = tmp_path / "roll"
    home.mkdir()
    Image.fromarray(whole[27:, 80:]).convert("L").save(home / "hall.png")
    Image.fromarray(whole[:400, :560, [1, 2, 0]]).save(home / "z-green.png")
    Image.fromarray(whole[:400, :560, [2, 0, 1]]).save(tmp_path / "color.png")
    opened(browser, serve(home))
    wait(browser, lambda: len(browser.find_elements("css selector", ".thumb .top.there")) == 2)
    open_photo(browser, 0)
    plain = ab(pixels(browser))

    def referenced():
        return int(browser.find_element("tag name", "body").get_attribute("data-referenced") or 0)

    click(browser, "reference-choose")
    wait(browser, lambda: browser.find_element("id", "reference-dialog").get_attribute("open"))
    assert not browser.find_element("id", "reference-use").is_enabled()
    browser.find_element("id", "reference-file").send_keys(str(tmp_path / "color.png"))
    wait(browser, lambda: referenced() == 1)
    assert not browser.find_element("id", "reference-dialog").get_attribute("open")
    assert browser.find_element("id", "reference-name").text == "color.png"
    assert browser.find_element("id", "reference-fit").text.startswith("Used: ")
    guided = ab(pixels(browser))
    assert np.abs(guided - plain).mean() > 5
    assert not browser.find_element("id", "show-variants").is_enabled()
    click(browser, "reference-choose")
    wait(browser, lambda: browser.find_element("id", "reference-dialog").get_attribute("open"))
    browser.find_element("css selector", "#reference-list option").click()
    click(browser, "reference-use")
    wait(browser, lambda: referenced() == 2)
    assert browser.find_element("id", "reference-name").text == "z-green.png"
    assert np.abs(ab(pixels(browser)) - guided).mean() > 5
    press(browser, "a")
    wait(browser, lambda: (home / "review.jsonl").exists())
    row = json.loads((home / "review.jsonl").read_text())
    assert len(row["parameters"]["reference"]) == 64 and (home / row["reference"]).is_file()
    click(browser, "reference-remove")
    wait(browser, lambda: np.abs(ab(pixels(browser)) - plain).mean() < 0.5)
    assert not browser.find_element("id", "reference-name").is_displayed()
    assert not severe(browser)
