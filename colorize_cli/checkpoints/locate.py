"""Where weights are: what the user names, what comes with the product, on the Hub, or in an installed package."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from colorize_cli.entry import HubFile, ModelEntry, PackageFile
from colorize_cli.errors import WeightsInvalid, WeightsMissing, WrongHash
from colorize_cli.files import parse_json, sha256_of

INDEX = "index.json"
HUB_SCHEME = "hf://"


@dataclass(frozen=True)
class BundledFile:
    """A row of ``weights/index.json``: file, variant of its model, sha256 (hex), size in bytes, file of its card."""

    file: str
    variant: str
    sha256: str
    size: int
    card: str


def bundled_folder() -> Path:
    """Return the folder of the weights that come with the product: inside the installed package, or the checkout's."""
    package = Path(str(files("colorize_cli")))
    installed = package / "weights"
    return installed if installed.is_dir() else package.parent / "weights"


def bundled_index() -> dict[str, BundledFile]:
    """Return the index of the bundled weights by file name; empty where none are bundled.

    Raises :class:`WeightsInvalid` when the index cannot be read.
    """
    path = bundled_folder() / INDEX
    if not path.is_file():
        return {}
    try:
        rows = parse_json(path.read_text(encoding="utf-8"))["files"]
        return {row["file"]: BundledFile(**row) for row in rows}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsInvalid(
            f"{path} is damaged ({error}).", "Reinstall colorize from its wheel or checkout."
        ) from error


def bundled_path(entry: ModelEntry) -> Path | None:
    """Return the path of the entry's bundled weights, or None if it has none."""
    if entry.bundled is None:
        return None
    path = bundled_folder() / entry.bundled
    return path if path.is_file() else None


def used_variant(entry: ModelEntry) -> str:
    """Return the architecture of the weights used when none are named: of the bundled file, else the entry's default.

    Published checkpoints are of the default architecture. Raises :class:`WeightsInvalid` for a damaged index.
    """
    path = bundled_path(entry)
    row = None if path is None else bundled_index().get(path.name)
    return entry.default_variant if row is None else row.variant


def find_weights(
    entry: ModelEntry,
    weights: str | Path | None = None,
    *,
    offline: bool = False,
    accept_license: bool = False,
) -> Path:
    """Return the checkpoint file to load for an entry.

    ``weights``: a file; a folder holding ``<name>.safetensors``, ``best.safetensors`` or exactly one ``.safetensors``;
    ``hf://owner/repo/file@revision``; the name of one of the entry's published checkpoints; None for the bundled
    weights, else the entry's first published checkpoint, from the Hub's cache or the Hub. Raises
    :class:`WeightsMissing` with the command that helps, or a :class:`HubError`.
    """
    if weights is None and (found := bundled_path(entry)) is not None:
        return found
    published = published_file(entry, weights)
    if published is not None:
        from colorize_cli.checkpoints.hub.download import fetch

        return fetch(published, offline=offline, accept_license=accept_license)
    if weights is None:
        raise _nowhere(entry)
    path = Path(weights).expanduser()
    if path.is_dir():
        return _in_folder(path, entry)
    if not path.exists():
        names = f" Checkpoints of {entry.name}: {', '.join(entry.hub)}." if entry.hub else ""
        raise WeightsMissing(f"There is no weights file {path}.", f"Check --weights.{names}")
    return path


def published_file(entry: ModelEntry, weights: str | Path | None) -> HubFile | None:
    """Return the file on the Hub that ``weights`` stands for (see :func:`find_weights`), or None if it is no such."""
    if weights is None:
        return next(iter(entry.hub.values()), None)
    text = str(weights)
    if isinstance(weights, str) and text.startswith(HUB_SCHEME):
        from colorize_cli.checkpoints.hub.download import parse_reference

        return parse_reference(text)
    return entry.hub.get(text)


def _nowhere(entry: ModelEntry) -> WeightsMissing:
    message = f"No trained weights found for '{entry.name}'."
    if entry.original is not None:
        return WeightsMissing(
            message,
            f"Download {entry.original.url}, run `colorize models convert {entry.original.file} -m {entry.name} "
            f"-o {entry.name}.safetensors` and pass `--weights {entry.name}.safetensors`.",
        )
    return WeightsMissing(
        message, f"Train it (`colorize train PHOTOS -m {entry.name} -o run/`) and pass `--weights run/`."
    )


def _in_folder(folder: Path, entry: ModelEntry) -> Path:
    for name in (f"{entry.name}.safetensors", "best.safetensors", "last.safetensors"):
        if (folder / name).is_file():
            return folder / name
    candidates = sorted(folder.glob("*.safetensors"))
    if len(candidates) == 1:
        return candidates[0]
    found = "several .safetensors files" if candidates else "no .safetensors file"
    raise WeightsMissing(f"The folder {folder} contains {found}.", "Name the file itself with --weights.")


def installed_encoder(known: PackageFile) -> Path | None:
    """Return a package's file with an encoder's weights, checked by its sha256; None where it is not installed.

    Raises :class:`WeightsMissing` where the package lacks the file, and :class:`WrongHash` where it is another one.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        path = Path(str(distribution(known.package).locate_file(known.file)))
    except PackageNotFoundError:
        return None
    remedy = f"`pip install --force-reinstall --no-deps {known.requirement}`, or use --encoder hub."
    if not path.is_file():
        raise WeightsMissing(f"{known.package} is installed without {known.file}.", remedy)
    if (sha256 := sha256_of(path)) != known.sha256:
        raise WrongHash(
            f"{path} is not the file that was published (sha256 {sha256[:16]}, expected {known.sha256[:16]}).", remedy
        )
    return path
