"""``review.jsonl``: what was answered is never lost, whatever kills the server."""

import json
from pathlib import Path

import pytest

from colorize_cli.errors import OutputError, UsageProblem
from colorize_cli.review.decisions import Decision, Decisions, Look


def decision(folder, name="a.png", state="accepted", **more):
    return Decision(photo=folder / name, state=state, look=Look(vividness=0.3, strength=0.8), **more)


def test_the_last_decision_counts_after_a_restart(tmp_path):
    path = tmp_path / "review.jsonl"
    first = Decisions(path)
    first.record(decision(tmp_path, note="too red", state="rejected"))
    first.record(decision(tmp_path, who="ann", scan_sha256="1" * 64))
    first.record(decision(tmp_path, "b.png", "rejected"))
    again = Decisions(path)
    assert again.get(tmp_path / "a.png") == first.get(tmp_path / "a.png")
    assert again.get(tmp_path / "a.png").look == Look(vividness=0.3, strength=0.8)
    assert {found.photo.name: found.state for found in again} == {"a.png": "accepted", "b.png": "rejected"}


def test_a_line_cut_short_by_a_kill_costs_that_line_only(tmp_path):
    path = tmp_path / "review.jsonl"
    Decisions(path).record(decision(tmp_path))
    with path.open("ab") as file:
        file.write(b'{"photo": "b.png", "sta')
    again = Decisions(path)
    again.record(decision(tmp_path, "c.png"))
    assert {found.photo.name for found in Decisions(path)} == {"a.png", "c.png"}


def test_names_move_with_the_folder(tmp_path):
    (tmp_path / "one").mkdir()
    Decisions(tmp_path / "one" / "review.jsonl").record(decision(tmp_path / "one"))
    assert json.loads((tmp_path / "one" / "review.jsonl").read_text())["photo"] == "a.png"
    (tmp_path / "one").rename(tmp_path / "two")
    assert Decisions(tmp_path / "two" / "review.jsonl").get(tmp_path / "two" / "a.png") is not None


def test_two_writers_of_one_file_lose_nothing(tmp_path):
    path = tmp_path / "review.jsonl"
    one, other = Decisions(path), Decisions(path)
    for number in range(5):
        one.record(decision(tmp_path, f"one-{number}.png"))
        other.record(decision(tmp_path, f"other-{number}.png"))
    assert len(list(Decisions(path))) == 10


def test_a_file_that_is_no_review_is_refused(tmp_path):
    path = tmp_path / "review.jsonl"
    path.write_text("hello\nworld\n")
    with pytest.raises(UsageProblem, match="contains no decisions"):
        Decisions(path)


def test_a_folder_that_is_gone_is_an_error_with_its_name(tmp_path):
    with pytest.raises(OutputError, match="nowhere"):
        Decisions(tmp_path / "nowhere" / "review.jsonl").record(decision(Path("/x")))
