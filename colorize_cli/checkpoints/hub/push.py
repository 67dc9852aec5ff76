"""Uploading a checkpoint to the Hugging Face Hub, with a card that says what it is and how it was made."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi, constants, get_token

from colorize_cli._version import __version__
from colorize_cli.checkpoints.file import CheckpointInfo, load_checkpoint
from colorize_cli.checkpoints.hub.download import LIBRARY
from colorize_cli.checkpoints.hub.endpoint import without_password
from colorize_cli.checkpoints.hub.plain_errors import plain_errors
from colorize_cli.entry import ModelEntry
from colorize_cli.errors import AccessDenied, UnreadablePhoto, UsageProblem, WeightsInvalid
from colorize_cli.registry import get

CARD = "README.md"


def check_destination(repo: str) -> None:
    """Raise what can be known before anything is sent: :class:`UsageProblem` or, without a token, an access error."""
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise UsageProblem(f"'{repo}' is not a Hub repository.", "Write owner/name.")
    if get_token() is None:
        raise AccessDenied(f"Publishing to hf://{repo} needs a token.", "Set HF_TOKEN.")


def push(
    checkpoint: Path, repo: str, *, licence: str = "other", pictures: Sequence[Path] = (), private: bool = False
) -> str:
    """Upload a checkpoint of this program, a card made from what it records, and pictures; returns the commit's URL.

    ``repo``: ``owner/name``, created where it does not exist. Needs ``HF_TOKEN`` or a stored login. Raises
    :class:`UsageProblem`, :class:`WeightsInvalid` for a trial run's checkpoint, and the errors of the Hub.
    """
    check_destination(repo)
    for picture in pictures:
        if not picture.is_file():
            raise UnreadablePhoto(f"There is no picture {picture}.", "Check --picture.")
    loaded = load_checkpoint(checkpoint)
    if loaded.info.smoke:
        raise WeightsInvalid(f"{checkpoint} comes from a smoke test.", "Train it fully before you publish it.")
    entry = get(loaded.info.model)
    file = f"{entry.name}.safetensors"
    names = [f"pictures/{picture.name}" for picture in pictures]
    card = model_card(loaded.info, entry, file=file, sha256=loaded.sha256, repo=repo, licence=licence, pictures=names)
    operations = [
        CommitOperationAdd(file, str(checkpoint)),
        CommitOperationAdd(CARD, card.encode()),
        *(CommitOperationAdd(name, str(picture)) for name, picture in zip(names, pictures, strict=True)),
    ]
    api = HfApi(endpoint=constants.ENDPOINT, library_name=LIBRARY, library_version=__version__)
    with plain_errors(f"hf://{repo}"):
        api.create_repo(repo, private=private, exist_ok=True)
        commit = api.create_commit(repo, operations, commit_message=f"Upload {entry.name}")
    return without_password(str(commit.commit_url))


def model_card(
    info: CheckpointInfo, entry: ModelEntry, *, file: str, sha256: str, repo: str, licence: str, pictures: Sequence[str]
) -> str:
    """Return the card as Markdown with the YAML header that the Hub reads.

    ``file``: name of the checkpoint in the repository; ``pictures``: names of example pictures there.
    """
    described = entry.described(info.variant)
    header = ["---", f"license: {licence}", f"library_name: {LIBRARY}", "pipeline_tag: image-to-image", "tags:"]
    header += ["- image-colorization", f"- {entry.name}", "---", ""]
    body = [
        f"# {repo.rpartition('/')[2]}",
        "",
        f"A checkpoint of `{entry.name}` ({described.title}) for `colorize`, a command-line colorizer of photographs.",
        "",
        "```",
        f"colorize photo.jpg -m {entry.name} --weights hf://{repo}/{file}",
        "```",
        "",
        "| | |",
        "|---|---|",
        f"| model | `{info.model}`, variant `{info.variant}` |",
        f"| paper | {entry.paper} |",
        f"| parameters | {described.parameters:,} |",
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
