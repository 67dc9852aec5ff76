"""What a colorizing run is asked to do: one frozen object for the command line and the library alike.

Importing this module imports neither torch nor numpy: the help of ``colorize`` is made from it.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from colorize_cli.compute import available_cores
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import LIMITS, Limits
from colorize_cli.inference.color_options import ColorizerOptions
from colorize_cli.option import HARDWARE, Option

if TYPE_CHECKING:
    from colorize_cli.batch.cluster.shards import Shard

OUTPUT, REVIEW, RUNS = "Output", "Review", "Large batches"
"""Headings of the help."""
BESIDE = "beside"
"""``--hints beside``: each photograph's own strokes, beside its result or itself."""


def _recorded_label(text: str) -> str:
    from colorize_cli.imaging.metadata.xmp import xml_text

    return xml_text(text)


@dataclass(frozen=True, kw_only=True)
class ColorizeOptions(ColorizerOptions):
    """Every choice of ``colorize``; values that contradict each other raise :class:`UsageProblem` on construction.

    ``output`` keeps the string the user wrote, because a trailing ``/`` means a folder; ``None`` is beside the input.
    ``retry`` is an earlier report whose failed photographs alone are colorized; ``shard`` is ``i/n``, ``auto`` or
    ``auto/n``, see :func:`~colorize_cli.batch.cluster.shards.parse_shard`. With ``lossless_luma``, ``format`` becomes
    "jpeg". ``seed`` decides which ``variants`` are written.
    """

    output: Annotated[
        str | None,
        Option(
            "Where to write results",
            OUTPUT,
            ("--output", "-o"),
            "FILE|FOLDER/|-",
            unset="beside the photo, as NAME-color",
            everyday=True,
            in_file=False,
        ),
    ] = None
    overwrite: Annotated[bool, Option("Replace existing results", OUTPUT, in_file=False)] = False
    skip_existing: Annotated[
        bool, Option("Skip photos that have a result; resumes an interrupted run", OUTPUT, everyday=True)
    ] = False
    force: Annotated[bool, Option("Also colorize photos that are already in color (skipped by default)", OUTPUT)] = (
        False
    )
    format: Annotated[
        str | None, Option("jpeg, png, tiff, webp, avif, jpeg2000, bmp or ppm", OUTPUT, unset="the photo's own")
    ] = None
    quality: Annotated[
        int | None, Option("Quality of lossy formats", OUTPUT, between=(1, 100), unset="the photo's own")
    ] = None
    lossless_luma: Annotated[
        bool,
        Option(
            "Keep the gray channel of JPEG scans bit for bit; `colorize recover` restores the scan",
            OUTPUT,
            records=lambda _: "kept",
            record_as="luma",
        ),
    ] = False
    label: Annotated[
        str | None,
        Option(
            "Print a small visible notice on each result; without TEXT: Colorized",
            OUTPUT,
            metavar="[TEXT]",
            everyday=True,
            records=_recorded_label,
        ),
    ] = None
    label_position: Annotated[
        str | None,
        Option(
            "Place of the label: bottom-right, bottom-left, top-right, top-left, or below (in an added margin)",
            OUTPUT,
            metavar="CORNER|below",
            unset="bottom-right",
        ),
    ] = None
    label_font: Annotated[
        Path | None,
        Option(
            "TrueType or OpenType font of the label, for scripts that the default font lacks", OUTPUT, metavar="FILE"
        ),
    ] = None
    strip: Annotated[bool, Option("Remove all metadata except provenance, color profile and resolution", OUTPUT)] = (
        False
    )
    sidecar: Annotated[bool, Option("Copy the photo's .xmp sidecar file and add the provenance", OUTPUT)] = False
    keep_time: Annotated[bool, Option("Give each result the modification time of its photo", OUTPUT)] = False
    confidence_map: Annotated[
        bool, Option("Write NAME-confidence.png beside each result: dark where the model is unsure", REVIEW)
    ] = False
    side_by_side: Annotated[
        bool, Option("Write NAME-sidebyside.jpg beside each result: scan and color with a caption", REVIEW)
    ] = False
    variants: Annotated[
        int | None,
        Option(
            "Write this many plausible colorizations and a contact sheet, NAME-variants.jpg",
            REVIEW,
            metavar="N",
            between=(2, 9),
        ),
    ] = None
    gallery: Annotated[
        Path | None,
        Option("Write a page that compares gray and color, least certain photos first", REVIEW, metavar="FILE.html"),
    ] = None
    gallery_size: Annotated[
        int | None, Option("Number of photos in the gallery", REVIEW, metavar="N", least=1, unset="200")
    ] = None
    report: Annotated[
        Path | None, Option("Write one JSON line per photo to this file", RUNS, metavar="FILE", everyday=True)
    ] = None
    failed_list: Annotated[
        Path | None, Option("Write the names of failed photos to this file", RUNS, metavar="FILE")
    ] = None
    retry: Annotated[
        Path | None,
        Option("Retry only the photos that failed in this report, and add to the report", RUNS, metavar="REPORT"),
    ] = None
    strict: Annotated[bool, Option("Exit with 1 if a file in a folder could not be read", RUNS)] = False
    dry_run: Annotated[bool, Option("Show what would be done; write nothing", RUNS)] = False
    shard: Annotated[
        str | None,
        Option(
            "Process one share of the photos, with its own report; auto reads SLURM or torchrun variables",
            RUNS,
            metavar="I/N|auto|auto/N",
        ),
    ] = None
    cluster: Annotated[
        str | None,
        Option(
            "Run on a Dask cluster that sees the same files, e.g. tcp://HOST:8786",
            RUNS,
            metavar="ADDRESS|local",
            in_file=False,
        ),
    ] = None
    seed: Annotated[int | None, Option("Random seed", HARDWARE, least=0)] = None
    jobs: Annotated[
        int | None,
        Option("Photos to process at the same time", HARDWARE, ("--jobs", "-j"), least=1, unset="cores + 1"),
    ] = None
    memory_limit: Annotated[
        str | None,
        Option("Memory limit (e.g. 4GB); reduces concurrency to stay below it", HARDWARE, metavar="SIZE"),
    ] = None
    max_megapixels: Annotated[float, Option("Refuse larger photos", HARDWARE, above=0)] = 500.0
    max_pages: Annotated[int, Option("Refuse TIFF and PDF files with more pages", HARDWARE, metavar="N", least=1)] = (
        LIMITS.pages
    )
    max_scans: Annotated[
        int,
        Option(
            "Refuse progressive JPEG files with more scans, which can take hours to decode",
            HARDWARE,
            metavar="N",
            least=1,
        ),
    ] = LIMITS.scans

    def __post_init__(self) -> None:
        """Refuse contradictions and values out of range, before anything is read or loaded."""
        super().__post_init__()
        if self.overwrite and self.skip_existing:
            raise UsageProblem("--overwrite and --skip-existing contradict each other.", "Use only one of them.")
        _ = self.part, self.memory
        self._check_marks()
        if self.lossless_luma:
            self._keep_jpeg()
        if self.memory_limit is not None and self.cluster is not None:
            raise UsageProblem(
                "--memory-limit limits this process, not a cluster.", "Set the limit of the cluster's workers instead."
            )
        if self.confidence_map and self.output == "-":
            raise UsageProblem(
                "--confidence-map writes a file beside the result, which standard output does not have.",
                "Name a file with -o.",
            )
        if self.side_by_side and self.output == "-":
            raise UsageProblem(
                "--side-by-side writes a file beside the result, which standard output does not have.",
                "Name a file with -o.",
            )
        if self.hints_per_photo and self.cluster is not None:
            raise UsageProblem(
                "--hints FOLDER and --hints beside cannot be used with --cluster.", "Use one image for --hints."
            )
        if self.variants is not None and self.hints is not None:
            raise UsageProblem("--hints fixes the colors and --variants tries others.", "Use only one of them.")
        if self.variants is not None and self.reference is not None:
            raise UsageProblem("--reference guides the colors and --variants tries others.", "Use only one of them.")
        if self.reference is not None and not str(self.reference):
            raise UsageProblem("--reference has no value.", "Give the path of a color photo.")
        if self.gallery_size is not None and self.gallery is None:
            raise UsageProblem("--gallery-size has no effect without --gallery.", "Add --gallery FILE.html.")
        if self.output == "":
            raise UsageProblem("-o is empty.", "Name a file, a folder, or - for standard output.")

    def _keep_jpeg(self) -> None:
        """Whatever the name of a photo says: only JPEG files can be kept as they are."""
        if (self.format or "jpeg").strip().lstrip(".").lower() not in ("jpeg", "jpg"):
            raise UsageProblem("--lossless-luma writes JPEG only.", "Leave out --format.")
        object.__setattr__(self, "format", "jpeg")

    def _check_label(self, label: str) -> None:
        from colorize_cli.imaging.marks import POSITIONS, check_letters

        if not label.strip():
            raise UsageProblem("--label is empty.", 'Give a text, e.g. --label "Colorized".')
        check_letters(label, self.label_font)
        if self.label_position is not None and self.label_position not in POSITIONS:
            raise UsageProblem(f"--label-position must be one of {', '.join(POSITIONS)}, not '{self.label_position}'.")

    def _check_marks(self) -> None:
        if self.label is None and (self.label_position is not None or self.label_font is not None):
            option = "--label-font" if self.label_position is None else "--label-position"
            raise UsageProblem(f"{option} has no effect without --label.", "Add --label.")
        if self.label is not None:
            self._check_label(self.label)
        if self.lossless_luma and self.label is not None:
            raise UsageProblem("--label changes the gray channel that --lossless-luma keeps.", "Use only one of them.")
        if self.lossless_luma and self.strip:
            raise UsageProblem("--lossless-luma keeps the metadata of the scan.", "Leave out --strip.")
        if self.strip and self.sidecar:
            raise UsageProblem("--strip removes metadata and --sidecar copies it.", "Use only one of them.")

    @cached_property
    def hints_per_photo(self) -> bool:
        """Whether each photograph has its own hints: ``beside``, or a folder of them."""
        return self.hints is not None and (self.hints == BESIDE or Path(self.hints).is_dir())

    @property
    def resumes(self) -> bool:
        """Whether existing results are left alone: on ``skip_existing``, and on ``retry`` without ``overwrite``."""
        return self.skip_existing or (self.retry is not None and not self.overwrite)

    @cached_property
    def part(self) -> "Shard | None":
        """The share of the photographs that this run is about; None for all."""
        if self.shard is None:
            return None
        from colorize_cli.batch.cluster.shards import parse_shard

        return parse_shard(self.shard)

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
        """The files that the run writes about itself, which may be in the folder of the photographs."""
        return [path for path in (self.report_file, self.failed_file, self.retry, self.gallery) if path is not None]

    def _of_shard(self, path: Path | None) -> Path | None:
        return path if path is None or self.part is None else self.part.named(path)

    @property
    def wants_confidence(self) -> bool:
        """Whether confidence is worth further predictions, where a model does not know it by itself."""
        return self.confidence_map or self.gallery is not None or self.report_file is not None

    @property
    def limits(self) -> Limits:
        """The largest number of pages and of JPEG scans that are read."""
        return Limits(self.max_pages, self.max_scans)

    @property
    def workers(self) -> int:
        """How many photographs are processed at the same time: ``--jobs``, or one more than the available cores.

        One more, because some thread always waits for the disk.
        """
        return self.jobs or available_cores() + 1

    @cached_property
    def memory(self) -> int | None:
        """Memory limit of the process in bytes, kept by processing fewer photographs at once; None for no limit."""
        if self.memory_limit is None:
            return None
        from colorize_cli.batch.memory_limit import parse_size

        return parse_size(self.memory_limit)
