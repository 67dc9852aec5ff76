import pytest
import torch

from colorize_cli.benchmark.bench_options import BenchOptions
from colorize_cli.benchmark.matrix import is_out_of_memory, run
from colorize_cli.errors import UsageProblem, WeightsMissing
from colorize_cli.imaging.geometry import fit
from tests.benchmark.conftest import Loader, measured_row


def options(**changes) -> BenchOptions:
    chosen = {"devices": ("cpu",), "batches": (1, 4), "sizes": (0.02,), "quick": True, "threads": 1}
    return BenchOptions(**(chosen | changes))


def test_every_combination_has_a_row_with_all_its_figures(weights):
    rows = run(options(sizes=(0.02, 0.04)), load=Loader())
    assert [(row.megapixels, row.batch) for row in rows] == [(0.02, 1), (0.02, 4), (0.04, 1), (0.04, 4)]
    for row in rows:
        columns = row.columns()
        assert columns["status"] == "measured" and columns["weights"] == "trained" and columns["sample_count"] >= 3
        for name in (
            "load",
            "first_photo",
            "latency_p50",
            "latency_p95",
            "read",
            "fit",
            "predict",
            "recombine",
            "write",
        ):
            assert columns[f"{name}_seconds"] > 0, name
        assert columns["memory_mb"] > 0
        assert columns["photos_per_second"] == pytest.approx(row.batch / row.latency_p50)
        assert columns["cpu"] and columns["torch"] == torch.__version__ and columns["threads"] == 1


def test_pictures_are_fitted_as_the_checkpoint_asks(weights, monkeypatch):
    asked = set()

    def fitted(gray, size, how):
        asked.add((size, how))
        return fit(gray, size, how)

    monkeypatch.setattr("colorize_cli.benchmark.matrix.fit", fitted)
    loader = Loader()
    run(options(batches=(1,)), load=loader)
    (subject,) = loader.subjects
    assert subject.entry.fit != subject.input.fit
    assert asked == {(subject.size, subject.input.fit)}


def test_a_device_that_is_not_here_becomes_a_row_that_says_so(weights):
    rows = run(options(devices=("cpu", "cuda"), batches=(1,)), load=Loader(devices=("cpu",)))
    assert [row.status for row in rows] == ["measured", "not available"]
    assert rows[1].device == "cuda" and "No cuda here." in rows[1].note and rows[1].photos_per_second is None


def test_out_of_memory_halves_the_batch_and_says_so(weights):
    loader = Loader(most=3)
    told: list[str] = []
    (row,) = run(options(batches=(8,)), load=loader, say=told.append)
    assert (row.asked_batch, row.batch, row.status) == (8, 2, "measured")
    assert "batch 8 ran out of memory, measured with 2" in row.note
    assert any("batch of 4" in line for line in told) and any("batch of 2" in line for line in told)
    assert max(loader.subjects[0].batches) == 2


def test_memory_for_not_even_one_photo_becomes_a_row(weights):
    (row,) = run(options(batches=(2,)), load=Loader(most=0))
    assert row.status == "out of memory" and row.batch == 1 and not row.samples


def test_a_mistake_of_the_program_stays_loud(weights):
    def broken(*_):
        subject = Loader()("gan", None, "cpu", "fp32", None)
        subject.colorize = lambda photo, ab: 1 / 0
        return subject

    with pytest.raises(ZeroDivisionError):
        run(options(), load=broken)


def test_results_are_compared_with_those_of_the_cpu_in_fp32(weights):
    plain, other = run(options(precisions=("fp32", "bf16"), batches=(1,)), load=Loader())
    assert (plain.delta_e_mean, plain.delta_e_max) == (0.0, 0.0)
    assert 0 < other.delta_e_mean <= other.delta_e_max < 10


def test_the_reference_is_computed_where_no_row_asks_for_it(weights):
    (row,) = run(options(precisions=("bf16",), batches=(1,)), load=Loader())
    assert row.delta_e_mean > 0


def test_speedup_is_over_the_cpu_row_of_the_same_batch_and_size():
    from colorize_cli.benchmark.measurements import fill_speedups

    rows = [
        measured_row(0.4),
        measured_row(0.2, precision="bf16"),
        measured_row(0.1, device="cuda:0"),
        measured_row(0.1, device="cuda:0", megapixels=12.0),
    ]
    fill_speedups(rows)
    assert [row.speedup for row in rows] == [1.0, pytest.approx(2), pytest.approx(4), None]


def test_latency_is_of_a_batch_and_stages_are_of_a_photo():
    row = measured_row(0.1)
    assert row.latency_p50 == pytest.approx(0.1) and row.photos_per_second == pytest.approx(20)
    assert row.stage_seconds["predict"] == pytest.approx(0.025) and row.stage_seconds["write"] == pytest.approx(0.05)
    assert row.whole_per_second == pytest.approx(1 / (3 * 0.05 + 2 * 0.025))


def test_threads_are_set_for_the_run_and_set_back(weights):
    before = torch.get_num_threads()
    seen = []
    run(options(threads=3, batches=(1,)), load=Loader(), say=lambda _: seen.append(torch.get_num_threads()))
    assert seen and set(seen) == {3} and torch.get_num_threads() == before


def test_torch_on_a_cpu_words_out_of_memory_as_a_runtime_error():
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


def test_a_model_without_weights_is_timed_with_random_ones_that_are_named_so(tmp_path, monkeypatch):
    from colorize_cli.benchmark import subjects

    monkeypatch.setattr("colorize_cli.checkpoints.locate.bundled_folder", lambda: tmp_path / "none")
    found = subjects.find("gan", None, tmp_path)
    assert not found.trained
    colorizer = subjects.load("gan", found, "cpu", "fp32", 32)
    assert colorizer.info.recipe == "untrained"
    with pytest.raises(WeightsMissing):
        subjects.find("gan", str(tmp_path / "absent.safetensors"), tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"batches": (0,)}, {"sizes": (0.0,)}, {"threads": 0}, {"precisions": ("fp8",)}, {"rounds": 0}]
)
def test_what_cannot_be_measured_is_refused(wrong):
    with pytest.raises(UsageProblem):
        options(**wrong)


def test_weights_belong_to_one_model():
    with pytest.raises(UsageProblem, match="one model"):
        options(models=("gan", "gan-64"), weights="somewhere")
