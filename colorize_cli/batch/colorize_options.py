"""What a colorizing run is asked to do: one frozen object for the command line and the library alike."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from colorize_cli.batch.cluster.shards import Shard, parse_shard
from colorize_cli.batch.memory_limit import parse_size
from colorize_cli.compute import PRECISIONS, available_cores
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import normalize_format
from colorize_cli.imaging.marks import POSITIONS, check_letters
from colorize_cli.inference.decoding import DECODING, check_values
from colorize_cli.inference.variants import FEWEST, MOST

BESIDE = "beside"
"""``--hints beside``: each photograph's own strokes, beside its result or itself."""


@dataclass(frozen=True)
class ColorizeOptions:
    """Every choice of ``colorize``; fields that contradict each other raise :class:`UsageProblem` on construction.

    ``output`` keeps the string the user wrote, because a trailing ``/`` means a folder; ``None`` is beside the input.
    ``strength`` is the share of the predicted chroma that is applied, 0 to 1. ``vividness`` and ``size`` (side of the
    model's working square in pixels) are the model's own default where ``None``; several sizes make a consensus.
    ``temperature``, ``fallback``, ``score_blur``, ``smoothing``, ``paper_iterations``: see
    :mod:`colorize_cli.inference.decoding`.
    ``force`` colorizes photographs that are in color already; ``keep_borders`` shows the model black and white borders.
    ``memory_limit`` is a size such as ``4GB``.
    ``quality`` is 1 to 100. ``retry`` is an earlier report whose failed photographs alone are meant; ``shard`` is
    ``i/n`` or ``auto``, see :func:`~colorize_cli.batch.cluster.shards.parse_shard`.
    ``label`` is a visible notice, ``label_position`` one of ``POSITIONS`` (bottom right where ``None``), ``label_font``
    a TrueType or OpenType file; ``strip`` leaves out all metadata but provenance, profile and resolution; ``sidecar``
    copies XMP sidecars. ``lossless_luma`` keeps the gray channel of JPEG files as it is; ``format`` becomes "jpeg".
    ``cluster`` is the address of a Dask scheduler, or ``local``. ``confidence_map`` writes a picture of where the model
    is guessing beside each result. ``variants`` is how many plausible colorizations are written, 2 to 9; ``seed``
    decides which. ``hints`` is one picture for all photographs, a folder of one for each, or ``beside``.
    ``side_by_side`` writes scan and color in one picture beside each result. ``gallery`` is a page of the
    ``gallery_size`` (200 where ``None``) least certain results. ``strict`` counts a file in a folder that cannot be
    read as a failure.
    """

    model: str = "gan"
    output: str | None = None
    overwrite: bool = False
    skip_existing: bool = False
    force: bool = False
    format: str | None = None
    quality: int | None = None
    max_megapixels: float = 500.0
    device: str = "auto"
    precision: str = "auto"
    weights: str | None = None
    seed: int | None = None
    strength: float = 1.0
    vividness: float | None = None
    size: int | tuple[int, ...] | None = None
    hints: str | None = None
    keep_borders: bool = False
    temperature: float | None = None
    fallback: float | None = None
    score_blur: float | None = None
    smoothing: float | None = None
    paper_iterations: float | None = None
    offline: bool = False
    accept_license: bool = False
    jobs: int | None = None
    memory_limit: str | None = None
    dry_run: bool = False
    report: Path | None = None
    failed_list: Path | None = None
    retry: Path | None = None
    shard: str | None = None
    lossless_luma: bool = False
    label: str | None = None
    label_position: str | None = None
    label_font: Path | None = None
    strip: bool = False
    sidecar: bool = False
    cluster: str | None = None
    confidence_map: bool = False
    side_by_side: bool = False
    variants: int | None = None
    gallery: Path | None = None
    gallery_size: int | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        """Refuse combinations and values that make no sense, before anything is read or loaded."""
        if self.overwrite and self.skip_existing:
            raise UsageProblem("--overwrite and --skip-existing contradict each other.", "Give one of them.")
        if self.precision not in PRECISIONS:
            raise UsageProblem(f"There is no precision '{self.precision}'.", f"Choose from {', '.join(PRECISIONS)}.")
        if not 0.0 <= self.strength <= 1.0:
            raise UsageProblem(f"--strength {self.strength:g} is outside 0 to 1.", "0 leaves gray, 1 is full color.")
        if self.vividness is not None and not 0.0 <= self.vividness <= 1.0:
            raise UsageProblem(f"--vividness {self.vividness:g} is outside 0 to 1.", "0 is safe and pale, 1 is vivid.")
        check_values(self.decoding)
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageProblem(f"--quality {self.quality} is outside 1 to 100.")
        if not self.max_megapixels > 0:
            raise UsageProblem(f"--max-megapixels {self.max_megapixels:g} leaves nothing to colorize.")
        if self.sizes and min(self.sizes) < 32:
            raise UsageProblem(f"--size {min(self.sizes)} is too small.", "The working size is at least 32 pixels.")
        if self.jobs is not None and self.jobs < 1:
            raise UsageProblem(f"--jobs {self.jobs} makes no progress.", "Give 1 or more.")
        _ = self.part, self.memory
        self._check_marks()
        if self.lossless_luma and normalize_format(self.format or "jpeg") != "JPEG":
            raise UsageProblem("--lossless-luma writes JPEG, not another format.", "Leave out one of the two.")
        if self.lossless_luma:
            # Whatever the name of a photo says: only JPEG files can be kept as they are.
            object.__setattr__(self, "format", "jpeg")
        if self.memory_limit is not None and self.cluster is not None:
            raise UsageProblem("--memory-limit is about this process, not a cluster's.", "Limit its workers.")
        if self.confidence_map and self.output == "-":
            raise UsageProblem("Beside standard output there is no place for --confidence-map.", "Name a file with -o.")
        if self.side_by_side and self.output == "-":
            raise UsageProblem("Standard output takes one picture, not --side-by-side.", "Name a file with -o.")
        if self.hints_per_photo and self.cluster is not None:
            raise UsageProblem(
                "--hints of each photo is not available on a cluster.", "Leave out --cluster, or give one picture."
            )
        if self.variants is not None:
            self._check_variants(self.variants)
        if self.gallery_size is not None and self.gallery is None:
            raise UsageProblem("--gallery-size is about the page of --gallery.", "Give --gallery FILE.html too.")
        if self.gallery_size is not None and self.gallery_size < 1:
            raise UsageProblem(f"--gallery-size {self.gallery_size} shows nothing.", "Give 1 or more.")
        if self.output == "":
            raise UsageProblem("-o is empty.", "Give a file, a folder, or - for standard output.")

    def _check_variants(self, count: int) -> None:
        if not FEWEST <= count <= MOST:
            raise UsageProblem(f"--variants {count} is outside {FEWEST} to {MOST}.", "Give --variants 4, say.")
        if self.hints is not None:
            raise UsageProblem(
                "--hints says what the colors are, --variants tries others.", "Leave out one of the two."
            )
        if self.seed is not None and self.seed < 0:
            raise UsageProblem(f"--seed {self.seed} is negative.", "Give 0 or more.")

    def _check_marks(self) -> None:
        if self.label is not None and not self.label.strip():
            raise UsageProblem("--label is empty.", 'Give a text, as in --label "Colorized", or leave it out.')
        if self.label is None and (self.label_position is not None or self.label_font is not None):
            option = "--label-font" if self.label_position is None else "--label-position"
            raise UsageProblem(f"{option} is about the notice of --label.", "Give --label too.")
        if self.label is not None:
            check_letters(self.label, self.label_font)
        if self.label_position is not None and self.label_position not in POSITIONS:
            raise UsageProblem(
                f"There is no --label-position {self.label_position}.", f"Choose from {', '.join(POSITIONS)}."
            )
        if self.lossless_luma and self.label is not None:
            raise UsageProblem("--label changes the gray that --lossless-luma keeps.", "Leave out one of the two.")
        if self.lossless_luma and self.strip:
            raise UsageProblem("--lossless-luma keeps the metadata of the scan.", "Leave out --strip.")
        if self.strip and self.sidecar:
            raise UsageProblem("--strip leaves metadata out, --sidecar copies it.", "Leave out one of the two.")

    @cached_property
    def hints_per_photo(self) -> bool:
        """Whether each photograph has its own hints: ``beside``, or a folder of them."""
        return self.hints is not None and (self.hints == BESIDE or Path(self.hints).is_dir())

    @property
    def resumes(self) -> bool:
        """Whether existing results are left alone: on ``skip_existing``, and on ``retry`` without ``overwrite``."""
        return self.skip_existing or (self.retry is not None and not self.overwrite)

    @cached_property
    def part(self) -> Shard | None:
        """The share of the photographs that this run is about; None for all."""
        return None if self.shard is None else parse_shard(self.shard)

    @property
    def report_file(self) -> Path | None:
        """Where the report goes: ``report``, else the one that is retried; each shard has its own."""
        return self._of_shard(self.report or self.retry)

    @property
    def failed_file(self) -> Path | None:
        """Where the names of failed photographs go; each shard has its own list."""
        return self._of_shard(self.failed_list)

    @property
    def own_files(self) -> list[Path]:
        """What the run writes about itself, which may lie among the photographs."""
        return [path for path in (self.report_file, self.failed_file, self.retry, self.gallery) if path is not None]

    def _of_shard(self, path: Path | None) -> Path | None:
        return path if path is None or self.part is None else self.part.named(path)

    @property
    def wants_confidence(self) -> bool:
        """Whether confidence is worth further predictions, where a model does not know it by itself."""
        return self.confidence_map or self.gallery is not None or self.report_file is not None

    @property
    def sizes(self) -> tuple[int, ...]:
        """The working sizes asked for; empty for the model's own."""
        return (self.size,) if isinstance(self.size, int) else self.size or ()

    @property
    def decoding(self) -> dict[str, float]:
        """How a prediction becomes a color, as far as it was chosen, by the names that networks know."""
        return {name: getattr(self, name) for name in DECODING if getattr(self, name) is not None}

    @property
    def workers(self) -> int:
        """How many photographs are under way at a time: ``--jobs``, or one more than the cores at hand.

        One more, because some thread always waits for the disk.
        """
        return self.jobs or available_cores() + 1

    @cached_property
    def memory(self) -> int | None:
        """Bytes that the process may use, as far as fewer photographs at a time keep it there; None is no limit."""
        return None if self.memory_limit is None else parse_size(self.memory_limit)
