"""The model card that goes to the Hub with a checkpoint: what it is, how it was made, how well it does."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from colorize_cli.checkpoints.format import CheckpointInfo
from colorize_cli.registry import ModelEntry


def model_card(
    info: CheckpointInfo, entry: ModelEntry, *, file: str, sha256: str, repo: str, licence: str, pictures: Sequence[str]
) -> str:
    """Return the card as Markdown with the YAML header that the Hub reads.

    ``file``: name of the checkpoint in the repository; ``pictures``: names of example pictures there.
    """
    header = ["---", f"license: {licence}", "library_name: colorize-cli", "pipeline_tag: image-to-image", "tags:"]
    header += ["- image-colorization", f"- {entry.name}", "---", ""]
    body = [
        f"# {repo.rpartition('/')[2]}",
        "",
        f"A checkpoint of `{entry.name}` ({entry.title}) for `colorize`, a command-line colorizer of photographs.",
        "",
        "```",
        f"colorize photo.jpg -m {entry.name} --weights hf://{repo}/{file}",
        "```",
        "",
        "| | |",
        "|---|---|",
        f"| model | `{info.model}`, variant `{info.variant}` |",
        f"| paper | {entry.paper} |",
        f"| parameters | {entry.variants[info.variant].parameters:,} |",
        f"| recipe | {info.recipe or 'not recorded'} |",
        f"| encoder | {info.encoder or 'not recorded'} |",
        f"| written by | colorize {info.version or 'unknown'} |",
        f"| sha256 | `{sha256}` |",
        "",
    ]
    for title, facts in (("Data", info.data), ("Validation", info.validation)):
        body += [f"## {title}", "", *_table(facts), ""]
    if pictures:
        body += ["## Pictures", "", *(f"![{name}]({name})" for name in pictures), ""]
    return "\n".join(header + body)


def _table(facts: Mapping[str, Any]) -> list[str]:
    if not facts:
        return ["Not recorded."]
    rows = [f"| {key.replace('_', ' ')} | {_text(value)} |" for key, value in facts.items()]
    return ["| | |", "|---|---|", *rows]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("|", "\\|").replace("\n", " ")
