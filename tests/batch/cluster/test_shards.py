"""Shards: every photograph in exactly one, whoever looks, and what the environment says."""

import pytest

from colorize_cli.batch.cluster.shards import Shard, parse_shard
from colorize_cli.errors import UsageProblem


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_shards_partition_any_list_evenly(count):
    names = [f"scans/{n:04}.jpg".encode() for n in range(2000)] + [b"caf\xe9.jpg"]
    held = [[name for name in names if Shard(index, count).holds(name)] for index in range(1, count + 1)]
    assert sorted(name for part in held for name in part) == sorted(names)
    assert min(map(len, held)) > 0.8 * len(names) / count


SLURM = {
    "SLURM_ARRAY_TASK_ID": "7",
    "SLURM_ARRAY_TASK_COUNT": "4",
    "SLURM_ARRAY_TASK_MIN": "1",
    "SLURM_ARRAY_TASK_STEP": "2",
}


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        ("2/3", {}, Shard(2, 3)),
        ("auto", SLURM, Shard(4, 4)),
        ("auto", {"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "5"}, Shard(1, 5)),
        ("auto", {"RANK": "1", "WORLD_SIZE": "2"}, Shard(2, 2)),
        ("auto", SLURM | {"RANK": "0", "WORLD_SIZE": "1"}, Shard(4, 4)),
    ],
)
def test_shard_is_read_from_the_option_or_the_environment(text, environment, shard):
    assert parse_shard(text, environment) == shard


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("0/3", {}),
        ("4/3", {}),
        ("1/0", {}),
        ("1", {}),
        ("-1/3", {}),
        ("auto", {}),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_ID": "6"}),
        ("auto", {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_COUNT": "1"}),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_ID": "9"}),
        ("auto", {"SLURM_ARRAY_TASK_ID": "0"}),
        ("auto", {"RANK": "x", "WORLD_SIZE": "2"}),
    ],
)
def test_what_is_no_part_of_a_whole_is_refused(text, environment):
    with pytest.raises(UsageProblem, match="--shard"):
        parse_shard(text, environment)
