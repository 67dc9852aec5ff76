"""The help: ten everyday options as plain text, and every option with ``--help-all``."""

import re

import pytest
import typer

EVERYDAY = {
    "--model", "--output", "--skip-existing", "--vividness", "--strength", "--size", "--hints", "--label", "--report",
    "--device", "--reference",
}  # fmt: skip


def options_in(text: str) -> set[str]:
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, flags=re.MULTILINE))


def test_help_shows_what_most_people_need(run):
    text = run("colorize", "-h").stdout
    assert options_in(text) == EVERYDAY | {"--help", "--help-all"}
    assert max(map(len, text.splitlines())) <= 80


def test_help_all_shows_every_option_under_its_heading(run):
    text = run("colorize", "--help-all").stdout
    headings = re.findall(r"^(\S.*):$", text, flags=re.MULTILINE)
    assert headings[:2] == ["Arguments", "Output"]
    assert {"Model", "Color", "Review", "Large batches", "Hardware", "Messages"} <= set(headings)
    large = text[text.index("Large batches:") : text.index("Hardware:")]
    assert "--report" in large and "--output" not in large
    assert len(options_in(text)) > 45


@pytest.mark.parametrize("command", ["train", "evaluate", "bench"])
def test_every_command_has_both_helps(run, command):
    short, long = (options_in(run(command, word).stdout) for word in ("--help", "--help-all"))
    assert short - {"--help-all"} < long


def test_the_list_of_commands_says_what_their_own_help_says():
    from colorize_cli.cli.app import COMMANDS, app

    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        assert COMMANDS[name][1] == command.get_short_help_str(limit=200), name
