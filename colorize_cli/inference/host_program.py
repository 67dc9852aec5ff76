"""The library inside another program: what that program set does not change it, and it changes nothing of that."""

import contextlib
import os
from collections.abc import Iterator
from functools import cache

import torch


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Build and fill networks as in a program that set nothing, and leave behind what the program set.

    Inside, tensors are float32 on the CPU without autocast. Afterwards torch's default type is the program's again, and
    its random numbers go on where they were, though new layers draw some.
    """
    chosen = torch.get_default_dtype()
    # Within torch.device(...) every call of torch takes a detour through Python: only where it is needed.
    on_cpu = torch.get_default_device() == torch.device("cpu")
    device = contextlib.nullcontext() if on_cpu else torch.device("cpu")
    with torch.random.fork_rng(devices=[]), device, torch.autocast("cpu", enabled=False):
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(chosen)


@cache
def survive_fork() -> None:
    """Let the forks of this process, from the first call on, compute with one thread.

    A fork has a copy of torch's thread pool without the threads, and would wait for them for good. With one thread
    nothing waits.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_one_thread)


def _one_thread() -> None:
    torch.set_num_threads(1)
