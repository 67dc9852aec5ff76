"""Turning a published original file into a checkpoint of this program."""

from dataclasses import replace
from pathlib import Path

from colorize_cli._version import __version__
from colorize_cli.checkpoints.foreign import load_network, open_checkpoint, read_foreign
from colorize_cli.checkpoints.format import save_checkpoint
from colorize_cli.errors import OutputError, OutputExists, WrongHash
from colorize_cli.registry import ModelEntry


def convert(
    source: Path, entry: ModelEntry, target: Path, *, variant: str | None = None, overwrite: bool = False
) -> str:
    """Write ``source`` (``.pth``, ``.bin``, plain ``.safetensors``) as a checkpoint of ``entry``; returns its origin.

    A file with the name of the publisher's must also have its hash. Raises :class:`OutputExists`, :class:`OutputError`,
    :class:`WrongHash` and the errors of :func:`~colorize_cli.checkpoints.foreign.read_foreign`.
    """
    if target.exists() and not overwrite:
        raise OutputExists(f"{target} exists.", "Use --overwrite to replace it.")
    checkpoint = read_foreign(source, entry, variant)
    original = entry.original
    if original is not None and source.name == original.file and not checkpoint.sha256.startswith(original.sha256):
        raise WrongHash(
            f"{source} is not the file its authors published "
            f"(sha256 {checkpoint.sha256[:16]}, expected {original.sha256}...).",
            f"Fetch it again from {original.url}.",
        )
    load_network(checkpoint, entry, str(source))
    info = replace(
        checkpoint.info,
        recipe=f"published weights, converted from {source.name} (sha256 {checkpoint.sha256})",
        version=__version__,
    )
    try:
        save_checkpoint(target, checkpoint.state, info)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}.", "Choose another place.") from error
    open_checkpoint(target, entry)
    return info.recipe
