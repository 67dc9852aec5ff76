"""One evaluation over several processes: every rank takes a strided share; the last to finish merges the parts.

Ranks share only the results folder, so they can run under torchrun, as a job array, or one after another.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorize_cli.compute import rank_from
from colorize_cli.evaluation.results import RECORD, Evaluation, load, save


@dataclass(frozen=True)
class Shard:
    """This process's share: photographs ``rank``, ``rank + world``, ``rank + 2 world`` ... of the list."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @property
    def alone(self) -> bool:
        """Whether there are no other processes."""
        return self.world == 1

    def device(self, device: str) -> str:
        """Return the device of this process: with ``auto``, each local rank takes its own CUDA device."""
        if self.alone or device not in ("auto", "cuda"):
            return device
        import torch

        count = torch.cuda.device_count()
        return f"cuda:{self.local_rank % count}" if count else device


def shard_from(environment: Mapping[str, str]) -> Shard:
    """Return the share given by RANK, WORLD_SIZE and LOCAL_RANK, as set by torchrun.

    Raises :class:`UsageProblem` for values that make no sense.
    """
    place = rank_from(environment)
    return Shard(place.rank, place.world, place.local_rank)


def fingerprint(record: Mapping[str, Any]) -> str:
    """Return a hash of everything that affects the figures; devices may differ between ranks and are left out."""
    contenders = [{k: v for k, v in c.items() if k != "device"} for c in record["contenders"]]
    decisive = [record["protocol"], record["photos"]["list_sha256"], contenders, record["versions"]]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def merge_when_last(folder: Path, shard: Shard, part: Evaluation) -> Evaluation | None:
    """Store this rank's part; return the whole result if it was the last one missing, else None.

    The parts are removed once merged. Raises :class:`OutputError`, :class:`UsageProblem`.
    """
    shards = folder / "shards" / f"{fingerprint(part.record)}-of-{shard.world}"
    save(shards / f"{shard.rank}", part)
    ranks = [shards / f"{rank}" for rank in range(shard.world)]
    if not all((place / RECORD).exists() for place in ranks) or not _claim(shards / "merging"):
        return None
    parts = [load(place) for place in ranks]
    results = sorted((result for p in parts for result in p.results), key=lambda result: result.index)
    shutil.rmtree(folder / "shards", ignore_errors=True)
    return Evaluation({**part.record, "shards": shard.world}, results)


def _claim(marker: Path) -> bool:
    """Create a file that only one process can create; two ranks that finish together must not both merge."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True
