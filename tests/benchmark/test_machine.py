import numpy as np
import torch

from colorize_cli._version import __version__
from colorize_cli.benchmark.machine import PeakMemory, describe


def test_the_machine_says_what_a_figure_depends_on():
    machine = describe(threads=3)
    assert machine.cpu and machine.cores >= 1 and machine.threads == 3 and machine.ram_gb > 0.1
    assert machine.torch == torch.__version__ and machine.version == __version__
    for fact in (machine.cpu, "3 threads", machine.torch, __version__):
        assert fact in str(machine)


def test_peak_memory_sees_what_was_freed_again():
    memory = PeakMemory(torch.device("cpu"))
    before = memory.resident_mb()
    np.ones(100 << 20, np.uint8)
    assert memory.resident_mb() - before > (50 if memory.own else -1)
    assert memory.cuda_mb() is None


def test_peak_memory_of_a_stretch_does_not_count_what_came_before():
    np.ones(200 << 20, np.uint8)
    first = PeakMemory(torch.device("cpu"))
    if first.own:
        grown = first.resident_mb()
        np.ones(200 << 20, np.uint8)
        assert first.resident_mb() - grown > 150
