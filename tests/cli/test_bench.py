import importlib.util
import json

import pytest
from typer.testing import CliRunner

from colorize_cli.cli.app import app
from tests.benchmark.conftest import Loader

FAST = ("--quick", "--sizes", "0.02", "--batch", "1", "--threads", "1")


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Run ``colorize bench`` in a folder of its own, with a fake model on a machine without a GPU."""
    monkeypatch.chdir(tmp_path)
    importlib.import_module(
        "colorize_cli.inference.colorizer"
    )  # binds the real find_weights, whichever test runs first
    monkeypatch.setattr("colorize_cli.checkpoints.locate.find_weights", lambda entry, given=None, **_: "somewhere")
    from colorize_cli.benchmark import matrix as module

    real, loader = module.run, Loader()
    monkeypatch.setattr(module, "run", lambda options, **extra: real(options, load=loader, **extra))
    runner = CliRunner()
    return lambda *words: runner.invoke(app, ["bench", *words], prog_name="colorize")


def test_a_machine_without_gpu_says_so_and_exits_0(bench):
    result = bench(*FAST, "--device", "cpu", "--device", "cuda")
    assert result.exit_code == 0, result.output
    assert "not available" in result.stdout and "cpu" in result.stdout
    assert "Timing gan on cpu" in result.stderr


def test_exports_go_by_their_ending_and_json_to_stdout(bench, tmp_path):
    for name in ("a.json", "a.csv", "a.md"):
        assert bench(*FAST, "--device", "cpu", "--export", name).exit_code == 0
        assert (tmp_path / name).stat().st_size > 100
    result = bench(*FAST, "--device", "cpu", "--json", "-q")
    assert json.loads(result.stdout)["rows"][0]["status"] == "measured" and result.stderr == ""


def test_a_run_is_compared_with_an_earlier_one(bench):
    assert bench(*FAST, "--device", "cpu", "--export", "old.json").exit_code == 0
    result = bench(*FAST, "--device", "cpu", "--compare", "old.json")
    assert result.exit_code == 0 and "new / old" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--export", "figures.xlsx"),
        ("--plot", "figures.svg"),
        ("--batch", "many"),
        ("--batch", "1.5"),
        ("--sizes", "-1"),
        ("--compare", "absent.json"),
        (".",),
    ],
)
def test_a_command_that_makes_no_sense_ends_with_2_before_anything_is_measured(bench, words):
    result = bench(*words)
    assert result.exit_code == 2 and "Timing" not in result.stderr


def test_a_plot_without_matplotlib_ends_with_4_before_anything_is_measured(bench, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "matplotlib" else real(name, *more)
    )
    result = bench(*FAST, "--plot", "out.png")
    assert result.exit_code == 4 and "pip install matplotlib" in result.stderr
    assert "Timing" not in result.stderr


def test_an_unknown_model_ends_with_3(bench):
    assert bench("-m", "gna").exit_code == 3
