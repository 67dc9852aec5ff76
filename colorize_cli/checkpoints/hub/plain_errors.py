"""Turning what ``huggingface_hub`` and its HTTP client raise into errors that say what to do."""

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import errors as hub_errors
from huggingface_hub.utils import logging as hub_logging

from colorize_cli.errors import (
    AccessDenied,
    CacheNotWritable,
    HubError,
    ModelError,
    NoNetwork,
    NotCached,
    NotOnHub,
    TruncatedDownload,
)

_HTTP_CLIENTS = ("httpx", "httpcore", "requests", "urllib3")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_CUT = ("RemoteProtocolError", "ChunkedEncodingError", "ReadError", "IncompleteRead", "ProtocolError")


@contextmanager
def plain_errors(what: str, *, cache: str = "the cache") -> Iterator[None]:
    """Translate the errors of a Hub call about ``what`` (a repository or file, as the user would name it).

    The client's own warnings, one per attempt, are not shown: the error that follows says the same once. Raises
    subclasses of :class:`HubError`; errors that are not a failure of the Hub pass unchanged.
    """
    verbosity = hub_logging.get_verbosity()
    hub_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Not enough free disk space", category=UserWarning)
            yield
    except ModelError:
        raise
    except Exception as error:
        translated = _translate(error, what, cache)
        if translated is None:
            raise
        raise translated from error
    finally:
        hub_logging.set_verbosity(verbosity)


def _translate(error: BaseException, what: str, cache: str) -> ModelError | None:
    chain = list(_chain(error))
    for link in chain:
        status = getattr(getattr(link, "response", None), "status_code", None)
        if status is not None:
            found = _of_status(link, int(status), what)
            if found is not None:
                return found
    if any(isinstance(link, hub_errors.OfflineModeIsEnabled) for link in chain):
        return _offline(what)
    if any(type(link).__name__ == "FileMetadataError" for link in chain):
        return HubError(f"{what}: the endpoint is not a Hugging Face Hub.", "Check HF_ENDPOINT and the proxy.")
    for link in chain:
        if type(link).__module__.startswith(_HTTP_CLIENTS):
            return _of_client(link, what)
    if isinstance(error, hub_errors.LocalEntryNotFoundError):
        return _offline(what) if "outgoing traffic" in str(error) else _no_network(what)
    if isinstance(error, hub_errors.HFValidationError):
        return NotOnHub(f"{what} is not a valid Hub reference ({error}).", "Write hf://owner/repo/file@revision.")
    if isinstance(error, OSError):
        return _of_system(error, what, cache)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _of_status(error: BaseException, status: int, what: str) -> ModelError | None:
    if isinstance(error, hub_errors.GatedRepoError):
        return AccessDenied(
            f"{what} is gated ({status}): its owner requires agreement to terms.",
            "Open its page on the Hub, agree, and set HF_TOKEN to a token of that account.",
        )
    if isinstance(error, hub_errors.RevisionNotFoundError):
        return NotOnHub(f"{what}: the repository has no such revision (404).", "Check the revision after the @.")
    if isinstance(error, hub_errors.EntryNotFoundError):
        return NotOnHub(f"{what}: the repository has no such file (404).", "Check the name of the file.")
    if status == 401:
        return AccessDenied(
            f"{what}: the Hub requires a valid token (401), or the repository does not exist.",
            "Check the name, and set HF_TOKEN to a token that has access.",
        )
    if status == 403:
        return AccessDenied(
            f"{what}: this account has no permission (403).", "Set HF_TOKEN to a token with the right permission."
        )
    if status == 404:
        return NotOnHub(f"{what}: the Hub has no such repository (404).", "Check owner and name.")
    if status >= 500 or status == 429:
        return NoNetwork(f"{what}: the Hub is not available ({status}).", "Try again later.")
    return HubError(f"{what}: the Hub answered {status}.", "Check the reference and HF_ENDPOINT.")


def _of_client(error: BaseException, what: str) -> HubError:
    if type(error).__name__ in _CUT:
        return TruncatedDownload(
            f"{what}: the connection broke during the transfer and could not be resumed.", "Try again."
        )
    return _no_network(what)


def _of_system(error: OSError, what: str, cache: str) -> HubError | None:
    if error.errno in _NO_SPACE:
        return CacheNotWritable(
            f"{what} does not fit: the disk of {cache} is full.", "Free some space, or set HF_HOME to another disk."
        )
    if error.errno in _READ_ONLY:
        return CacheNotWritable(
            f"{what} cannot be stored: {cache} is not writable.", "Set HF_HOME to a folder of your own."
        )
    if "Consistency check failed" in str(error):
        return TruncatedDownload(f"{what}: fewer bytes arrived than announced.", "Try again.")
    return None


def _no_network(what: str) -> NoNetwork:
    return NoNetwork(
        f"{what} is not in the cache, and the Hub does not answer.",
        "Check the connection, the proxy (HTTPS_PROXY) and HF_ENDPOINT.",
    )


def _offline(what: str) -> NotCached:
    return NotCached(
        f"{what} is not in the cache, and this run is offline.",
        "Run it once with a network: unset HF_HUB_OFFLINE, and leave out --offline where you gave it.",
    )
