"""The help of ``colorize``: every option is there, under its heading."""

import re


def test_options_are_listed_in_groups(run):
    text = run("colorize", "-h").stdout
    headings = re.findall(r"^(\S.*):$", text, flags=re.MULTILINE)
    assert headings[0] == "Arguments"
    assert {"Results", "Model", "Colors", "Machine", "Long runs", "Messages"} <= set(headings)
    long_runs = text[text.index("Long runs:") : text.index("Messages:")]
    assert "--report" in long_runs and "--output" not in long_runs
