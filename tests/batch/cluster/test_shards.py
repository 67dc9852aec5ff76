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


def of_array(task: int, tasks: list[int], step: int = 1) -> dict[str, str]:
    names = {"ID": task, "COUNT": len(tasks), "MIN": min(tasks), "MAX": max(tasks), "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in names.items()}


@pytest.mark.parametrize("tasks", [[3], [3, 4], [3, 5], [2, 3, 4, 5, 6, 7, 8], [1, 2, 4, 7]])
def test_tasks_of_an_array_submitted_again_do_not_take_the_shares_of_others(tasks):
    for task in tasks:
        with pytest.raises(UsageProblem, match="auto/8"):
            parse_shard("auto", of_array(task, tasks))


@pytest.mark.parametrize("tasks", [range(1, 9), range(8), range(10, 18)])
def test_counted_shards_cover_an_array_and_stay_when_a_task_is_submitted_again(tasks):
    whole = [parse_shard("auto/8", of_array(task, list(tasks))) for task in tasks]
    assert sorted(shard.index for shard in whole) == list(range(1, 9))
    assert [parse_shard("auto/8", of_array(task, [task])) for task in tasks] == whole
    if tasks[0] == 1:
        assert whole == [parse_shard("auto", of_array(task, list(tasks))) for task in tasks]


def test_counted_shards_under_torchrun_are_as_many_as_there_are_processes():
    assert parse_shard("auto/4", {"RANK": "1", "WORLD_SIZE": "4"}) == Shard(2, 4)
    for text, environment in (("auto/8", {"RANK": "1", "WORLD_SIZE": "4"}), ("auto/8", {}), ("auto/0", SLURM)):
        with pytest.raises(UsageProblem, match="--shard"):
            parse_shard(text, environment)
