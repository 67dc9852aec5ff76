"""Checkpoints from the Hugging Face Hub, through its own client and into its own cache.

A file is fetched at a pinned commit, resumed where the connection breaks, and checked by sha256 every time it is about
to be used. ``HF_HOME``, ``HF_HUB_CACHE``, ``HF_ENDPOINT``, ``HF_TOKEN`` and ``HF_HUB_OFFLINE`` work as everywhere.
"""

import logging
import re
from dataclasses import replace
from pathlib import Path

from huggingface_hub import HfApi, constants, hf_hub_download, scan_cache_dir, try_to_load_from_cache
from huggingface_hub.errors import CacheNotFound

from colorize_cli._version import __version__
from colorize_cli.checkpoints.hub import pins
from colorize_cli.checkpoints.hub.plain_errors import plain_errors
from colorize_cli.entry import HubFile
from colorize_cli.errors import LicenceNotAccepted, ModelError, TruncatedDownload, UsageProblem, WrongHash
from colorize_cli.files import sha256_of

_REFERENCE = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)/(?P<file>[^@]+?)(?:@(?P<revision>[^@]+))?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
LIBRARY = "colorize-photos"
_LOG = logging.getLogger(__name__)


def parse_reference(reference: str) -> HubFile:
    """Return the file that ``hf://owner/repo/file@revision`` names; without ``@revision``, the one pinned at first use.

    Raises :class:`UsageProblem`.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None or not all(map(_is_name, (*match["repo"].split("/"), *match["file"].split("/")))):
        raise UsageProblem(f"'{reference}' is not a Hub reference.", "Write hf://owner/repo/file@revision.")
    return HubFile(match["repo"], match["file"], match["revision"])


def _is_name(part: str) -> bool:
    """Whether a part of a path on the Hub is also safe in a local path."""
    return part.strip(".") != "" and ".." not in part and "\\" not in part and "\0" not in part


def cached_path(hub: HubFile) -> Path | None:
    """Return the path of the file in the cache, or None; nothing is checked, and the Hub is not asked."""
    found = try_to_load_from_cache(hub.repo, hub.file, cache_dir=constants.HF_HUB_CACHE, revision=_revision(hub))
    return Path(found) if isinstance(found, str) else None


def fetch(hub: HubFile, *, offline: bool = False, accept_license: bool = False) -> Path:
    """Return the file in the cache, downloading it if it is not there, and check that it is the right one.

    Raises a :class:`HubError`: no network, not cached, access denied, not found, truncated, cache full, wrong hash,
    licence not accepted.
    """
    known = pins.pin_of(hub)
    licence = hub.licence or (known.licence if known else "")
    if not licence and not offline and cached_path(hub) is None:
        licence = _licence_on_hub(hub)
    _check_licence(hub, licence, accept_license)
    if not (offline or constants.HF_HUB_OFFLINE) and cached_path(hub) is None:
        size = f" ({hub.size / 1e6:.0f} MB)" if hub.size else ""
        _LOG.info("Downloading %s%s.", hub, size)
    with plain_errors(str(hub), cache=constants.HF_HUB_CACHE):
        path = Path(
            hf_hub_download(
                hub.repo,
                hub.file,
                revision=_revision(hub),
                cache_dir=constants.HF_HUB_CACHE,
                endpoint=constants.ENDPOINT,
                library_name=LIBRARY,
                library_version=__version__,
                local_files_only=offline or constants.HF_HUB_OFFLINE,
            )
        )
    _check(hub, path, licence)
    return path


def remove(hub: HubFile) -> int:
    """Delete the file's snapshot from the cache, and what was moved aside in place of the file; return the bytes freed.

    0 where neither was there.
    """
    freed = _remove_quarantined(hub)
    path = cached_path(hub)
    if path is None:
        return freed
    try:
        strategy = scan_cache_dir(constants.HF_HUB_CACHE).delete_revisions(commit_of(path))
    except CacheNotFound:
        return freed
    with plain_errors(str(hub), cache=constants.HF_HUB_CACHE):
        strategy.execute()
    return freed + strategy.expected_freed_size


def _remove_quarantined(hub: HubFile) -> int:
    freed = 0
    with plain_errors(str(hub), cache=constants.HF_HUB_CACHE):
        for path in pins.quarantined(hub):
            freed += path.stat().st_size
            path.unlink()
    return freed


def commit_of(path: Path) -> str:
    """Return the commit that a path in the cache belongs to (``.../snapshots/<commit>/...``)."""
    return path.parts[_snapshots(path) + 1]


def _snapshots(path: Path) -> int:
    return len(path.parts) - 1 - path.parts[::-1].index("snapshots")


def non_commercial(licence: str) -> bool:
    """Return whether a licence identifier forbids commercial use (``cc-by-nc-4.0`` and its kin)."""
    return re.search(r"(^|[-_ ])nc([-_ ]|$)|non-?commercial", licence, re.IGNORECASE) is not None


def _revision(hub: HubFile) -> str:
    if hub.revision is not None:
        return hub.revision
    known = pins.pin_of(hub)
    return known.commit if known else constants.DEFAULT_REVISION


def _licence_on_hub(hub: HubFile) -> str:
    """Return the licence that the repository's card states; empty where it cannot be read, as on plain mirrors."""
    try:
        with plain_errors(str(hub)):
            info = HfApi(endpoint=constants.ENDPOINT).model_info(hub.repo, revision=hub.revision, timeout=10)
    except (ModelError, ValueError):
        # The download that follows meets the same trouble and explains it.
        return ""
    card = info.card_data
    return str(card.get("license") or "") if card is not None else ""


def _check_licence(hub: HubFile, licence: str, accepted: bool) -> None:
    if not non_commercial(licence) or pins.agreed_to(hub):
        return
    if not accepted:
        raise LicenceNotAccepted(
            f"The weights {hub} are licensed under {licence}, which forbids commercial use.",
            "To accept this license, add --accept-license once.",
        )
    pins.agree_to(hub, licence)


def _check(hub: HubFile, path: Path, licence: str) -> None:
    commit, size, sha256 = commit_of(path), path.stat().st_size, sha256_of(path)
    if hub.size is not None and size < hub.size:
        quarantine(path, sha256)
        raise TruncatedDownload(
            f"{hub} has {size} bytes instead of {hub.size}; it was moved aside.", "Download it again."
        )
    known = pins.pin_of(replace(hub, revision=commit))
    expected = hub.sha256 or (known.sha256 if known else _announced(path))
    if expected is not None and sha256 != expected:
        aside = quarantine(path, sha256)
        raise WrongHash(
            f"{hub} is not the file that was published (sha256 {sha256[:16]}, expected {expected[:16]}); "
            f"it was moved to {aside} and is not used.",
            "Download it again; `colorize models remove` deletes what was moved aside. If that does not help, do not "
            "trust the source or HF_ENDPOINT.",
        )
    if known is None or (hub.revision is None and pins.pin_of(hub) is None):
        pins.remember(hub, pins.Pin(commit, sha256, size, licence))


def _announced(path: Path) -> str | None:
    """Return the sha256 by which the Hub itself announced the file: the cache names large files by it."""
    name = path.resolve().name
    return name if _SHA256.fullmatch(name) else None


def quarantine(path: Path, sha256: str) -> Path:
    """Move a file of the cache to a folder from which nothing is loaded, and return its new path."""
    storage = Path(*path.parts[: _snapshots(path)])
    blob = path.resolve()
    aside = storage / pins.QUARANTINE / f"{sha256[:16]}-{path.name}"
    with plain_errors(str(path), cache=constants.HF_HUB_CACHE):
        aside.parent.mkdir(exist_ok=True)
        blob.replace(aside)
        path.unlink(missing_ok=True)
    return aside
