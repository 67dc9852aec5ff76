"""Every failure that a user can meet: one class per kind, each with an exit code and a remedy.

Exit codes are part of the interface: 0 all done or skipped, 1 some files failed, 2 usage, 3 model or weights,
4 device or memory, 5 output not writable, 130 interrupted. When several apply, :func:`most_serious` decides.
"""

from collections.abc import Iterable

EXIT_OK = 0
EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_MODEL = 3
EXIT_DEVICE = 4
EXIT_OUTPUT = 5
EXIT_INTERRUPTED = 130


def most_serious(codes: Iterable[int]) -> int:
    """Return the exit code of a run that ends with several of them: the first of 130, 5, 4, 3, 2, 1, 0."""
    return max(codes, default=EXIT_OK)


def printable(text: str, *, lines: bool = False) -> str:
    """Return text of others, such as the name of a file, in a form that can be part of a message.

    What a terminal would obey or cannot show (control characters, broken UTF-8) is escaped. Newlines too, since one in
    the name of a file would begin a message of its own; ``lines`` keeps them.
    """
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode("ascii") for c in text)


class ColorizeError(Exception):
    """A failure that the user is told about without a traceback.

    ``message`` says what happened and names the file or option; ``remedy`` names the command or option that helps.
    """

    exit_code = EXIT_SOME_FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message} {remedy}" if remedy else message)

    def __reduce__(self) -> tuple[type["ColorizeError"], tuple[str, str]]:
        """Pickle both parts."""
        return type(self), (self.message, self.remedy)


class UsageProblem(ColorizeError):
    """Invalid usage; nothing was written."""

    exit_code = EXIT_USAGE


class OutputExists(UsageProblem):
    """An output already exists, and ``--overwrite`` was not given."""


class NoTrainingData(UsageProblem):
    """The folders and archives named for training contain no usable color photographs."""


class PhotoError(ColorizeError):
    """One photograph cannot be used; a batch reports it and continues."""


class UnreadablePhoto(PhotoError):
    """The file cannot be opened, or is not an image."""


class EmptyPhoto(PhotoError):
    """The file has no bytes, or the picture has no pixels."""


class TruncatedPhoto(PhotoError):
    """The data of the image ends early or is damaged."""


class PhotoTooLarge(PhotoError):
    """The picture has more pixels than ``--max-megapixels`` allows."""


class UnsupportedPhoto(PhotoError):
    """The file is an image in a format that is not supported."""


class NoPicture(PhotoError):
    """A page of a document shows no picture."""


class OwnResult(PhotoError):
    """The file is a result of this program, where originals are meant."""


class ModelError(ColorizeError):
    """The model or its weights cannot be used."""

    exit_code = EXIT_MODEL


class UnknownModel(ModelError):
    """No model has this name."""


class WeightsMissing(ModelError):
    """No trained weights were found for the model."""


class WeightsInvalid(ModelError):
    """The checkpoint is damaged, belongs to another model, or is not a checkpoint."""


class UnsafeWeights(WeightsInvalid):
    """The file is a pickle that could run code when opened; it is refused."""


class UnknownLayout(WeightsInvalid):
    """The tensors in the file do not match the model: names are missing or unknown, or shapes differ."""


class HubError(ModelError):
    """A checkpoint cannot be downloaded from the Hugging Face Hub."""


class NoNetwork(HubError):
    """The Hub does not answer: no connection, a proxy, or the service is down."""


class NotCached(HubError):
    """The run is offline, and the file is not in the cache."""


class AccessDenied(HubError):
    """The Hub requires a token, or the account has no permission (401, 403)."""


class NotOnHub(HubError):
    """The repository, the revision or the file does not exist (404)."""


class TruncatedDownload(HubError):
    """The connection broke and could not be resumed, or fewer bytes arrived than announced."""


class WrongHash(HubError):
    """The file is not the published one; it was moved aside and not loaded."""


class CacheNotWritable(HubError):
    """The cache cannot hold the download: the disk is full, or the folder is read-only."""


class LicenceNotAccepted(HubError):
    """The weights forbid commercial use, and the user has not accepted that."""


class DeviceError(ColorizeError):
    """The requested device or precision is not available."""

    exit_code = EXIT_DEVICE


class OutOfMemory(DeviceError):
    """The device or the machine ran out of memory."""


class RankLost(DeviceError):
    """Another process of a distributed training ended or does not answer."""


class LibraryMissing(DeviceError):
    """A required library is not installed or cannot be loaded."""


class ClusterError(DeviceError):
    """The cluster cannot be used: no scheduler or workers, or workers with another version or other files."""


class OutputError(ColorizeError):
    """A result cannot be written: read-only folder, full disk, or a vanished mount."""

    exit_code = EXIT_OUTPUT


class TemporaryFolderError(OutputError):
    """The folder for temporary files takes none."""


class TrainingDiverged(ColorizeError):
    """Losses became NaN or infinite; the last good checkpoint is kept."""
