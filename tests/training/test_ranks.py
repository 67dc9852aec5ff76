"""Training over two processes: the same weights as one process that accumulates, and no hanging when one fails."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
import torch

from colorize_cli import registry
from colorize_cli.checkpoints.file import load_checkpoint
from colorize_cli.errors import RankLost, UsageProblem
from colorize_cli.training.ranks import Ranks, current
from colorize_cli.training.run import train
from colorize_cli.training.train_options import TrainOptions
from tests.training import tiny
from tests.training.test_run import SILENT, options

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


def launch(photos: Path, run: Path, variant: str, *more: str) -> subprocess.Popen[str]:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--module"]
    words = ["train", str(photos), "-m", "tiny", "--recipe", "parallel", "--variant", variant, "-o", str(run)]
    fixed = ["--device", "cpu", "--precision", "fp32", "--workers", "0"]
    return subprocess.Popen(
        [*torchrun, "tests.training.tiny", *words, *fixed, *more],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def start(chosen: TrainOptions) -> list[SpawnProcess]:
    """Start two ranks without torchrun."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_work, args=(rank, port, chosen)) for rank in (0, 1)]
    for process in processes:
        process.start()
    return processes


def exit_codes(processes: list[SpawnProcess]) -> list[int | None]:
    for process in processes:
        process.join(400)
    return [process.exitcode for process in processes]


def rows(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_interrupted_and_resumed_end_where_one_that_accumulates_does(
    tmp_path: Path, photos: Path, tiny_registry: object
) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the two have: sums are then taken in one order
    train(options(photos, alone, recipe="parallel", variant="steady", accumulate=2, epochs=6), SILENT())
    torch.set_num_threads(threads)
    processes = start(options(photos, shared, recipe="parallel", variant="steady", epochs=6))
    figures = shared / "metrics.jsonl"
    while processes[1].is_alive() and not (figures.exists() and figures.read_bytes()):
        time.sleep(0.01)
    os.kill(processes[1].pid or 0, signal.SIGINT)  # one is asked, both stop
    assert exit_codes(processes) == [13, 13] and (shared / "last.pt").is_file()
    assert len(rows(shared)) < 6
    process = launch(photos, shared, "steady", "--resume")
    printed, told = process.communicate(timeout=400)
    assert process.returncode == 0, told
    assert printed.count("best.safetensors") == 1, "one process reports"
    for one, two in zip(rows(alone), rows(shared), strict=True):
        assert (one["epoch"], one["stage"], one["step"]) == (two["epoch"], two["stage"], two["step"])
        # Sums in another order differ in their last digits, which the discriminator multiplies step by step.
        assert one["losses"] == pytest.approx(two["losses"], rel=2e-2)  # type: ignore[arg-type]
    first, second = (load_checkpoint(run / "last.safetensors").state for run in (alone, shared))
    weights = [name for name in first if name.endswith(("weight", "bias"))]
    assert all(torch.allclose(first[name], second[name], atol=1e-2) for name in weights)


def _work(rank: int, port: int, chosen: TrainOptions) -> None:
    place = {"RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()})
    registry.ENTRIES = tiny.ENTRIES
    torch.set_num_threads(1)
    try:
        train(chosen, SILENT())
    except RankLost:
        os._exit(11)
    except ValueError:
        os._exit(12)
    except KeyboardInterrupt:
        os._exit(13)
    os._exit(0)


def test_a_process_that_fails_ends_the_others(tmp_path: Path, photos: Path, tiny_registry: object) -> None:
    assert exit_codes(start(options(photos, tmp_path / "run", recipe="parallel", variant="failing"))) == [11, 12]


def test_a_process_has_the_place_that_torchrun_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "3"), ("WORLD_SIZE", "4"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert current() == Ranks(3, 4, 1, 2)
    monkeypatch.setenv("RANK", "4")
    with pytest.raises(UsageProblem, match="torchrun"):
        current()


def test_each_local_process_takes_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert Ranks(5, 8, 1, 4).device("auto") == "cuda:1"
    assert Ranks(5, 8, 1, 4).device("cpu") == "cpu"
    assert Ranks().device("auto") == "auto"
