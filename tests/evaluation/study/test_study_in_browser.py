"""The study page in a real browser, from the first to the last click."""

import json

import pytest

from colorize_cli.evaluation.evaluate_options import StudyOptions
from colorize_cli.evaluation.photo_loop import Photograph
from colorize_cli.evaluation.report.shown_photos import Shown, data_uri
from colorize_cli.evaluation.study.answers import evaluate_answers, read_answers
from colorize_cli.evaluation.study.study_page import build_study, choose_trials
from tests.browser import NEEDED, chromium
from tests.evaluation.conftest import picture

pytestmark = [pytest.mark.slow, NEEDED]
QUESTIONS = 6


def shown(index):
    from PIL import Image

    uris = {name: data_uri(Image.fromarray(picture(10 * index + k, 90, 120))) for k, name in enumerate("tab")}
    return Shown(Photograph(index, f"{index}.png", None), uris.pop("t"), uris, 120, 90)


@pytest.fixture
def page(tmp_path):
    def write(kind, **choices):
        options = StudyOptions(kind, QUESTIONS, **choices)
        path = tmp_path / f"{kind}.html"
        path.write_text(build_study(choose_trials(range(QUESTIONS), ["gray", "a", "b"], options), shown, options))
        return path.as_uri()

    return write


@pytest.fixture
def browser(tmp_path):
    driver = chromium(tmp_path, "--headless", "--window-size=1200,800")
    driver.implicitly_wait(0)
    yield driver
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    driver.quit()


def wait(browser, condition):
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, 20, poll_frequency=0.05).until(lambda _: condition())


def at_question(browser, number):
    return lambda: browser.find_element("tag name", "body").get_attribute("data-trial") == str(number)


def click(browser, identity):
    browser.find_element("id", identity).click()


def press(browser, key):
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(key).perform()


def saved(browser):
    wait(browser, lambda: browser.find_element("id", "end").is_displayed())
    click(browser, "save")
    path = wait(browser, lambda: next((p for p in browser.downloads.glob("*.json")), None))
    wait(browser, lambda: path.stat().st_size > 0)
    return path


def test_a_whole_study_by_mouse_gives_answers_that_can_be_evaluated(browser, page):
    browser.get(page("fool"))
    browser.find_element("id", "rater").send_keys("Ann")
    click(browser, "start")
    sides = ["left", "right", "right", "left", "right", "left"]
    for number, side in enumerate(sides):
        wait(browser, at_question(browser, number))
        click(browser, side)
    path = saved(browser)
    (document,) = read_answers([path])
    assert document["rater"] == "Ann" and document["complete"]
    assert [answer["side"] for answer in document["answers"]] == sides
    for answer, side in zip(document["answers"], sides, strict=True):
        assert answer["chosen"] == answer["shown"][side == "right"]
    assert sorted(answer["question"] for answer in document["answers"]) == list(range(QUESTIONS))
    result = evaluate_answers([document])
    assert sum(finding.answers for finding in result.findings) == QUESTIONS


def test_the_pictures_on_screen_are_those_the_answers_name(browser, page):
    browser.get(page("prefer"))
    click(browser, "start")
    wait(browser, at_question(browser, 0))
    on_screen = [image.get_attribute("src") for image in browser.find_elements("css selector", "#pictures img")]
    assert all(
        browser.execute_script("return arguments[0].naturalWidth", image) == 120
        for image in browser.find_elements("css selector", "#pictures img")
    )
    press(browser, "1")
    answer = browser.execute_script("return state.answers[0]")
    index = int(answer["photo"].removesuffix(".png"))
    assert on_screen == [shown(index).pictures[name] for name in answer["shown"]]


def test_a_whole_study_by_keyboard_with_a_correction(browser, page):
    from selenium.webdriver.common.keys import Keys

    browser.get(page("prefer"))
    click(browser, "start")
    wait(browser, at_question(browser, 0))
    press(browser, Keys.ARROW_RIGHT)
    wait(browser, at_question(browser, 1))
    press(browser, Keys.BACKSPACE)
    for number in range(QUESTIONS):
        wait(browser, at_question(browser, number))
        press(browser, Keys.ARROW_LEFT if number % 2 == 0 else "2")
    document = json.loads(saved(browser).read_text())
    assert [answer["side"] for answer in document["answers"]] == ["left", "right"] * 3


def test_single_pictures_are_rated_by_key_and_by_click(browser, page):
    browser.get(page("rate"))
    click(browser, "start")
    for number in range(QUESTIONS):
        wait(browser, at_question(browser, number))
        if number % 2:
            click(browser, f"rate-{number % 5 + 1}")
        else:
            press(browser, str(number % 5 + 1))
    document = json.loads(saved(browser).read_text())
    assert [answer["rating"] for answer in document["answers"]] == [1, 2, 3, 4, 5, 1]
    assert evaluate_answers([document]).kind == "rate"


def test_a_study_goes_on_after_the_page_was_closed(browser, page):
    address = page("fool")
    browser.get(address)
    click(browser, "start")
    for number in range(2):
        wait(browser, at_question(browser, number))
        press(browser, "1")
    wait(browser, at_question(browser, 2))
    order = browser.execute_script("return state.order")
    browser.get("about:blank")
    browser.get(address)
    wait(browser, lambda: "2 of 6" in browser.find_element("id", "resume").text)
    click(browser, "resume")
    wait(browser, at_question(browser, 2))
    assert browser.execute_script("return state.order") == order
    for number in range(2, QUESTIONS):
        wait(browser, at_question(browser, number))
        press(browser, "2")
    document = json.loads(saved(browser).read_text())
    assert [answer["side"] for answer in document["answers"]] == ["left"] * 2 + ["right"] * 4


def test_pictures_vanish_after_the_exposure_and_the_answer_still_counts(browser, page):
    browser.get(page("fool", exposure=0.3))
    click(browser, "start")
    wait(browser, at_question(browser, 0))
    wait(browser, lambda: len(browser.find_elements("css selector", ".choice.away")) == 2)
    image = browser.find_element("css selector", "#pictures img")
    assert image.value_of_css_property("visibility") == "hidden"
    click(browser, "left")
    wait(browser, at_question(browser, 1))
    assert browser.execute_script("return state.answers[0].milliseconds") >= 300


def test_order_and_sides_differ_between_raters(browser, page):
    browser.get(page("fool"))
    click(browser, "start")
    seen = set()
    for _ in range(8):
        browser.execute_script("begin()")
        seen.add(browser.execute_script("return JSON.stringify([state.order, state.flips])"))
    assert len(seen) > 4
