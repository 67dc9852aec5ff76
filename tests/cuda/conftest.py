"""Tests of an accelerator: ``pytest -m cuda``; ``pytest tests/cuda --on cpu`` tries the tests without one."""

import pytest
import torch


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--on", default="cuda", help="device of the tests marked cuda: cuda, cuda:N or cpu")


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    # In a run over all tests this file is found too late for its option to be known.
    chosen = torch.device(request.config.getoption("--on", default="cuda"))
    if chosen.type == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device, and torch finds none")
    return chosen


@pytest.fixture
def cuda(device: torch.device) -> torch.device:
    if device.type != "cuda":
        pytest.skip("needs the memory of a CUDA device")
    return device
