import csv
import io
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.evaluate_options import EvaluateOptions
from colorize_cli.evaluation.outputs import check_target, write_results
from colorize_cli.evaluation.report import svg
from colorize_cli.evaluation.report.shown_photos import worst_and_best
from colorize_cli.evaluation.results import load
from colorize_cli.evaluation.session import run
from colorize_cli.evaluation.summary import summarize
from colorize_cli.tables import check_export
from tests.evaluation.conftest import Tint

VOID = {"meta", "img", "br", "input", "link"}


class Balanced(HTMLParser):
    """Checks that every element is closed, and gathers what pages refer to."""

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def written(photos, tints, tmp_path):
    """A results folder of a run with one broken photograph and a model with a hostile name."""
    tints[1] = Tint("<cold & 'dry'>", (-5, -20))
    (photos / "broken.png").write_bytes(b"nothing")
    session = run(EvaluateOptions(places=[photos], models=[("tint", None)], protocol="native"))
    folder = tmp_path / "results"
    write_results(folder, session, session.evaluation, summarize(session.evaluation), report=True)
    return folder


def test_the_folder_holds_everything_and_loads_again(written):
    names = {path.name for path in written.iterdir()}
    assert names == {
        "record.json", "rows.jsonl", "histograms.npz", "report.html", "summary.json", "summary.csv", "summary.md",
    }  # fmt: skip
    assert load(written).contenders == ["gray", "mean-chroma", "warm", "<cold & 'dry'>"]


def test_rows_are_one_json_object_a_line(written):
    rows = [json.loads(line) for line in (written / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 6 * 4 + 1
    assert [row["photo"] for row in rows if "error" in row] == ["broken.png"]
    assert all(row["sha256"] and row["psnr"] > 0 for row in rows if "error" not in row)


def test_the_record_says_what_figures_rest_on(written):
    record = json.loads((written / "summary.json").read_text())
    assert record["protocol"]["name"] == "native"
    assert record["photos"]["count"] == 7 and len(record["photos"]["list_sha256"]) == 64
    assert record["contenders"][2]["weights_sha256"] == "0" * 64
    assert {"colorize", "python", "torch", "numpy"} <= record["versions"].keys()
    assert record["summary"]["warm"]["psnr"].keys() == {"value", "low", "high", "n"}


def test_the_summary_is_the_same_in_every_format(written):
    summary = json.loads((written / "summary.json").read_text())["summary"]
    rows = list(csv.DictReader(io.StringIO((written / "summary.csv").read_text())))
    assert len(rows) == sum(map(len, summary.values()))
    for row in rows:
        assert float(row["value"]) == pytest.approx(summary[row["contender"]][row["metric"]]["value"], rel=1e-6)
    psnr = summary["warm"]["psnr"]
    assert f"{psnr['value']:.2f} [{psnr['low']:.2f}, {psnr['high']:.2f}]" in (written / "summary.md").read_text()


def test_the_report_is_sound_html_that_loads_nothing(written):
    page = (written / "report.html").read_text()
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert parser.sources and all(source.startswith("data:image/jpeg") for source in parser.sources)
    assert "<cold" not in page and "&lt;cold &amp;" in page
    assert "broken.png" in "".join(parser.text)


def test_every_plot_is_well_formed(written):
    plots = re.findall(r"<svg.*?</svg>", (written / "report.html").read_text(), re.S)
    assert len(plots) >= 1 + 6 + 2 + 3
    for plot in plots:
        ElementTree.fromstring(plot)
        assert "nan" not in plot and "inf" not in plot


def test_the_gallery_shows_gray_every_model_and_the_truth(written):
    page = (written / "report.html").read_text()
    strips = page.count('<div class="strip"')
    assert strips == 6
    assert page.count("<img ") == strips * 4


def test_ticks_are_round_and_inside():
    assert svg.ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert svg.ticks(13.2, 47) == [20, 30, 40] or svg.ticks(13.2, 47) == [15, 20, 25, 30, 35, 40, 45]
    assert svg.ticks(5, 5) == [5]


def test_worst_and_best_do_not_overlap():
    chosen = worst_and_best(np.array([5.0, 1, 4, 2, 3]), 2, higher_is_better=False)
    assert chosen == {"worst": [0, 2], "best": [1, 3], "random": [4]}
    assert worst_and_best(np.array([1.0, 2]), 2, higher_is_better=True) == {"worst": [], "best": [1, 0], "random": []}


def test_export_endings_and_targets_are_checked_before_any_work(tmp_path):
    with pytest.raises(UsageProblem, match=r"\.csv"):
        check_export(tmp_path / "x.xlsx")
    (tmp_path / "x.md").write_text("mine")
    with pytest.raises(UsageProblem, match="--overwrite"):
        check_target(tmp_path / "x.md", overwrite=False)
    check_target(tmp_path / "x.md", overwrite=True)
    with pytest.raises(UsageProblem, match="folder"):
        check_target(tmp_path, overwrite=True)
