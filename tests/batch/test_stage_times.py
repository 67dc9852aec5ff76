"""Where the time goes: every stage has its own."""

import time

import pytest

from colorize_cli.batch.stage_times import StageTimes


@pytest.fixture
def clock(monkeypatch):
    """Processor time that passes when it is told to."""
    now = [100.0]
    monkeypatch.setattr(time, "thread_time", lambda: now[0])

    def work(seconds: float) -> None:
        now[0] += seconds

    return work


def test_a_stage_within_another_is_not_part_of_it(clock):
    times = StageTimes()
    with times.measure("write"):
        clock(1)
        with times.measure("recombine"):
            clock(5)
        clock(2)
    clock(50)
    with times.measure("read"):
        clock(4)
    assert times.seconds == {"read": 4, "predict": 0, "recombine": 5, "write": 3}


def test_what_fails_is_counted_and_leaves_no_stage_behind(clock):
    times = StageTimes()
    with pytest.raises(OSError), times.measure("read"):
        clock(3)
        raise OSError
    clock(9)
    assert times.seconds["read"] == 3


def test_the_summary_speaks_of_seconds_and_photos_per_second(clock):
    times = StageTimes()
    for stage, seconds in (("read", 2), ("predict", 3), ("recombine", 2), ("write", 3)):
        with times.measure(stage):
            clock(seconds)
    times.elapsed = 6.0
    summary = times.summary(2, photos=3)
    assert "6.0 s for 3 photos, 0.50 photos/s" in summary
    assert "read 2.0 s, predict 3.0 s, recombine 2.0 s, write 3.0 s" in summary
    assert "2 cores 83% busy" in summary
