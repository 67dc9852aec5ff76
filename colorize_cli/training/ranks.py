"""The processes of one training run: one by default, several under ``torchrun``."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Ranks:
    """This process's number among ``world`` processes; process 0 writes the files."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that validates, saves and reports."""
        return self.rank == 0


def current() -> Ranks:
    """Return the place of this process as ``torchrun`` says in the environment."""
    return Ranks(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))
