import pytest

from colorize_cli.benchmark.measurements import Sampling, StageTimer, collect, median, percentile


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_percentiles_interpolate_between_samples():
    samples = [4.0, 1.0, 3.0, 2.0]
    assert median(samples) == 2.5
    assert percentile(samples, 95) == pytest.approx(3.85)
    assert percentile([7.0], 95) == 7.0


def test_at_least_count_samples_are_taken_even_when_each_is_slow():
    clock = Clock()

    def slow(timer):
        with timer("predict"):
            clock.now += 5

    samples = collect(slow, Sampling(count=10, seconds=3, warmup=2), clock=clock)
    assert [sample["predict"] for sample in samples] == [5.0] * 10
    assert clock.now == 60  # two more were warm-up


def test_fast_work_is_repeated_until_the_seconds_are_over():
    clock = Clock()

    def fast(timer):
        with timer("predict"):
            clock.now += 0.1

    samples = collect(fast, Sampling(count=10, seconds=3, warmup=0), clock=clock)
    assert 30 <= len(samples) <= 31


def test_a_stage_ends_only_when_the_device_has_finished():
    clock = Clock()
    queued = 0.0

    def synchronize():
        nonlocal queued
        clock.now += queued
        queued = 0.0

    timer = StageTimer(synchronize, clock)
    with timer("predict"):
        queued = 2.0  # an accelerator returns at once and works on
    with timer("write"):
        clock.now += 1
    assert timer.seconds == {"predict": 2.0, "write": 1.0}
