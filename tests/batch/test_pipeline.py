"""The threads behind a batch: nothing lost, nothing repeated, a bound on what is in flight."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from colorize_cli.batch.pipeline import Pipeline
from colorize_cli.errors import OutOfMemory


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


@pytest.mark.parametrize("batch_size", [1, 4])
def test_every_task_ends_exactly_once(batch_size):
    ends = list(Steps().pipeline(batch_size=batch_size).run(range(200)))
    assert sorted(end.number for end in ends) == list(range(200))
    assert {end.how for end in ends} == {"done", "early"}


def test_no_tasks_no_ends():
    assert list(Steps().pipeline().run([])) == []


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("step", ["read", "predict", "finish"])
def test_one_failure_stays_with_its_own_task(step, batch_size):
    steps = Steps({(step, 13): ValueError("bad")})
    ends = {end.number: end.how for end in steps.pipeline(batch_size=batch_size).run(range(40))}
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


def test_without_batches_each_thread_holds_one_task():
    steps = Steps()
    for _ in steps.pipeline(workers=3, batch_size=1).run(iter(range(300))):
        with steps.lock:
            steps.in_flight -= 1
    assert steps.most <= 3 + 1  # and the one that was just handed over
    assert all(len(batch) == 1 for batch in steps.batches)


class SmallDevice(Steps):
    """Runs out of memory with more than ``most`` tasks at once."""

    most_at_once = 3

    def __init__(self) -> None:
        super().__init__()
        self.read_ahead = threading.Event()

    def read(self, number: int) -> Work | End:
        if number >= 24:
            self.read_ahead.set()
        return super().read(number)

    def predict(self, works: Sequence[Work]) -> None:
        assert self.read_ahead.wait(10)
        if len(works) > self.most_at_once:
            self.batches.append([work.number for work in works])
            raise OutOfMemory("No memory for these.", "Use a smaller --size.")
        super().predict(works)


def test_a_batch_that_does_not_fit_is_halved_and_later_ones_stay_small():
    steps = SmallDevice()
    ends = list(steps.pipeline(workers=8, batch_size=16).run(range(100)))
    assert sorted(end.number for end in ends) == list(range(100))
    assert {end.how for end in ends} == {"done", "early"}
    too_large = [len(batch) for batch in steps.batches if len(batch) > steps.most_at_once]
    assert 1 <= len(too_large) <= 3
    assert all(later <= earlier // 2 for earlier, later in pairwise(too_large))


def test_one_that_does_not_fit_alone_fails_and_is_not_left_gray():
    steps = SmallDevice()
    steps.most_at_once = 0
    steps.read_ahead.set()
    ends = list(steps.pipeline(batch_size=4).run(range(7)))
    assert {end.how for end in ends} == {"failed: No memory for these. Use a smaller --size."}


@pytest.mark.parametrize("batch_size", [1, 2])
def test_stopping_lets_what_is_in_flight_end_and_begins_nothing_new(batch_size):
    steps = Steps()
    ends = []
    for end in steps.pipeline(workers=2, batch_size=batch_size).run(iter(range(1000))):
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


@pytest.mark.parametrize("step", ["read", "predict", "finish"])
def test_thread_that_dies_ends_the_run_loudly_instead_of_hanging_it(step):
    with pytest.raises(SystemExit):
        list(Steps({(step, 13): SystemExit()}).pipeline().run(range(40)))  # type: ignore[dict-item]


def order(workers: int, sizes: list[int], batch_size: int = 1) -> list[int]:
    """The order in which tasks of these sizes begin."""
    begun: list[int] = []

    def read(number: int) -> End:
        begun.append(number)
        return End(number, "early")

    pipeline: Pipeline[int, Work, End] = Pipeline(
        read=read,
        predict=lambda _: None,
        finish=lambda work: End(work.number, "done"),
        failed=lambda number, error: End(number, str(error)),
        task_of=lambda work: work.number,
        ended=End,
        workers=workers,
        batch_size=batch_size,
        stop=threading.Event(),
        size=sizes.__getitem__,
    )
    assert sorted(end.number for end in pipeline.run(range(len(sizes)))) == list(range(len(sizes)))
    return begun


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_smallest_of_the_last_tasks_begin_last(batch_size):
    begun = order(2, [*range(1, 21)], batch_size)
    # Two threads may note what they begin in the wrong order.
    assert 7 in begun[:2]  # the largest of the first eight
    assert set(range(5)) <= set(begun[-6:])


def test_tasks_of_equal_size_and_those_of_a_single_worker_keep_their_order():
    assert order(1, [3, 1, 2, 5, 4]) == [0, 1, 2, 3, 4]
    begun = order(2, [5] * 30)
    assert all(abs(position - number) <= 1 for position, number in enumerate(begun))
