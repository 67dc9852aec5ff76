"""The batch on a real Dask scheduler with two worker processes on loopback, one of which dies in the middle."""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from colorize_cli import _version
from colorize_cli.batch import resume
from colorize_cli.batch.cluster import dask_batch, dask_worker
from colorize_cli.batch.cluster.dask_worker import WORKER, Job, check_worker, colorize_one
from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.make_plan import make_plan
from colorize_cli.batch.inputs.plan import Item
from colorize_cli.batch.reports.outcome import Outcome
from colorize_cli.errors import ClusterError, OutputError
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from tests.cli.conftest import FAKE_WEIGHTS, FakeColorizer, make_photo, snapshot
from tests.cli.test_process import environment, visible, wait_for

pytest.importorskip("distributed")


class Cluster:
    """A scheduler, and workers with the fake colorizer."""

    def __init__(self, weights: Path) -> None:
        self.weights = weights
        self.scheduler = self._start("distributed.cli.dask_scheduler", "--host=127.0.0.1", "--port=0", "--no-dashboard")
        self.workers: list[subprocess.Popen[bytes]] = []
        assert self.scheduler.stderr is not None
        while b"Scheduler at:" not in (line := self.scheduler.stderr.readline()):
            assert line, "the scheduler did not start"
        self.address = line.split()[-1].decode()

    def _start(self, module: str, *words: str, **more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", module, *words], stderr=subprocess.PIPE, env=environment(**more))

    def worker(self, **more: str) -> subprocess.Popen[bytes]:
        """Start one and wait until it takes part."""
        words = (str(self.weights), self.address, "--no-nanny", "--nthreads=1", "--no-dashboard")
        process = self._start("tests.faults.dask_worker", *words, **({"SLOW": "0.05"} | more))
        self.workers.append(process)
        assert process.stderr is not None
        wait_for(b"Registered to", process.stderr)
        return process

    def ensure(self, count: int) -> None:
        """Start as many as are missing."""
        for _ in range(len(self.workers), count):
            self.worker()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        self.workers.remove(process)
        process.kill()
        process.communicate()

    def close(self) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.communicate()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").write_bytes(FAKE_WEIGHTS)
    return tmp_path


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    weights = tmp_path_factory.mktemp("cluster") / "weights"
    weights.write_bytes(FAKE_WEIGHTS)
    made = Cluster(weights)
    yield made
    made.close()


def start(machines: Cluster, *words: str) -> subprocess.Popen[bytes]:
    """Start ``colorize`` on the cluster as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.cli.fake_colorize", str(machines.weights), *words, "--cluster", machines.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )


def rows(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_worker_that_is_killed_costs_no_file(machines, run):
    for number in range(30):
        make_photo(f"scans/{number % 3}/{number:02}.jpg", width=60 + number, height=50, seed=number)
    Path("scans/1/01.jpg").rename(Path("scans/1") / os.fsdecode(b"caf\xe9.jpg"))
    Path("scans/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert run("scans", "-o", "alone", "-q").exit_code == 1
    machines.ensure(2)
    process = start(machines, "scans", "-o", "out", "--report", "report.jsonl")
    assert process.stdout is not None
    for _ in range(4):
        process.stdout.readline()
    machines.kill(machines.workers[0])
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr.decode()
    assert b"2 workers" in stderr
    assert b"30 done, 1 failed" in stderr
    assert b"Traceback" not in stderr
    report = rows("report.jsonl")
    assert sorted(row["input"] for row in report) == sorted(map(str, Path("scans").rglob("*.*")))
    assert [row["input"] for row in report if row["status"] != "done"] == ["scans/bad.png"]
    assert all(row["output_sha256"] and row["weights_sha256"] for row in report if row["status"] == "done")
    assert {path.removeprefix("out/"): data for path, data in snapshot("out").items()} == {
        path.removeprefix("alone/"): data for path, data in snapshot("alone").items()
    }


def test_worker_with_another_version_is_named_before_anything_is_done(machines, run):
    make_photo("scans/a.png")
    other = machines.worker(VERSION="0.0.1")
    result = run("scans", "-o", "out", "--cluster", machines.address)
    machines.kill(other)
    assert result.exit_code == 4
    assert "It runs colorize 0.0.1" in result.stderr
    assert not Path("out").exists()


def test_interrupt_finishes_what_is_in_flight_and_the_run_can_be_resumed(machines, run):
    for number in range(40):
        make_photo(f"scans/{number:02}.png")
    machines.ensure(1)
    words = ("scans", "-o", "out", "--report", "report.jsonl")
    process = start(machines, *words)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr.decode()
    done = {Path(row["output"]).name for row in rows("report.jsonl")}
    assert visible("out") == done
    assert 0 < len(done) < 40
    resumed = run(*words, "--skip-existing", "--cluster", machines.address)
    assert resumed.exit_code == 0, resumed.stderr
    assert f"{40 - len(done)} done, {len(done)} skipped" in resumed.stderr
    assert len(visible("out")) == 40


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(resume, "_Loaded", lambda options, **_: FakeColorizer(options))
    monkeypatch.setattr(resume, "find_weights", lambda entry, given=None, **_: folder / "weights")
    monkeypatch.setattr(dask_worker, "_current", None)


def job(run: str = "1", **more: Any) -> Job:
    return Job(run, ColorizeOptions(**more), _version.__version__, None, 0)


def test_repeated_task_replaces_the_result_of_the_lost_worker_but_no_other_file(fake):
    item = Item(make_photo("a.png"), Path("out/a.png").absolute())
    outcome, error = colorize_one(job(), item)
    assert outcome is not None and error is None
    assert outcome.status == "done"
    first = Path("out/a.png").stat()
    outcome, _ = colorize_one(job(), item)
    assert outcome is not None
    assert outcome.status == "done"
    assert Path("out/a.png").stat().st_ino != first.st_ino
    assert read_provenance("out/a.png") is not None
    make_photo("out/a.png")
    before = snapshot("out")
    outcome, error = colorize_one(job(), item)
    assert outcome is not None and error is None
    assert outcome.status == "failed"
    assert "exists" in outcome.reason
    assert snapshot("out") == before


def test_repeated_task_replaces_the_variants_that_the_lost_worker_left(fake):
    item = Item(make_photo("a.png"), Path("out/a-color-1.png").absolute())
    for lost in ("a-color-1.png", "a-color-2.png"):
        outcome, _ = colorize_one(job(variants=2), item)
        assert outcome is not None
        assert outcome.status == "done"
        assert visible("out") == {"a-color-1.png", "a-color-2.png", "a-variants.jpg"}
        Path("out", lost).unlink()


def test_model_is_loaded_once_a_process_and_anew_for_another_run(fake, monkeypatch):
    loaded = []
    monkeypatch.setattr(resume, "_Loaded", lambda options, **_: loaded.append(1) or FakeColorizer(options))
    for number, run in enumerate(["1", "1", "2"]):
        make_photo(f"{number}.png")
        colorize_one(job(run), Item(Path(f"{number}.png"), Path(f"out/{number}.png")))
    assert len(loaded) == 2


def test_disk_that_is_full_on_a_worker_comes_back_as_what_stops_the_run(fake, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OutputError("The disk is full.", "Free some space.")

    monkeypatch.setattr("colorize_cli.batch.writing.write_pages", full)
    outcome, error = colorize_one(job(), Item(make_photo("a.png"), Path("out/a.png")))
    assert outcome is not None
    assert outcome.status == "failed"
    assert isinstance(error, OutputError)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.message, again.remedy) == (OutputError, "The disk is full.", "Free some space.")


def test_worker_that_sees_other_files_says_what_a_cluster_needs(folder):
    make_photo("a.png")
    size = Path("a.png").stat().st_size
    check_worker(Job("1", ColorizeOptions(), _version.__version__, Path("a.png"), size))
    for path, bytes_ in ((Path("a.png"), size + 1), (Path("b.png"), size)):
        with pytest.raises(ClusterError, match="does not see") as caught:
            check_worker(Job("1", ColorizeOptions(), _version.__version__, path, bytes_))
        assert "file system that all machines share" in caught.value.remedy


def test_scheduler_that_does_not_answer_is_one_line_and_exit_code_4(run, monkeypatch):
    monkeypatch.setattr(dask_batch, "_ANSWER_WITHIN", 0.5)
    make_photo("a.png")
    result = run("a.png", "--cluster", "tcp://127.0.0.1:1")
    assert result.exit_code == 4
    assert "No Dask scheduler answers at 'tcp://127.0.0.1:1'" in result.stderr
    assert sorted(snapshot()) == ["a.png"]


def test_library_that_is_missing_is_named_with_its_extra(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    make_photo("a.png")
    result = run("a.png", "--cluster", "local")
    assert result.exit_code == 4
    assert "pip install dask distributed" in result.stderr


def test_standard_streams_do_not_reach_a_cluster(run):
    make_photo("a.png")
    assert run("-", "--cluster", "local", stdin=b"").exit_code == 2
    assert run("a.png", "-o", "-", "--cluster", "local").exit_code == 2


def test_photograph_that_kills_every_worker_fails_and_the_run_goes_on():
    from distributed.scheduler import KilledWorker

    class Future:
        def result(self) -> None:
            raise KilledWorker("colorize-1", None, 3)  # type: ignore[arg-type]

    outcome, error = dask_batch._result(Future(), Item(Path("a.png"), Path("b.png")))
    assert outcome is not None and error is None
    assert outcome.status == "failed"
    assert "4 workers crashed" in outcome.reason


def test_names_that_workers_get_are_whole(folder):
    options = dask_batch._for_workers(
        ColorizeOptions(weights="weights", hints="hints.png", shard="1/2", skip_existing=True)
    )
    assert options.weights == os.fspath(folder / "weights")
    assert options.hints == "hints.png"
    assert (options.shard, options.skip_existing) == (None, False)


class Done(Future):  # type: ignore[type-arg]
    """A future of a task that ended at once."""

    def release(self) -> None:
        pass


class Elsewhere:
    """A client whose workers report results; those of ``blind`` workers write into another folder of that name."""

    def __init__(self, workers: list[str], blind: str) -> None:
        self.workers, self.blind, self.asked = workers, blind, 0

    def submit(self, _: object, job: Job, item: Item, **__: object) -> Done:
        worker = self.workers[self.asked % len(self.workers)]
        self.asked += 1
        assert item.target is not None
        if worker != self.blind:
            item.target.parent.mkdir(exist_ok=True)
            item.target.write_bytes(b"result")
        future = Done()
        future.set_result((Outcome(item.source, item.target, "done", details={WORKER: worker, "model": "gan"}), None))
        return future

    def nthreads(self) -> dict[str, int]:
        return dict.fromkeys(self.workers, 1)


@pytest.mark.parametrize("blind", ["tcp://two", ""])
def test_the_first_result_of_each_worker_is_looked_for(folder, fake, monkeypatch, blind):
    for number in range(12):
        make_photo(f"scans/{number:02}.png")
    options = ColorizeOptions(output="out/")
    plan = make_plan(["scans"], options)
    monkeypatch.setattr(dask_batch, "_connect", lambda _: (Elsewhere(["tcp://one", "tcp://two"], blind), None))
    monkeypatch.setattr(dask_batch.ClusterBatch, "_check", lambda _: None)
    monkeypatch.setattr(dask_batch.ClusterBatch, "_gpus", lambda _: {})
    monkeypatch.setattr(dask_batch, "expected_provenance", lambda _: FakeColorizer(options).provenance())
    told: list[Outcome] = []
    report = dask_batch.ClusterBatch(options, plan, shown_within=0.1).run(plan, told.append, Event())
    assert all(WORKER not in outcome.details for outcome in told)
    if not blind:
        assert (report.done, report.failed, report.stopped_by) == (12, 0, None)
        return
    assert isinstance(report.stopped_by, ClusterError)
    assert "tcp://two" in report.stopped_by.message and "out/" in report.stopped_by.message
    assert report.failed and report.not_reached
    assert {outcome.status for outcome in told if outcome.target and outcome.target.exists()} == {"done"}
    assert {outcome.status for outcome in told if outcome.target and not outcome.target.exists()} == {"failed"}


def test_the_local_cluster_is_closed_to_others(folder):
    script = """
import urllib.error, urllib.request
from distributed import Client
from colorize_cli.batch.cluster.dask_batch import _connect
from colorize_cli.batch.colorize_options import ColorizeOptions

if __name__ == "__main__":
    client, local = _connect(ColorizeOptions(cluster="local", jobs=1))
    assert client.submit(sum, [2, 3]).result() == 5
    assert client.scheduler.address.startswith("tls://127.0.0.1")
    info = client.scheduler_info()
    servers = [*info["services"].values()]
    for worker in info["workers"].values():
        servers += worker["services"].values()
    for port in servers:
        assert port != 8787
        for page in ("status", "info/main/workers.html", "json/counts.json", "api/v1/retire_workers"):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10)
            except urllib.error.HTTPError as error:
                assert error.code == 404
            else:
                raise AssertionError(page)
    try:
        Client(client.scheduler.address.replace("tls", "tcp"), timeout=2, set_as_default=False)
    except OSError:
        print("closed")
    client.close()
    local.close()
"""
    Path("local.py").write_text(script)
    done = subprocess.run([sys.executable, "local.py"], capture_output=True, text=True, timeout=180, env=environment())
    assert "closed" in done.stdout, done.stderr
