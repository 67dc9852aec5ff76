"""No more worker processes than the shared memory has room for."""

from pathlib import Path

import pytest

from colorize_cli.errors import EXIT_DEVICE, DeviceError
from colorize_cli.training import loop
from colorize_cli.training.data import workers
from colorize_cli.training.data.batches import step_batches
from colorize_cli.training.data.workers import free_shared_memory, workers_that_fit
from colorize_cli.training.run import train
from tests.training.test_run import SILENT, options

MB = 1_000_000
DOCKER = 64 * MB


@pytest.mark.parametrize(
    ("wanted", "batch", "processes", "free", "expected"),
    [
        (8, 3 * MB, 1, 8000 * MB, (8, 4)),
        (8, 3 * MB, 1, DOCKER, (8, 2)),
        (8, 5 * MB, 1, DOCKER, (8, 1)),
        (8, 8 * MB, 1, DOCKER, (5, 1)),
        (8, 8 * MB, 2, DOCKER, (1, 1)),
        (8, 50 * MB, 1, None, (8, 4)),
        (0, 50 * MB, 1, 0, (0, 4)),
    ],
)
def test_workers_and_what_they_prepare_fit_the_shared_memory(wanted, batch, processes, free, expected):
    found, prepared = workers_that_fit(wanted, batch, processes, lambda: free)
    assert (found, prepared) == expected
    if free:
        assert (found * prepared + 2) * batch * processes <= free


def test_where_no_worker_fits_the_message_names_both_ways_out():
    with pytest.raises(DeviceError) as caught:
        workers_that_fit(8, 25 * MB, 1, lambda: DOCKER)
    assert caught.value.exit_code == EXIT_DEVICE
    assert "--shm-size" in str(caught.value) and "--workers 0" in str(caught.value)
    assert "64 MB" in str(caught.value)


def test_what_is_free_is_asked_of_the_system(monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "SHARED_MEMORY", tmp_path)
    assert free_shared_memory() > 0
    monkeypatch.setattr(workers, "SHARED_MEMORY", tmp_path / "nothing")
    assert free_shared_memory() is None


def test_training_starts_fewer_workers_and_says_so(tmp_path: Path, photos: Path, tiny_registry: object, monkeypatch):
    started, notes = [], []

    def batches(*arguments, **options):
        started.append((options["workers"], options["prefetched"]))
        return step_batches(*arguments, **options)

    monkeypatch.setattr(loop, "workers_that_fit", lambda wanted, size, processes: (0, 2) if size < MB else None)
    monkeypatch.setattr(loop, "step_batches", batches)
    progress = SILENT()
    monkeypatch.setattr(progress, "note", notes.append)
    train(options(photos, tmp_path / "run", recipe="color", workers=1), progress)
    assert started == [(0, 2)]
    assert any("0 instead of 1 workers" in note for note in notes)
