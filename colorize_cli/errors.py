"""Every failure a user can meet: one class per kind, each with its exit code and a remedy in plain words.

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
    """Return the exit code that wins when a run ends with several of them: 130, then 5, 4, 3, 2, 1, 0."""
    return max(codes, default=EXIT_OK)


class ColorizeError(Exception):
    """A failure to tell the user about, never with a traceback.

    ``message`` says what is wrong and names the file or option; ``remedy`` says what to do about it.
    """

    exit_code = EXIT_SOME_FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message} {remedy}" if remedy else message)

    def __reduce__(self) -> tuple[type["ColorizeError"], tuple[str, str]]:
        """Carry both parts to another process."""
        return type(self), (self.message, self.remedy)


class UsageProblem(ColorizeError):
    """The command line asks for something that makes no sense; nothing was done."""

    exit_code = EXIT_USAGE


class OutputExists(UsageProblem):
    """A result would replace an existing file and nobody said ``--overwrite``."""


class NoTrainingData(UsageProblem):
    """The folders and archives named for training hold no usable color photographs."""


class PhotoError(ColorizeError):
    """One photograph cannot be used; a batch reports it and goes on."""


class UnreadablePhoto(PhotoError):
    """The file cannot be opened, or is not an image at all."""


class EmptyPhoto(PhotoError):
    """The file holds no bytes, or the picture has no pixels."""


class TruncatedPhoto(PhotoError):
    """The file is an image whose data ends early or is damaged."""


class PhotoTooLarge(PhotoError):
    """The picture has more pixels than ``--max-megapixels`` allows."""


class UnsupportedPhoto(PhotoError):
    """The file is an image of a kind that no reader here understands."""


class OwnResult(PhotoError):
    """The file is a result of this program, where originals are meant."""


class ModelError(ColorizeError):
    """The model or its weights cannot be used."""

    exit_code = EXIT_MODEL


class UnknownModel(ModelError):
    """No registry entry has this name."""


class WeightsMissing(ModelError):
    """The model has no trained weights here, and random weights never paint."""


class WeightsInvalid(ModelError):
    """The checkpoint is damaged, of another model, or not a checkpoint."""


class UnsafeWeights(WeightsInvalid):
    """The file is a pickle that would run code when opened; it is never opened that way."""


class UnknownLayout(WeightsInvalid):
    """The file holds tensors, but not those of the model: names are missing, left over, or of another shape."""


class HubError(ModelError):
    """A checkpoint cannot be had from the Hugging Face Hub."""


class NoNetwork(HubError):
    """The Hub does not answer: no connection, a proxy in the way, the service is down."""


class NotCached(HubError):
    """Working offline, and the file is not in the cache."""


class AccessDenied(HubError):
    """The Hub wants a token, or this account may not read or write the repository (401, 403)."""


class NotOnHub(HubError):
    """The repository, the revision or the file does not exist (404)."""


class TruncatedDownload(HubError):
    """The connection broke and could not be resumed, or fewer bytes came than announced."""


class WrongHash(HubError):
    """The file is not the one that was published; it was moved aside and never loaded."""


class CacheNotWritable(HubError):
    """The cache cannot hold the download: the disk is full, or the folder is read-only."""


class LicenceNotAccepted(HubError):
    """The weights may not be used commercially, and the user has not said that this is understood."""


class DeviceError(ColorizeError):
    """The requested device or precision is not to be had."""

    exit_code = EXIT_DEVICE


class OutOfMemory(DeviceError):
    """The device or the machine ran out of memory."""


class RankLost(DeviceError):
    """Another process of a training over several processes is gone."""


class LibraryMissing(DeviceError):
    """A library this program needs is not installed on this machine, or cannot be loaded."""


class ClusterError(DeviceError):
    """The cluster cannot be used: no scheduler or workers, or workers with another version or other files."""


class OutputError(ColorizeError):
    """A result cannot be written: the folder is read-only, the disk is full, the mount is gone."""

    exit_code = EXIT_OUTPUT


class TemporaryFolderError(OutputError):
    """The folder for temporary files takes none."""


class TrainingDiverged(ColorizeError):
    """Losses became NaN or infinite; the last good checkpoint is kept."""
