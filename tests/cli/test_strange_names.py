"""Names that hold what a terminal obeys, or newlines, are shown escaped and make no lines of their own."""

import json
import re
from pathlib import Path

import pytest

from colorize_cli.cli.terminal.console import Console, fail
from colorize_cli.errors import UsageProblem, printable
from colorize_cli.tables import markdown_text, rich_table
from tests.cli.conftest import make_photo

STRANGE = "a\x1b[31m\nFailed: b"
SHOWN = "a\\x1b[31m\\nFailed: b"


def assert_harmless(text: str) -> None:
    assert "\x1b" not in text
    assert not re.search(r"^Failed: b", text, re.MULTILINE)


def test_escapes_are_readable():
    assert printable(STRANGE) == SHOWN
    assert printable("two\nlines\t", lines=True) == "two\nlines\\t"
    assert printable("café 東京") == "café 東京"


def test_failures_and_skips_of_a_run_are_one_line_each(run):
    Path(f"{STRANGE}.png").write_bytes(b"bad")
    make_photo(f"{STRANGE}/{STRANGE}2.png")
    result = run(".", "-o", "out/", "-v")
    assert result.exit_code == 1
    assert SHOWN in result.stderr
    assert_harmless(result.stderr)


@pytest.mark.parametrize(
    "words",
    [
        (STRANGE,),
        ("a.png", "--size", STRANGE),
        ("a.png", "-m", STRANGE),
        ("a.png", "--format", STRANGE),
        ("a.png", "--weights", STRANGE),
        ("a.png", "--device", STRANGE),
        ("a.png", "--shard", STRANGE),
        ("a.png", "--preset", STRANGE),
        ("a.png", f"--{STRANGE}"),
        ("models", "show", STRANGE),
        ("report", "merge", STRANGE, "-o", "m.jsonl"),
        ("evaluate", STRANGE, "-m", "gan", "-o", "e"),
        ("train", STRANGE, "-m", "unet", "-o", "r"),
    ],
    ids=lambda words: " ".join(words[:2]).replace(STRANGE, "strange"),
)
def test_words_of_the_command_line_are_shown_escaped(run, words):
    make_photo("a.png")
    result = run(*words)
    assert result.exit_code != 1
    assert "\\x1b" in result.stderr or STRANGE not in result.stderr
    assert_harmless(result.stderr)


def test_study_contenders_and_tables_are_shown_escaped(run, capsys):
    answers = {
        "study": "s" * 8, "kind": "forced-choice", "contenders": [STRANGE], "answers": [],
    }  # fmt: skip
    Path("answers.json").write_text(json.dumps(answers))
    result = run("evaluate", "--study-results", "answers.json")
    assert_harmless(result.stdout + result.stderr)
    from rich.console import Console as RichConsole

    RichConsole(width=200).print(rich_table([STRANGE, "b"], [[STRANGE, STRANGE]], title=STRANGE))
    assert "\x1b" not in capsys.readouterr().out
    assert len(markdown_text([STRANGE], [[STRANGE]]).splitlines()) == 3


def test_messages_of_the_library_are_shown_escaped(capsys):
    fail(UsageProblem(f"There is no '{STRANGE}'."))
    Console().error(f"Failed: '{STRANGE}': bad")
    Console(verbose=True).detailed_lines("Traceback:\n  line")
    told = capsys.readouterr().err
    assert_harmless(told)
    assert "Traceback:\n  line\n" in told
