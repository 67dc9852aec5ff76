from pathlib import Path

import pytest

from colorize_cli.benchmark import engine_limits
from colorize_cli.benchmark.bench_options import BenchOptions
from colorize_cli.benchmark.document import Document
from colorize_cli.benchmark.speed_tables import as_text
from colorize_cli.benchmark.subjects import write_scans
from colorize_cli.errors import ColorizeError
from tests.benchmark.conftest import FakeSubject


class Predictor(FakeSubject):
    batch_size = 2
    description = "a fake"


@pytest.fixture
def fake(monkeypatch, weights):
    """The real batch engine with a fake model."""
    made: list[Predictor] = []

    def make(plan, options):
        made.append(Predictor())
        return made[-1]

    monkeypatch.setattr("colorize_cli.benchmark.engine_limits.make_predictor", make)
    monkeypatch.setattr("colorize_cli.benchmark.engine_limits.find_weights", lambda entry, weights: Path(weights))
    return made


def options(**changes) -> BenchOptions:
    return BenchOptions(**({"devices": ("cpu",), "rounds": 2, "threads": 2} | changes))


def test_the_ratio_is_that_of_the_engine_to_its_limits(fake, tmp_path):
    photos = list(write_scans(tmp_path, 3, sizes=(0.02, 0.05)))
    before = {path: path.read_bytes() for path in photos}
    figures = engine_limits.measure(options(), tmp_path)
    assert figures["files"] == 3 and figures["limit"] == "c / (a + b)" and len(figures["rounds"]) == 2
    for row in figures["rounds"]:
        limit = row["codec_seconds"] + row["predict_seconds"]
        assert row["ratio"] == pytest.approx(row["batch_seconds"] / limit)
        assert all(value > 0 for value in row.values())
    assert figures["megapixels"] == pytest.approx(0.1, abs=0.05)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_prediction_alone_covers_every_photo_in_batches_of_the_engine(fake, tmp_path):
    list(write_scans(tmp_path, 3, sizes=(0.02,)))
    engine_limits.measure(options(rounds=1), tmp_path)
    assert fake[-1].batches[-2:] == [2, 1]


def test_scans_are_generated_where_no_folder_is_given(fake, monkeypatch):
    monkeypatch.setattr("colorize_cli.benchmark.subjects.SIZES", (0.02, 0.05))
    monkeypatch.setattr("colorize_cli.benchmark.subjects.write_scans.__defaults__", ((0.02, 0.05),))
    told: list[str] = []
    figures = engine_limits.measure(options(quick=True), None, say=told.append)
    assert figures["files"] == 4 and len(figures["rounds"]) == 1 and "Generating 4 scans" in told[0]


def test_a_photo_that_fails_spoils_the_timing_and_is_named(fake, tmp_path):
    list(write_scans(tmp_path, 2, sizes=(0.02,)))
    (tmp_path / "bad.jpg").write_bytes(b"nothing")
    with pytest.raises(ColorizeError, match=r"bad\.jpg"):
        engine_limits.measure(options(), tmp_path)


def test_the_table_shows_the_three_parts_and_the_ratio(fake, tmp_path):
    list(write_scans(tmp_path, 2, sizes=(0.02,)))
    document = Document(pipeline=engine_limits.measure(options(rounds=1), tmp_path))
    text = as_text(document.tables()[0], None)
    assert "a: decode and encode alone" in text and "ratio c / (a + b)" in text
    assert "c / (a + b)" in document.as_markdown() and "batch_seconds" in document.as_csv()


def test_codecs_alone_hold_only_so_many_results_at_a_time(tmp_path, monkeypatch):
    paths: list[Path] = list(write_scans(tmp_path, 4, sizes=(0.02,)))
    monkeypatch.setattr(engine_limits, "CHUNK_PIXELS", 30_000)
    chunks = list(engine_limits._chunks({path: path for path in paths}))
    assert [len(chunk) for chunk in chunks] == [2, 2]
