"""The library inside another program: forks do not hang, and neither changes what the other has set."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from colorize_cli import Colorizer
from colorize_cli.errors import DeviceError

FORKS = """
import multiprocessing, sys
import numpy as np, torch
from colorize_cli import Colorizer
torch.set_num_threads(4)
colorizer = Colorizer("gan-64", device="cpu")
gray = np.random.default_rng(0).integers(0, 256, (300, 400), np.uint8)
if sys.argv[1] == "used":
    colorizer(gray)
child = multiprocessing.get_context("fork").Process(target=colorizer, args=(gray,))
child.start()
child.join(60)
if child.exitcode is None:
    child.kill()
    sys.exit("the child hangs")
assert child.exitcode == 0
assert torch.get_num_threads() == 4
"""


@pytest.fixture
def gray() -> np.ndarray:
    rows, columns = np.mgrid[:80, :120]
    return (60 + rows + columns % 23 * 3).astype(np.uint8)


@pytest.fixture
def plain(gray) -> np.ndarray:
    return np.asarray(Colorizer("gan", device="cpu")(gray))


@pytest.fixture
def default_float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("before", ["loaded", "used"])
def test_a_fork_of_a_program_that_loaded_a_model_colorizes(before):
    done = subprocess.run([sys.executable, "-c", FORKS, before], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_a_fork_that_cannot_use_the_gpu_says_so(gray):
    colorizer = Colorizer("gan-64", device="cpu")

    def chroma(*_: object, **__: object) -> None:
        raise RuntimeError("Cannot re-initialize CUDA in forked subprocess.")

    colorizer.network.chroma = chroma  # type: ignore[assignment]
    colorizer.network.chroma_and_error_of_both = chroma  # type: ignore[assignment]
    with pytest.raises(DeviceError, match="after the fork"):
        colorizer(gray)


def test_loading_and_colorizing_leave_random_numbers_as_they_were(gray):
    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(5)
    expected = (torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random())
    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(5)
    Colorizer("gan", device="cpu")(gray)
    assert (torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()) == expected


def test_another_default_type_changes_nothing_and_stays(gray, plain, default_float64):
    colorizer = Colorizer("gan", device="cpu")
    assert np.array_equal(np.asarray(colorizer(gray)), plain)
    assert colorizer.predict_with_confidence([gray])[0].ab.dtype == np.float32
    assert torch.get_default_dtype() == torch.float64


def test_the_default_type_comes_back_if_loading_fails(tmp_path, default_float64):
    (tmp_path / "broken.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(Exception, match="broken"):
        Colorizer("gan", weights=tmp_path / "broken.safetensors", device="cpu")
    assert torch.get_default_dtype() == torch.float64


def test_an_autocast_around_it_changes_no_pixel_and_goes_on(gray, plain):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert np.array_equal(np.asarray(Colorizer("gan", device="cpu")(gray)), plain)
        assert torch.is_autocast_enabled("cpu")
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_another_default_device_changes_nothing(gray, plain):
    with torch.device("meta"):
        assert np.array_equal(np.asarray(Colorizer("gan", device="cpu")(gray)), plain)
        assert torch.ones(1).device.type == "meta"


def test_gradients_are_recorded_afterwards_as_before(gray):
    Colorizer("gan", device="cpu")(gray)
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
