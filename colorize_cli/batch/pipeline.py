"""Overlapped read, predict and finish: threads with a bound on how many photographs are in flight.

The codecs, OpenCV and torch release the interpreter lock, so threads use all cores without copying pictures between
processes. Nothing here knows of images: the three steps are given as functions. Each
step is a call of its own, so that no thread holds on to a finished picture while it waits for the next.

Where photographs are predicted one by one (a CPU, which gains nothing from batches), each thread takes one through all
three steps: as many are in memory as there are threads, and no core waits for a queue. Where they are predicted
together (an accelerator), threads read ahead, one predicts what has been read, and threads finish.

Of the next few tasks the largest begins first. Otherwise the last one may be large, and the other cores wait for it.
"""

import heapq
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from colorize_cli.errors import OutOfMemory

Task = TypeVar("Task")
Work = TypeVar("Work")
Ended = TypeVar("Ended")

LOOK_AHEAD = 4
"""Tasks per worker among which the largest begins first."""


class Pipeline(Generic[Task, Work, Ended]):
    """Run every task through ``read``, ``predict`` and ``finish``, and yield how each ended, in the order they end.

    With a ``batch_size`` of 1, ``workers`` threads do all three, and hold one task each. Otherwise ``workers`` threads
    read, one predicts in batches, ``workers`` finish, and at most ``2 * workers + batch_size`` tasks are held.

    ``read(task)`` returns work to do, or how the task ended already. ``predict(batch)`` fills in the works in place.
    ``finish(work)`` returns how it ended. ``failed(task, error)`` turns an exception of one task into its end.
    ``task_of(work)`` gives the task back. ``ended`` is the class of the ends. A batch that fails is halved and tried
    again, down to single tasks; after :class:`OutOfMemory` later batches stay as small. Setting ``stop`` lets what is
    in flight finish and begins nothing new.

    ``size(task)``: how much work a task is, in any unit. One worker takes tasks as they come; several take the largest
    of the next ``LOOK_AHEAD * workers``, of equal ones the first.
    """

    def __init__(
        self,
        *,
        read: Callable[[Task], Work | Ended],
        predict: Callable[[Sequence[Work]], None],
        finish: Callable[[Work], Ended],
        failed: Callable[[Task, Exception], Ended],
        task_of: Callable[[Work], Task],
        ended: type[Ended],
        workers: int,
        batch_size: int,
        stop: threading.Event,
        size: Callable[[Task], int] = lambda _: 0,
    ) -> None:
        self._size, self._ahead = size, list[tuple[int, int, Task]]()
        self._look_ahead = LOOK_AHEAD * workers if workers > 1 else 1
        self._taken = 0
        self._read, self._predict, self._finish = read, predict, finish
        self._failed, self._task_of, self._ended = failed, task_of, ended
        self._workers, self._batch_size, self._stop = workers, batch_size, stop
        self._permits = threading.Semaphore(workers if batch_size == 1 else 2 * workers + batch_size)
        self._feeding = threading.Lock()
        self._to_predict: SimpleQueue[Work | None] = SimpleQueue()
        self._to_finish: SimpleQueue[Work | None] = SimpleQueue()
        self._results: SimpleQueue[Ended | BaseException | None] = SimpleQueue()
        self._readers_left = workers

    def run(self, tasks: Iterable[Task]) -> Iterator[Ended]:
        """Yield the end of every task begun. An error outside any task (a bug, a failing list) is raised here."""
        feed = iter(tasks)
        bodies: list[Callable[[], None]]
        if self._batch_size == 1:
            bodies = [lambda: self._one_by_one(feed)] * self._workers
        else:
            bodies = [lambda: self._reading(feed)] * self._workers
            bodies += [self._predicting] + [self._finishing] * self._workers
        for body in bodies:
            # Daemons, so that a second Ctrl-C ends the program even while a codec is busy.
            threading.Thread(target=self._guarded, args=(body,), daemon=True).start()
        finishers = self._workers
        try:
            while finishers:
                result = self._results.get()
                if result is None:
                    finishers -= 1
                elif isinstance(result, BaseException):
                    raise result
                else:
                    self._permits.release()
                    yield result
        finally:
            self._stop.set()

    def _guarded(self, body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:
            self._results.put(error)

    def _next(self, feed: Iterator[Task]) -> Task | None:
        """Wait until a task may be begun, and return it; None when none is left."""
        self._permits.acquire()
        with self._feeding:
            task = None if self._stop.is_set() else self._largest(feed)
        if task is None:
            self._permits.release()
        return task

    def _largest(self, feed: Iterator[Task]) -> Task | None:
        """Return the largest of the tasks ahead, None when there are none."""
        while len(self._ahead) < self._look_ahead and (task := next(feed, None)) is not None:
            heapq.heappush(self._ahead, (-self._size(task), self._taken, task))
            self._taken += 1
        return heapq.heappop(self._ahead)[-1] if self._ahead else None

    def _one_by_one(self, feed: Iterator[Task]) -> None:
        while (task := self._next(feed)) is not None:
            work = self._read_one(task)
            if work is not None and self._predicted([work]):
                self._finish_one(work)
            del work
        self._results.put(None)

    def _reading(self, feed: Iterator[Task]) -> None:
        while (task := self._next(feed)) is not None:
            work = self._read_one(task)
            if work is not None:
                self._to_predict.put(work)
            del work
        with self._feeding:
            self._readers_left -= 1
            if self._readers_left == 0:
                self._to_predict.put(None)

    def _read_one(self, task: Task) -> Work | None:
        """Return the work of a task, None where it ended already."""
        try:
            work = self._read(task)
        except Exception as error:
            self._results.put(self._failed(task, error))
            return None
        if isinstance(work, self._ended):
            self._results.put(work)
            return None
        return work  # type: ignore[return-value]  # what is no end is work

    def _predicting(self) -> None:
        while self._predict_some():
            pass
        for _ in range(self._workers):
            self._to_finish.put(None)

    def _predict_some(self) -> bool:
        """Predict what has been read, up to a batch; return False when nothing more will come."""
        work = self._to_predict.get()
        batch: list[Work] = []
        while work is not None:
            batch.append(work)
            if len(batch) == self._batch_size:
                break
            try:
                work = self._to_predict.get_nowait()
            except Empty:
                break
        if batch:
            self._predict_batch(batch)
        return work is not None

    def _predict_batch(self, batch: list[Work]) -> None:
        """Predict together; when that fails, in halves, so that one photograph cannot spoil its neighbours."""
        if self._predicted(batch):
            for work in batch:
                self._to_finish.put(work)
            return
        rest = batch if len(batch) > 1 else []
        while rest:
            # What the device holds may be found to be less with every attempt.
            size = min((len(batch) + 1) // 2, self._batch_size)
            self._predict_batch(rest[:size])
            rest = rest[size:]

    def _predicted(self, batch: list[Work]) -> bool:
        """Return whether a batch was predicted; a single work that cannot be has failed."""
        try:
            self._predict(batch)
        except Exception as error:
            if len(batch) == 1:
                self._results.put(self._failed(self._task_of(batch[0]), error))
            elif isinstance(error, OutOfMemory):
                self._batch_size = min(self._batch_size, len(batch) // 2)
            return False
        return True

    def _finishing(self) -> None:
        while (work := self._to_finish.get()) is not None:
            self._finish_one(work)
            del work
        self._results.put(None)

    def _finish_one(self, work: Work) -> None:
        try:
            result = self._finish(work)
        except Exception as error:
            result = self._failed(self._task_of(work), error)
        self._results.put(result)
