"""How a photograph of a batch ended, in the words and columns of the report."""

import contextlib
import time
import traceback
from datetime import UTC, datetime
from typing import Any

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.companions import described_variants
from colorize_cli.batch.inputs.plan import Item
from colorize_cli.batch.reports.outcome import Outcome
from colorize_cli.batch.resume import is_empty_file, left_alone, skip_reason
from colorize_cli.batch.work import Work
from colorize_cli.errors import ColorizeError, OutputExists
from colorize_cli.files import sha256_of
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.inference.reference import MATCH


def settled(item: Item, options: ColorizeOptions, provenance: Provenance) -> Outcome | None:
    """Return how a photograph ended that needs no work: as planned, or skipped because its result exists."""
    if item.state != "todo":
        return Outcome(item.source, item.target, item.state, item.reason, kind=item.kind)
    if options.resumes and item.target is not None and is_empty_file(item.target):
        with contextlib.suppress(OSError):  # writing it will say what is wrong
            item.target.unlink()
    if options.resumes and (reason := left_alone(item, provenance, options)):
        return Outcome(item.source, item.target, "skipped", reason)
    return None


def done(work: Work, options: ColorizeOptions, provenance: Provenance) -> Outcome:
    """Return the outcome of a photograph whose result has been written; each note is told once."""
    notes = tuple(dict.fromkeys(work.notes))
    return Outcome(work.item.source, work.item.target, "done", "", notes, _described(work, options, provenance))


def failed(item: Item, error: Exception, options: ColorizeOptions, provenance: Provenance) -> Outcome:
    """Return why a photograph failed; on resuming, one whose result another run wrote meanwhile is skipped."""
    if isinstance(error, OutputExists) and options.resumes and item.target is not None:
        return Outcome(item.source, item.target, "skipped", skip_reason(item.target, provenance))
    if isinstance(error, ColorizeError):
        return Outcome(item.source, item.target, "failed", str(error))
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError):
        reason = "There is not enough memory for it. Use --jobs 1, or a lower --max-megapixels to skip it."
    elif isinstance(error, OSError) and error.strerror:
        reason = f"{error.strerror}."
    else:
        reason = f"Unexpected {type(error).__name__}: {error}"
    return Outcome(item.source, item.target, "failed", reason, traceback=trace)


def _described(work: Work, options: ColorizeOptions, provenance: Provenance) -> dict[str, Any]:
    """Return the further columns of the report's row."""
    target = work.item.target
    details = work.details | {"model": provenance.model, "weights_sha256": provenance.weights_sha256}
    if work.confidences:
        details["confidence"] = round(sum(work.confidences) / len(work.confidences), 4)
    if work.guidance:
        details["reference"] = "used" if all(one.used for one in work.guidance) else "not used"
        details[MATCH] = round(work.guidance[0].found.agreement, 4)
    if options.report_file is not None and target is not None:
        details["output_bytes"] = target.stat().st_size
        details["output_sha256"] = sha256_of(target)
    if options.variants is not None and target is not None:
        details |= described_variants(target, options.variants)
    details["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    details["seconds"] = round(time.monotonic() - work.started, 3)
    return details
