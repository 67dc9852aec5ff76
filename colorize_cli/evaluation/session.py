"""One run of ``colorize evaluate`` from options to results: find, load, survey, evaluate, summarize."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from colorize_cli._version import __version__
from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.bootstrap import RESAMPLES
from colorize_cli.evaluation.contenders import Contender, GrayBaseline, MeanChromaBaseline, load_models
from colorize_cli.evaluation.distributed import Shard, merge_when_last
from colorize_cli.evaluation.evaluate_options import EvaluateOptions
from colorize_cli.evaluation.metrics.perceptual import Perceptual
from colorize_cli.evaluation.photo_loop import Surveyed, evaluate, survey
from colorize_cli.evaluation.protocols import Protocol, find_protocol
from colorize_cli.evaluation.results import Evaluation
from colorize_cli.evaluation.true_photos import Photograph, find_photographs, list_hash

Progress = Callable[[int, str], AbstractContextManager[Callable[[], None]]]


@dataclass
class Session:
    """What a run leaves behind: the evaluation (None on a rank that others merge), and the means to show pictures."""

    evaluation: Evaluation | None
    contenders: list[Contender]
    photographs: list[Photograph]
    protocol: Protocol


def _silent(_: int, __: str) -> AbstractContextManager[Callable[[], None]]:
    return nullcontext(lambda: None)


def run(options: EvaluateOptions, shard: Shard | None = None, progress: Progress = _silent) -> Session:
    """Evaluate; nothing is written except the parts of a sharded run.

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
    perceptual = _perceptual(options, device, len(photographs))
    with progress(len(photographs), "Surveyed") as advance:
        surveyed = survey(photographs, workers=options.workers, advance=advance)
    contenders = [*_baselines(surveyed), *models]
    record = _record(options, protocol, surveyed, contenders)
    mine = surveyed[shard.rank :: shard.world]
    with progress(len(mine), "Evaluated") as advance:
        results = list(
            evaluate(
                mine,
                contenders,
                protocol,
                batch=options.batch,
                workers=options.workers,
                perceptual=perceptual,
                advance=advance,
            )
        )
    if perceptual is not None:
        record["set_figures"] = perceptual.figures()
    evaluation: Evaluation | None = Evaluation(record, results)
    if not shard.alone and evaluation is not None and options.output is not None:
        evaluation = merge_when_last(options.output, shard, evaluation)
    return Session(evaluation, contenders, photographs, protocol)


def _check_shard(options: EvaluateOptions, shard: Shard) -> None:
    if shard.alone:
        return
    if options.output is None:
        raise UsageProblem("Several processes meet in a results folder.", "Name it with -o.")
    if options.fid or options.kid:
        raise UsageProblem("FID and KID need one process.", "Start without torchrun, or leave --fid and --kid out.")


def _perceptual(options: EvaluateOptions, device: str, photos: int) -> Perceptual | None:
    if not (options.fid or options.kid or options.lpips):
        return None
    from colorize_cli.compute import choose

    return Perceptual(
        fid=options.fid, kid=options.kid, lpips=options.lpips, device=str(choose(device).device), photos=photos
    )


def _baselines(surveyed: Sequence[Surveyed]) -> list[Contender]:
    """Return the baselines; a single photograph has no others whose mean chroma it could get."""
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
    """Return the versions of what computes the figures; only what is installed."""
    versions = {"colorize": __version__, "python": platform.python_version()}
    for package in ("torch", "numpy", "opencv-python", "opencv-python-headless", "pillow", "torchmetrics"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
