"""The files that a run writes: results folder, exported summary, report and study page."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from colorize_cli.errors import OutputError, OutputExists, UsageProblem
from colorize_cli.evaluation.evaluate_options import StudyOptions
from colorize_cli.evaluation.report import metric_tables
from colorize_cli.evaluation.report.report_page import GALLERY_SIDE, build_report
from colorize_cli.evaluation.report.shown_photos import Shown, show
from colorize_cli.evaluation.results import RECORD, Evaluation, forget, save
from colorize_cli.evaluation.session import Session
from colorize_cli.evaluation.study.study_page import STUDY_SIDE, build_study, choose_trials
from colorize_cli.evaluation.summary import Summary
from colorize_cli.files import write_text
from colorize_cli.tables import EXPORTS

REPORT, SUMMARY = "report.html", "summary"


def check_target(path: Path, *, overwrite: bool) -> None:
    """Check before any work that a file can be written to ``path``.

    Raises :class:`OutputExists`, :class:`OutputError`.
    """
    if path.is_dir():
        raise UsageProblem(f"{path} is a folder, not a file.", "Give a file name.")
    if path.exists() and not overwrite:
        raise OutputExists(f"{path} already exists.", "Choose another name, or add --overwrite.")
    parent = next((p for p in (path.parent, *path.parent.parents) if p.exists()), path.parent)
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(f"{path} cannot be written: {parent} is not a writable folder.", "Choose another folder.")


def write_results(folder: Path, session: Session, evaluation: Evaluation, summary: Summary, *, report: bool) -> None:
    """Write rows, record, summary (JSON, CSV, Markdown) and optionally the report into a folder.

    An earlier record is removed first, so that an interrupted run leaves no folder that looks complete. Raises
    :class:`OutputError`.
    """
    (folder / RECORD).unlink(missing_ok=True)
    for suffix in EXPORTS:
        metric_tables.export(folder / f"{SUMMARY}{suffix}", evaluation, summary)
    if report:
        page = build_report(evaluation, summary, _shower(session, GALLERY_SIDE))
        write_text(folder / REPORT, page)
    save(folder, evaluation)
    forget(folder)


def write_study(path: Path, session: Session, evaluation: Evaluation, options: StudyOptions) -> int:
    """Write the study page and return its number of questions; raises :class:`UsageProblem`, :class:`OutputError`."""
    indices = [result.index for result in evaluation.measured]
    if not indices:
        raise UsageProblem("No photograph was evaluated, so there is nothing to show in a study.")
    trials = choose_trials(indices, evaluation.contenders, options)
    write_text(path, build_study(trials, _shower(session, STUDY_SIDE), options), parents=True)
    return len(trials)


def _shower(session: Session, side: int) -> Callable[[int], Shown]:
    """Return the function that colorizes the photograph at an index of the list again, for a page."""

    def shower(index: int) -> Shown:
        return show(session.photographs[index], session.contenders, session.protocol, side=side)

    return shower
