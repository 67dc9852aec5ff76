"""The HTML report: one self-contained file with summary, plots and a gallery."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from importlib import resources
from string import Template
from typing import Any

import numpy as np

from colorize_cli.evaluation.contenders import BASELINES, GRAY
from colorize_cli.evaluation.metrics.measure import BY_KEY, Metric
from colorize_cli.evaluation.report import svg
from colorize_cli.evaluation.report.metric_tables import caption, cell, columns, heading, shown_metrics
from colorize_cli.evaluation.report.shown_photos import Shown, worst_and_best
from colorize_cli.evaluation.results import Evaluation
from colorize_cli.evaluation.summary import TRUTH, Interval, Summary

GALLERY_METRIC = "delta_e"
GALLERY_COUNT = 8
GALLERY_SIDE = 320
_DISTRIBUTIONS = ("psnr", "delta_e", "ab_mae", "colorfulness", "ssim", "auc")


def gallery_places(evaluation: Evaluation, count: int = GALLERY_COUNT) -> dict[str, list[int]]:
    """Return indices into ``evaluation.measured`` for "worst", "best" and "random", by the first model's ΔE2000."""
    if not evaluation.measured:
        return {}
    values = evaluation.values(_judged(evaluation), GALLERY_METRIC)
    return worst_and_best(values, count, higher_is_better=False)


def _judged(evaluation: Evaluation) -> str:
    """Return the contender by whose errors the gallery is sorted: the first model."""
    return next((name for name in evaluation.contenders if name not in BASELINES), evaluation.contenders[0])


def build_report(evaluation: Evaluation, summary: Summary, show: Callable[[int], Shown]) -> str:
    """Return the report as HTML; ``show`` returns the pictures of the photograph at an index of the list."""
    template = Template(resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8"))
    names = ", ".join(name for name in evaluation.contenders if name not in BASELINES) or "baselines"
    return template.substitute(
        title=_text(f"Evaluation of {names}"),
        verdict=_text(verdict(evaluation, summary)),
        tiles=_tiles(evaluation, summary),
        notes="".join(f'<p class="note">{_text(line)}</p>' for line in _about(evaluation)),
        record="".join(f'<p class="note">{_text(line)}</p>' for line in _record(evaluation)),
        table=_table(evaluation, summary),
        tradeoff=_tradeoff(evaluation, summary),
        legend=_legend(evaluation),
        distributions=_distributions(evaluation),
        scatters=_scatters(evaluation),
        maps=_maps(evaluation),
        failures=_failures(evaluation),
        gallery=_gallery(evaluation, show),
    )


def _text(value: Any) -> str:
    return html.escape(str(value))


def verdict(evaluation: Evaluation, summary: Summary) -> str:
    """Return the result in a sentence or two: the first model against the next best, and its colorfulness."""
    if not evaluation.measured:
        return "No photograph could be measured."
    model = _judged(evaluation)
    own = summary.get(model, {}).get("psnr")
    if own is None or not math.isfinite(own.value):
        return f"{model} was measured on {len(evaluation.measured)} photographs."
    text = f"On {len(evaluation.measured)} photographs {model} reaches a PSNR of {own.value:.1f} dB"
    others = {
        name: summary[name]["psnr"]
        for name in evaluation.contenders
        if name != model and "psnr" in summary.get(name, {}) and math.isfinite(summary[name]["psnr"].value)
    }
    if others:
        name = max(others, key=lambda other: others[other].value)
        difference = own.value - others[name].value
        if _overlap(own, others[name]):
            text += f"; the difference to {name} ({others[name].value:.1f} dB) is within the intervals"
        else:
            text += f", {abs(difference):.1f} dB {'more' if difference > 0 else 'less'} than {name}"
    colorful, true = summary.get(model, {}).get("colorfulness"), summary[TRUTH].get("colorfulness")
    if colorful is None or true is None or not true.value > 0:
        return f"{text}."
    share = colorful.value / true.value
    return f"{text}. Its pictures have {share:.0%} of the colorfulness of the true ones."


def _overlap(one: Interval, other: Interval) -> bool:
    """Whether two intervals have figures in common; without an interval nothing is told apart."""
    if not all(math.isfinite(x) for x in (one.low, one.high, other.low, other.high)):
        return True
    return one.low <= other.high and other.low <= one.high


def _tiles(evaluation: Evaluation, summary: Summary) -> str:
    """Return the six headline figures of the first model."""
    figures = summary.get(_judged(evaluation), {}) if evaluation.measured else {}
    tiles = []
    for key in _DISTRIBUTIONS:
        metric, figure = BY_KEY[key], figures.get(key)
        if figure is None or not math.isfinite(figure.value):
            continue
        unit = f" {metric.unit}" if metric.unit else ""
        beside = ""
        if key == "colorfulness" and key in summary[TRUTH]:
            beside = f"truth {summary[TRUTH][key].value:.{metric.digits}f}"
        elif math.isfinite(figure.low):
            beside = f"{figure.low:.{metric.digits}f} to {figure.high:.{metric.digits}f}"
        better = {"higher": "higher is better", "lower": "lower is better", "none": ""}[metric.better]
        tiles.append(
            f"<li><span>{_text(metric.title)}</span><b>{figure.value:.{metric.digits}f}{_text(unit)}</b>"
            f"<small>{_text(' · '.join(filter(None, (beside, better))))}</small></li>"
        )
    return "".join(tiles)


def _about(evaluation: Evaluation) -> list[str]:
    protocol = evaluation.record["protocol"]
    lines = [caption(evaluation), f"{protocol['name']}: {protocol['title']}."]
    return [*lines, protocol["note"]] if protocol["note"] else lines


def _record(evaluation: Evaluation) -> list[str]:
    """Return what makes the figures repeatable: weights, definitions, versions, hashes."""
    record, lines = evaluation.record, []
    for contender in record["contenders"]:
        if contender["kind"] == "model":
            parameters = ", ".join(f"{key} {value}" for key, value in contender["parameters"].items())
            lines.append(
                f"{contender['name']}: model {contender['model']}, weights {contender['weights_sha256']}, {parameters}"
            )
        else:
            lines.append(f"{contender['name']}: {contender['definition']}")
    lines.append(", ".join(f"{name} {version}" for name, version in record["versions"].items()))
    lines.append(f"photographs: {', '.join(record['photos']['places'])}; list sha256 {record['photos']['list_sha256']}")
    return lines


def _table(evaluation: Evaluation, summary: Summary) -> str:
    names = columns(evaluation, summary)
    heads = "".join(f'<th scope="col">{_text(name)}</th>' for name in names)
    rows = [f'<tr><th scope="col">Metric</th>{heads}</tr>']
    for metric in shown_metrics(evaluation, summary):
        best = _best(metric, {n: summary[n][metric.key] for n in names if metric.key in summary[n]})
        cells = "".join(_cell(metric, summary[name].get(metric.key), name == best) for name in names)
        rows.append(f'<tr><th scope="row">{_text(heading(metric))}</th>{cells}</tr>')
    return f"<table>{''.join(rows)}</table>"


def _best(metric: Metric, figures: dict[str, Interval]) -> str | None:
    known = {name: figure.value for name, figure in figures.items() if name != TRUTH and math.isfinite(figure.value)}
    if metric.better == "none" or not known:
        return None
    best = (max if metric.better == "higher" else min)(known, key=lambda name: known[name])
    # One that is not told apart from another by its interval has not won.
    return None if any(_overlap(figures[best], figures[name]) for name in known if name != best) else best


def _cell(metric: Metric, figure: Interval | None, best: bool) -> str:
    value, _, rest = cell(metric, figure).partition(" [")
    small = f"<small>[{_text(rest)}</small>" if rest else ""
    return f"<td{' class=first' if best else ''}>{_text(value)}{small}</td>"


def _legend(evaluation: Evaluation) -> str:
    keys = (
        f'<span><i class="key" style="background:{svg.color_of(i)}"></i>{_text(name)}</span>'
        for i, name in enumerate(evaluation.contenders)
    )
    return "".join(keys)


def _tradeoff(evaluation: Evaluation, summary: Summary) -> str:
    """Plot mean PSNR against mean colorfulness, one point per contender; the true colorfulness as a line."""
    points = [
        (i, name, summary[name]["colorfulness"].value, summary[name]["psnr"].value)
        for i, name in enumerate(evaluation.contenders)
        if name in summary and {"colorfulness", "psnr"} <= summary[name].keys()
    ]
    if not points:
        return ""
    true = summary[TRUTH]["colorfulness"].value
    psnrs = [y for *_, y in points]
    margin = max(0.5, 0.12 * (max(psnrs) - min(psnrs)))
    right = max([true, *(x for _, _, x, _ in points)]) * 1.15
    right = right if math.isfinite(right) and right > 0 else 1.0
    plot = svg.Plot(
        (0.0, right), (min(psnrs) - margin, max(psnrs) + margin), "mean CF (abs)", "mean PSNR (dB)", 620, 340,
        description="Mean PSNR over mean colorfulness: "
        + ", ".join(f"{name} {y:.1f} dB at {x:.0f}" for _, name, x, y in points),
    )  # fmt: skip
    if math.isfinite(true):
        plot.line([true, true], list(plot.y_range), "#888", dashed=True)
        plot.label(true, plot.y_range[0], "truth", shift=(-34, -6))
    for i, name, x, y in points:
        plot.dots([x], [y], svg.color_of(i), radius=5, faint=False)
        plot.label(x, y, name)
    return plot.render().replace('class="plot"', 'class="plot large"')


def _distributions(evaluation: Evaluation) -> str:
    figures = []
    for key in _DISTRIBUTIONS if evaluation.measured else ():
        # The gray baseline has no colorfulness and would only squeeze the axis.
        names = [n for n in evaluation.contenders if not (key == "colorfulness" and n in BASELINES)]
        series = [(evaluation.values(n, key), svg.color_of(evaluation.contenders.index(n))) for n in names]
        if key == "colorfulness":
            series.append((evaluation.values(evaluation.contenders[0], "colorfulness_true"), "currentColor"))
        metric = BY_KEY[key]
        label = f"{metric.title}{f' ({metric.unit})' if metric.unit else ''}"
        label += ", truth in text color" if key == "colorfulness" else ""
        medians = ", ".join(f"{n} {np.nanmedian(evaluation.values(n, key)):.{metric.digits}f}" for n in names)
        figures.append(svg.histograms(series, label, f"Histograms of {metric.title}; medians: {medians}"))
    return "".join(figures)


def _scatters(evaluation: Evaluation) -> str:
    if not evaluation.measured:
        return ""
    plots = [
        svg.scatter_to_truth(
            evaluation.values(name, "colorfulness_true"),
            evaluation.values(name, "colorfulness"),
            svg.color_of(i),
            "CF",
            name,
        ).replace('class="plot"', 'class="plot square"')
        for i, name in enumerate(evaluation.contenders)
        if name not in BASELINES
    ]
    return "".join(plots)


def _maps(evaluation: Evaluation) -> str:
    measured = evaluation.measured
    if not measured:
        return ""
    histograms = {TRUTH: np.sum([r.histogram for r in measured], axis=0)}
    for name in evaluation.contenders:
        if name != GRAY:
            histograms[name] = np.sum([r.measurements[name].histogram for r in measured], axis=0)
    return "".join(
        f"<figure>{svg.ab_map(histogram, name)}<figcaption>{_text(name)}</figcaption></figure>"
        for name, histogram in histograms.items()
    )


def _failures(evaluation: Evaluation) -> str:
    if not evaluation.failures:
        return ""
    rows = "".join(
        f"<tr><td>{_text(r.photo)}</td><td>{_text(r.contender or 'reading')}</td><td>{_text(r.error)}</td></tr>"
        for r in evaluation.failures
    )
    area = '<div class="wide" tabindex="0" role="region" aria-label="Photographs that failed">'
    return f"<h2>Photographs that failed: {len(evaluation.failures)}</h2>{area}<table>{rows}</table></div>"


def _gallery(evaluation: Evaluation, show: Callable[[int], Shown]) -> str:
    title = f"by ΔE2000 of {_judged(evaluation)}"
    headings = {"worst": f"Worst {title}", "best": f"Best {title}", "random": "A random choice"}
    sections = []
    for kind, places in gallery_places(evaluation).items():
        strips = [_strip(evaluation, place, show(evaluation.measured[place].index)) for place in places]
        if strips:
            sections.append(f"<h2>{_text(headings[kind])}</h2>{''.join(strips)}")
    return "".join(sections)


def _strip(evaluation: Evaluation, place: int, shown: Shown) -> str:
    names = [name for name in evaluation.contenders if name == GRAY or name not in BASELINES]
    result = evaluation.measured[place]
    figures = [_figure(shown.pictures[name], name, _scores(result.measurements[name].values)) for name in names]
    true = result.measurements[names[0]].values["colorfulness_true"]
    figures.append(_figure(shown.truth, TRUTH, f"CF {true:.1f}"))
    grid = f"grid-template-columns:repeat({len(figures)},minmax(120px,{shown.width}px))"
    said = html.escape(f"Pictures of {result.photo}", quote=True)
    area = f'<div class="strip" tabindex="0" role="group" aria-label="{said}" style="{grid}">'
    return f"{area}<h3>{_text(result.photo)}</h3>{''.join(figures)}</div>"


def _scores(values: dict[str, float]) -> str:
    return f"PSNR {values['psnr']:.1f} · ΔE {values['delta_e']:.1f} · CF {values['colorfulness']:.1f}"


def _figure(uri: str, name: str, scores: str) -> str:
    return (
        f'<figure><img src="{uri}" alt="{_text(name)}" loading="lazy">'
        f"<figcaption><b>{_text(name)}</b> {_text(scores)}</figcaption></figure>"
    )
