"""Uploading a checkpoint and its card to the Hugging Face Hub."""

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, constants, get_token

from colorize_cli._version import __version__
from colorize_cli.checkpoints.card import model_card
from colorize_cli.checkpoints.format import load_checkpoint
from colorize_cli.checkpoints.hub import LIBRARY
from colorize_cli.checkpoints.hub_errors import plain_errors
from colorize_cli.errors import AccessDenied, UnreadablePhoto, UsageProblem, WeightsInvalid
from colorize_cli.registry import get

CARD = "README.md"


def check_destination(repo: str) -> None:
    """Raise what can be known before anything is sent: :class:`UsageProblem` or, without a token, an access error."""
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise UsageProblem(f"'{repo}' is not a Hub repository.", "Write owner/name.")
    if get_token() is None:
        raise AccessDenied(f"Nothing can be published at hf://{repo} without a token.", "Set HF_TOKEN.")


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
        raise WeightsInvalid(f"{checkpoint} comes from a trial run.", "Train it fully before it is published.")
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
    return str(commit.commit_url)
