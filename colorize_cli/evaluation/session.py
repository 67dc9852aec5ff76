"""One run of ``colorize evaluate`` from options to results: find, load, survey, evaluate, summarize."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from colorize_cli._version import __version__
from colorize_cli.errors import OutputExists, UsageProblem
from colorize_cli.evaluation.bootstrap import RESAMPLES
from colorize_cli.evaluation.contenders import Contender, GrayBaseline, MeanChromaBaseline, load_models
from colorize_cli.evaluation.distributed import Shard, merge_when_last
from colorize_cli.evaluation.metrics.perceptual import Perceptual
from colorize_cli.evaluation.metrics.realism import Realism
from colorize_cli.evaluation.photo_loop import Critic, Surveyed, evaluate, survey
from colorize_cli.evaluation.protocols import DEFAULT_PROTOCOL, Protocol, find_protocol
from colorize_cli.evaluation.results import RECORD, Evaluation
from colorize_cli.evaluation.true_photos import Photograph, find_photographs, list_hash
from colorize_cli.inference.decoding import check_values

Progress = Callable[[int, str], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True)
class EvaluateOptions:
    """All options of an evaluation; invalid values raise :class:`UsageProblem` on construction.

    ``models``: (registry name, weights or None). ``vividness``: values to try, each becomes a contender.
    ``decoding``: how predictions become colors, by name, see :mod:`colorize_cli.inference.decoding`; all models must
    support it. ``offline``, ``accept_license``: as for :class:`~colorize_cli.inference.colorizer.Colorizer`.
    ``size``: working size of the models. ``known_pixels``: share of the true colors given to models as hints.
    ``limit``: maximum number of photographs, chosen by ``seed``. ``batch``: photographs predicted together. ``fid``,
    ``kid``, ``lpips`` ("alex", "vgg"): figures of the ``metrics`` extra. ``realism``: those of
    :mod:`colorize_cli.evaluation.metrics.realism`.
    """

    places: Sequence[Path]
    models: Sequence[tuple[str, str | None]]
    protocol: str = DEFAULT_PROTOCOL
    output: Path | None = None
    overwrite: bool = False
    vividness: Sequence[float] = ()
    decoding: Mapping[str, float] = field(default_factory=dict)
    size: int | None = None
    known_pixels: float | None = None
    limit: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    batch: int = 8
    workers: int = 2
    fid: bool = False
    kid: bool = False
    lpips: Sequence[str] = ()
    realism: bool = False
    offline: bool = False
    accept_license: bool = False

    def __post_init__(self) -> None:
        """Reject invalid values before anything is read or loaded."""
        find_protocol(self.protocol)
        check_values(self.decoding)
        if not self.places:
            raise UsageProblem(
                "No photographs to evaluate.", "Give color photographs: files, folders or .zip archives."
            )
        if not self.models:
            raise UsageProblem("No model to evaluate.", "Choose one with -m.")
        if self.limit is not None and self.limit < 1:
            raise UsageProblem(f"--limit {self.limit} selects no photographs.", "Use 1 or more.")
        if self.known_pixels is not None and not 0 <= self.known_pixels <= 1:
            raise UsageProblem(
                f"--known-pixels {self.known_pixels:g} is not between 0 and 1.", "Example: --known-pixels 0.1."
            )
        if self.batch < 1 or self.workers < 1:
            raise UsageProblem("--batch and --jobs must be at least 1.")
        unknown = [net for net in self.lpips if net not in ("alex", "vgg")]
        if unknown:
            raise UsageProblem(f"LPIPS has no network '{unknown[0]}'.", "Choose alex or vgg.")
        if self.output is not None and (self.output / RECORD).exists() and not self.overwrite:
            raise OutputExists(f"{self.output} already contains results.", "Choose another -o, or add --overwrite.")


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
    """Evaluate; only a sharded run writes files, its parts.

    Raises every :class:`ColorizeError` that concerns more than one photograph.
    """
    shard = shard or Shard()
    _check_shard(options, shard)
    protocol = find_protocol(options.protocol)
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
    with progress(len(photographs), "photos surveyed") as advance:
        surveyed = survey(photographs, workers=options.workers, advance=advance)
    contenders = [*_baselines(surveyed), *models]
    record = _record(options, protocol, surveyed, contenders)
    mine = surveyed[shard.rank :: shard.world]
    with progress(len(mine), "photos") as advance:
        results = list(
            evaluate(
                mine,
                contenders,
                protocol,
                batch=options.batch,
                workers=options.workers,
                critics=critics,
                advance=advance,
            )
        )
    for critic in critics:
        for contender, figures in critic.figures().items():
            record.setdefault("set_figures", {}).setdefault(contender, {}).update(figures)
    evaluation: Evaluation | None = Evaluation(record, results)
    if not shard.alone and evaluation is not None and options.output is not None:
        evaluation = merge_when_last(options.output, shard, evaluation)
    return Session(evaluation, contenders, photographs, protocol)


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
