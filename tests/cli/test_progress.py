"""The line of progress: counts, rate, time so far and time left."""

import pytest

from colorize_cli.cli.terminal.progress import PlainProgress, Progress, clock
from colorize_cli.cli.terminal.run_summary import in_units


@pytest.fixture
def now():
    return [0.0]


def test_the_rate_is_that_of_the_whole_run_without_loading_and_skipping(now):
    progress = Progress(10, "photos", now=lambda: now[0])
    assert progress.parts() == ["0/10", "0:00"]
    now[0] = 20  # the model is loaded
    progress.begin("a.jpg")
    progress.end("skipped")
    now[0] = 24
    for status in ("done", "failed"):
        progress.end(status)
    assert progress.parts() == ["3/10", "1 failed", "0.5 photos/s", "0:24", "0:14 left"]


def test_slow_work_is_told_in_seconds_per_photo(now):
    progress = Progress(2, "photos", now=lambda: now[0])
    progress.begin("a.jpg")
    now[0] = 40
    progress.end()
    assert progress.parts() == ["1/2", "40 s per photo", "0:40", "0:40 left"]


def test_without_a_terminal_a_line_is_due_for_every_tenth_and_every_minute(now, capsys):
    progress = PlainProgress(50, "photos", now=lambda: now[0], label="Evaluated")
    for _ in range(4):
        now[0] += 1
        progress.end()
    assert capsys.readouterr().err == ""
    progress.end()
    assert capsys.readouterr().err.startswith("Evaluated 5/50 photos, ")
    now[0] += 60
    progress.end()
    assert capsys.readouterr().err.startswith("Evaluated 6/50 photos, ")


def test_durations_and_sizes_have_units():
    assert [clock(seconds) for seconds in (7, 750, 11100)] == ["0:07", "12:30", "3:05:00"]
    assert [in_units(count) for count in (0, 300, 812_000, 12_340_000, 4_100_000_000)] == [
        "0 kB", "1 kB", "812 kB", "12.3 MB", "4.1 GB",
    ]  # fmt: skip
