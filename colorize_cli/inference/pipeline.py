"""Overlapped read, predict and finish: threads with a bound on how many photographs are in flight.

The codecs, OpenCV and torch release the interpreter lock, so threads use all cores without copying pictures between
processes. Nothing here knows of images: the three steps are given as functions. Each
step is a call of its own, so that no thread holds on to a finished picture while it waits for the next.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Task = TypeVar("Task")
Work = TypeVar("Work")
Ended = TypeVar("Ended")


class Pipeline(Generic[Task, Work, Ended]):
    """Run every task through ``read`` (in ``workers`` threads), ``predict`` (in one, in batches) and ``finish`` (again
    in ``workers`` threads), and yield how each ended, in the order they end.

    ``read(task)`` returns work to do, or how the task ended already. ``predict(batch)`` fills in the works in place.
    ``finish(work)`` returns how it ended. ``failed(task, error)`` turns an exception of one task into its end.
    ``task_of(work)`` gives the task back. ``ended`` is the class of the ends. At most ``2 * workers + batch_size``
    tasks are held at a time; setting ``stop`` lets what is in flight finish and begins nothing new.
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
    ) -> None:
        self._read, self._predict, self._finish = read, predict, finish
        self._failed, self._task_of, self._ended = failed, task_of, ended
        self._workers, self._batch_size, self._stop = workers, batch_size, stop
        self._permits = threading.Semaphore(2 * workers + batch_size)
        self._feeding = threading.Lock()
        self._to_predict: SimpleQueue[Work | None] = SimpleQueue()
        self._to_finish: SimpleQueue[Work | None] = SimpleQueue()
        self._results: SimpleQueue[Ended | BaseException | None] = SimpleQueue()
        self._readers_left = workers

    def run(self, tasks: Iterable[Task]) -> Iterator[Ended]:
        """Yield the end of every task begun. An error outside any task (a bug, a failing list) is raised here."""
        feed = iter(tasks)
        bodies: list[Callable[[], None]] = [lambda: self._reading(feed)] * self._workers
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

    def _reading(self, feed: Iterator[Task]) -> None:
        while True:
            self._permits.acquire()
            with self._feeding:
                task = None if self._stop.is_set() else next(feed, None)
                if task is None:
                    self._permits.release()
                    self._readers_left -= 1
                    if self._readers_left == 0:
                        self._to_predict.put(None)
                    return
            self._read_one(task)

    def _read_one(self, task: Task) -> None:
        try:
            work = self._read(task)
        except Exception as error:
            self._results.put(self._failed(task, error))
            return
        if isinstance(work, self._ended):
            self._results.put(work)
        else:
            self._to_predict.put(work)  # type: ignore[arg-type]  # what is no end is work

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
        """Predict together; when that fails, each alone, so that one photograph cannot spoil its neighbours."""
        try:
            self._predict(batch)
        except Exception as error:
            if len(batch) == 1:
                self._results.put(self._failed(self._task_of(batch[0]), error))
            else:
                for work in batch:
                    self._predict_batch([work])
            return
        for work in batch:
            self._to_finish.put(work)

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
