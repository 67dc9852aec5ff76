"""The threads behind a batch: nothing lost, nothing repeated, a bound on what is in flight."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from colorize_cli.inference.pipeline import Pipeline


@dataclass
class Work:
    number: int
    predicted: bool = False


@dataclass(frozen=True)
class End:
    number: int
    how: str


class Steps:
    """Steps that count; ``fail`` maps (step, number) to the error it raises."""

    def __init__(self, fail: dict[tuple[str, int], Exception] | None = None) -> None:
        self.fail = fail or {}
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.in_flight = self.most = 0
        self.batches: list[list[int]] = []

    def _maybe_fail(self, step: str, number: int) -> None:
        if (step, number) in self.fail:
            raise self.fail[step, number]

    def read(self, number: int) -> Work | End:
        with self.lock:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        self._maybe_fail("read", number)
        return End(number, "early") if number % 10 == 7 else Work(number)

    def predict(self, works: Sequence[Work]) -> None:
        self.batches.append([work.number for work in works])
        for work in works:
            self._maybe_fail("predict", work.number)
        for work in works:
            work.predicted = True

    def finish(self, work: Work) -> End:
        assert work.predicted
        self._maybe_fail("finish", work.number)
        return End(work.number, "done")

    def pipeline(self, workers: int = 3, batch_size: int = 4) -> Pipeline[int, Work, End]:
        return Pipeline(
            read=self.read,
            predict=self.predict,
            finish=self.finish,
            failed=lambda number, error: End(number, f"failed: {error}"),
            task_of=lambda work: work.number,
            ended=End,
            workers=workers,
            batch_size=batch_size,
            stop=self.stop,
        )


def test_every_task_ends_exactly_once():
    ends = list(Steps().pipeline().run(range(200)))
    assert sorted(end.number for end in ends) == list(range(200))
    assert {end.how for end in ends} == {"done", "early"}


def test_no_tasks_no_ends():
    assert list(Steps().pipeline().run([])) == []


@pytest.mark.parametrize("step", ["read", "predict", "finish"])
def test_one_failure_stays_with_its_own_task(step):
    ends = {end.number: end.how for end in Steps({(step, 13): ValueError("bad")}).pipeline().run(range(40))}
    assert ends.pop(13) == "failed: bad"
    assert len(ends) == 39
    assert {how for number, how in ends.items()} == {"done", "early"}


def test_photographs_in_flight_are_bounded_however_long_the_list():
    steps = Steps()
    for _ in steps.pipeline(workers=2, batch_size=3).run(iter(range(300))):
        with steps.lock:
            steps.in_flight -= 1
    assert steps.most <= 2 * 2 + 3 + 1  # and the one that was just handed over
    assert max(map(len, steps.batches)) <= 3


def test_stopping_lets_what_is_in_flight_end_and_begins_nothing_new():
    steps = Steps()
    ends = []
    for end in steps.pipeline(workers=2, batch_size=2).run(iter(range(1000))):
        ends.append(end)
        if len(ends) == 5:
            steps.stop.set()
    assert 5 <= len(ends) <= 5 + 2 * 2 + 2 + 1
    assert len({end.number for end in ends}) == len(ends)


def test_error_of_the_list_itself_is_raised_not_swallowed():
    def listing():
        yield 1
        raise RuntimeError("the list broke")

    with pytest.raises(RuntimeError, match="the list broke"):
        list(Steps().pipeline().run(listing()))
