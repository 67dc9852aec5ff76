"""One run shared out among machines: every photograph belongs to exactly one shard, whichever machine looks.

A photograph's shard follows from its name alone, so that machines agree without talking, also when one lists the
folder later, with results of another already in it. Counting along the list would not: it shifts with every file.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from colorize_cli.compute import rank_from
from colorize_cli.errors import UsageProblem

_GIVE = "Use for example --shard 2/8, or --shard auto or auto/8 in a SLURM array or under torchrun."


@dataclass(frozen=True)
class Shard:
    """The ``index``-th (from 1) of ``count`` parts."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, name: bytes) -> bool:
        """Whether the photograph called ``name`` belongs to this shard."""
        digest = hashlib.blake2b(name, digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index - 1

    def named(self, path: Path) -> Path:
        """Return the name that a file of the whole run has in this shard: ``report.jsonl``, ``report-2-of-8.jsonl``."""
        return path.with_name(f"{path.stem}-{self.index}-of-{self.count}{path.suffix}")


def parse_shard(text: str, environment: Mapping[str, str] | None = None) -> Shard:
    """Return the shard that ``i/n`` names (i from 1 to n), or ``auto``: the place of this process in a job array of
    SLURM (``SLURM_ARRAY_TASK_ID``, ``_COUNT``, ``_MIN``, ``_MAX``, ``_STEP``) or under torchrun (``RANK``,
    ``WORLD_SIZE``). An array that cannot be a whole one is refused: SLURM tells a task only of the array in which it
    was submitted last. ``auto/n``: of ``n`` shards the one that a task always has, also when it is submitted again.

    Raises :class:`UsageProblem`.
    """
    environment = os.environ if environment is None else environment
    if text == "auto":
        return _from_environment(environment)
    if counted := re.fullmatch(r"auto/0*([1-9]\d{0,8})", text, re.ASCII):
        return _of_counted(int(counted[1]), environment)
    found = re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)
    if found is None:
        raise UsageProblem(f"--shard {text} is not of the form I/N.", _GIVE)
    return _checked(int(found[1]), int(found[2]), f"--shard {text}")


def _from_environment(environment: Mapping[str, str]) -> Shard:
    if "SLURM_ARRAY_TASK_ID" in environment:
        task, count, first, step = (
            _integer(environment, f"SLURM_ARRAY_TASK_{name}", default)
            for name, default in (("ID", None), ("COUNT", None), ("MIN", 0), ("STEP", 1))
        )
        place = f"task {task} of a SLURM array"
        if count == 1:
            raise UsageProblem(
                f"--shard auto: {place} of one task, which would take all photos.",
                f"To repeat one task of eight, give --shard auto/8 if numbered from 1, or --shard {task + 1}/8 "
                "if from 0. For all photos, leave --shard out.",
            )
        last = _integer(environment, "SLURM_ARRAY_TASK_MAX", first + (count - 1) * step)
        if step > 0 and (last - first) // step + 1 != count:
            raise UsageProblem(
                f"--shard auto: an array of {count} tasks from {first} to {last} is a part of another one.",
                "To repeat some tasks of eight, give --shard auto/8, or name each share, for example --shard 4/8.",
            )
        if first > 1:
            # SLURM tells a task nothing of an earlier array: --array=3-4 may be two tasks of eight, submitted again.
            raise UsageProblem(
                f"--shard auto: an array numbered from {first} may be a part of another one.",
                "Give the number of tasks of the whole array, for example --shard auto/8, or number it from 0 or 1.",
            )
        if step < 1 or (task - first) % step:
            raise UsageProblem(
                f"--shard auto: {place} does not fit an array that begins at {first} in steps of {step}.", _GIVE
            )
        return _checked((task - first) // step + 1, count, f"--shard auto: {place} of {count}")
    if "RANK" in environment and "WORLD_SIZE" in environment:
        try:
            own = rank_from(environment)
        except UsageProblem as error:
            raise UsageProblem(f"--shard auto: {error.message}", _GIVE) from None
        return Shard(own.rank + 1, own.world)
    raise UsageProblem(
        "--shard auto: this is neither a SLURM array (SLURM_ARRAY_TASK_ID) nor torchrun (RANK, WORLD_SIZE).",
        "Use for example --shard 2/8.",
    )


def _of_counted(count: int, environment: Mapping[str, str]) -> Shard:
    """Return the share, of ``count``, of this task or process: task 1 has the first, task ``count`` or 0 the last."""
    if "SLURM_ARRAY_TASK_ID" in environment:
        return Shard((_integer(environment, "SLURM_ARRAY_TASK_ID") - 1) % count + 1, count)
    own = _from_environment(environment)
    if own.count != count:
        raise UsageProblem(f"--shard auto/{count}: there are {own.count} processes.", f"Use --shard auto/{own.count}.")
    return own


def _integer(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    try:
        return int(environment[name])
    except KeyError:
        if default is not None:
            return default
        raise UsageProblem(f"--shard auto: {name} is not set.", _GIVE) from None
    except ValueError:
        raise UsageProblem(f"--shard auto: {name} is '{environment[name]}', which is not a number.", _GIVE) from None


def _checked(index: int, count: int, said: str) -> Shard:
    if not 1 <= index <= count:
        raise UsageProblem(f"{said} is not between 1/{count} and {count}/{count}.", _GIVE)
    return Shard(index, count)
