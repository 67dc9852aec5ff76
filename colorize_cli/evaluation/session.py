"""One run of ``colorize evaluate`` from options to results: find, load, survey, evaluate, summarize.

Several processes can share a run: every rank takes a strided share, and the last to finish merges the parts. Ranks
share only the results folder, so they can run under torchrun, as a job array, or one after another.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from colorize_cli._version import __version__
from colorize_cli.compute import rank_from
from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.contenders import Contender, GrayBaseline, MeanChromaBaseline, load_models
from colorize_cli.evaluation.evaluate_options import EvaluateOptions
from colorize_cli.evaluation.metrics.perceptual import Perceptual
from colorize_cli.evaluation.metrics.realism import Realism
from colorize_cli.evaluation.photo_loop import (
    Critic,
    Photograph,
    Surveyed,
    evaluate,
    find_photographs,
    list_hash,
    survey,
)
from colorize_cli.evaluation.protocols import Protocol, find_protocol
from colorize_cli.evaluation.results import RECORD, Evaluation, Unfinished, forget, load, save
from colorize_cli.evaluation.summary import RESAMPLES


@dataclass(frozen=True)
class Shard:
    """This process's share: photographs ``rank``, ``rank + world``, ``rank + 2 world`` ... of the list."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @property
    def alone(self) -> bool:
        """Whether there are no other processes."""
        return self.world == 1

    def device(self, device: str) -> str:
        """Return the device of this process: with ``auto``, each local rank takes its own CUDA device."""
        if self.alone or device not in ("auto", "cuda"):
            return device
        import torch

        count = torch.cuda.device_count()
        return f"cuda:{self.local_rank % count}" if count else device


def shard_from(environment: Mapping[str, str]) -> Shard:
    """Return the share given by RANK, WORLD_SIZE and LOCAL_RANK, as set by torchrun.

    Raises :class:`UsageProblem` for values that make no sense.
    """
    place = rank_from(environment)
    return Shard(place.rank, place.world, place.local_rank)


def fingerprint(record: Mapping[str, Any]) -> str:
    """Return a hash of everything that affects the figures; devices may differ between ranks and are left out."""
    contenders = [{k: v for k, v in c.items() if k != "device"} for c in record["contenders"]]
    decisive = [record["protocol"], record["photos"]["list_sha256"], contenders, record["versions"]]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def merge_when_last(folder: Path, shard: Shard, part: Evaluation) -> Evaluation | None:
    """Store this rank's part; return the whole result if it was the last one missing, else None.

    The parts are removed once merged. Raises :class:`OutputError`, :class:`UsageProblem`.
    """
    shards = folder / "shards" / f"{fingerprint(part.record)}-of-{shard.world}"
    save(shards / f"{shard.rank}", part)
    ranks = [shards / f"{rank}" for rank in range(shard.world)]
    if not all((place / RECORD).exists() for place in ranks) or not _claim(shards / "merging"):
        return None
    parts = [load(place) for place in ranks]
    results = sorted((result for p in parts for result in p.results), key=lambda result: result.index)
    shutil.rmtree(folder / "shards", ignore_errors=True)
    return Evaluation({**part.record, "shards": shard.world}, results)


def _claim(marker: Path) -> bool:
    """Create a file that only one process can create; two ranks that finish together must not both merge."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True


_LOG = logging.getLogger(__name__)
Progress = Callable[[int, str], AbstractContextManager[Callable[[], None]]]


@dataclass
class Session:
    """The result of a run: the evaluation (None on a rank that does not merge), and the means to show pictures."""

    evaluation: Evaluation | None
    contenders: list[Contender]
    photographs: list[Photograph]
    protocol: Protocol


def _silent(_: int, __: str) -> AbstractContextManager[Callable[[], None]]:
    return nullcontext(lambda: None)


def run(options: EvaluateOptions, shard: Shard | None = None, progress: Progress = _silent) -> Session:
    """Evaluate; nothing is written except, with ``output``, the parts of a sharded run and the rows so far.

    A run that was killed resumes with those rows when the same is evaluated again.

    Raises every :class:`ColorizeError` that concerns more than one photograph.
    """
    shard = shard or Shard()
    _check_shard(options, shard)
    protocol = find_protocol(options.protocol)
    if not options.places:
        raise UsageProblem("No photo was named.", "Name color photographs: files, folders or .zip archives.")
    photographs = find_photographs(options.places, options.limit, options.seed)
    device = shard.device(options.device)
    models = load_models(
        options.models,
        vividness=options.vividness,
        decoding=options.decoding,
        size=options.size,
        device=device,
        precision=options.precision,
        known_share=options.known_pixels or None,
        seed=options.seed,
        offline=options.offline,
        accept_license=options.accept_license,
    )
    critics = _critics(options, device, len(photographs))
    with progress(len(photographs), "Surveyed") as advance:
        surveyed = survey(photographs, workers=options.workers, advance=advance)
    if all(seen.gray for seen in surveyed):
        raise UsageProblem("All photos are gray: they have no true colors to compare with.", "Name color photographs.")
    contenders = [*_baselines(surveyed), *models]
    record = _record(options, protocol, surveyed, contenders)
    mine = surveyed[shard.rank :: shard.world]
    unfinished = _unfinished(options, shard, record)
    results = {} if unfinished is None else unfinished.results()
    remaining = [seen for seen in mine if seen.photo.index not in results]
    if results:
        _LOG.info("Resuming: %d of %d photos were evaluated before.", len(mine) - len(remaining), len(mine))
    try:
        with progress(len(remaining), "Evaluated") as advance:
            for result in evaluate(
                remaining, contenders, protocol, batch=options.batch, workers=options.workers, critics=critics,
                advance=advance,
            ):  # fmt: skip
                results[result.index] = result
                if unfinished is not None:
                    unfinished.add(result, record)
    finally:
        if unfinished is not None:
            unfinished.save(record)
    for critic in critics:
        for contender, figures in critic.figures().items():
            record.setdefault("set_figures", {}).setdefault(contender, {}).update(figures)
    evaluation: Evaluation | None = Evaluation(record, [results[index] for index in sorted(results)])
    if not shard.alone and evaluation is not None and options.output is not None:
        evaluation = merge_when_last(options.output, shard, evaluation)
    return Session(evaluation, contenders, photographs, protocol)


def _unfinished(options: EvaluateOptions, shard: Shard, record: dict[str, Any]) -> Unfinished | None:
    """Return where the rows of this run are kept until it ends; None where it cannot resume.

    FID, KID and realism need every picture of the set, so that their runs begin anew.
    """
    if options.output is None or options.fid or options.kid or options.realism:
        return None
    if options.overwrite:
        forget(options.output)
    key = [fingerprint(record), options.seed, sorted(options.lpips), shard.rank, shard.world]
    return Unfinished(options.output, json.dumps(key))


def _check_shard(options: EvaluateOptions, shard: Shard) -> None:
    if shard.alone:
        return
    if options.output is None:
        raise UsageProblem("Evaluation by several processes needs a results folder.", "Set it with -o.")
    if options.fid or options.kid or options.realism:
        raise UsageProblem(
            "FID, KID and realism need a single process.", "Run without torchrun, or omit --fid, --kid and --realism."
        )


def _critics(options: EvaluateOptions, device: str, photos: int) -> list[Critic]:
    from colorize_cli.compute import choose

    critics: list[Critic] = []
    if options.fid or options.kid or options.lpips:
        kinds = {"fid": options.fid, "kid": options.kid, "lpips": options.lpips}
        critics.append(Perceptual(**kinds, device=str(choose(device).device), photos=photos))  # type: ignore[arg-type]
    if options.realism:
        critics.append(Realism(device=str(choose(device).device), photos=photos))
    return critics


def _baselines(surveyed: Sequence[Surveyed]) -> list[Contender]:
    """Return the baselines; mean chroma needs at least two photographs."""
    mean_ab = np.full((len(surveyed), 2), np.nan)
    for seen in surveyed:
        mean_ab[seen.photo.index] = seen.mean_ab
    if np.isfinite(mean_ab[:, 0]).sum() < 2:
        return [GrayBaseline()]
    return [GrayBaseline(), MeanChromaBaseline(mean_ab)]


def _record(
    options: EvaluateOptions, protocol: Protocol, surveyed: Sequence[Surveyed], contenders: Sequence[Contender]
) -> dict[str, Any]:
    return {
        "kind": "evaluation",
        "protocol": {
            "name": protocol.name,
            "title": protocol.title,
            "geometry": protocol.geometry,
            "size": protocol.size or None,
            "resampling": protocol.resampling if protocol.geometry != "native" else None,
            "colorfulness_above": protocol.colorfulness_above,
            "note": protocol.note,
        },
        "photos": {
            "places": [place.name for place in options.places],
            "count": len(surveyed),
            "list_sha256": list_hash((seen.photo.name, seen.sha256) for seen in surveyed),
            "limit": options.limit,
            "seed": options.seed,
        },
        "contenders": [contender.describe() for contender in contenders],
        "bootstrap": {"resamples": RESAMPLES, "seed": options.seed, "level": 0.95},
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    """Return the versions of the installed libraries that compute the figures."""
    versions = {"colorize": __version__, "python": platform.python_version()}
    for package in ("torch", "numpy", "opencv-python", "opencv-python-headless", "pillow", "torchmetrics"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
