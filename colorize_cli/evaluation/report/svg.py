"""Small plots as inline SVG text: step histograms, scatter plots and maps of the ab plane."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from colorize_cli.evaluation.metrics.pixelwise import BIN_WIDTH, BINS_A_SIDE
from colorize_cli.imaging.color import lab_to_srgb

Array = npt.NDArray[Any]

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#7f7f7f")
"""Okabe and Ito's palette, distinguishable with color vision deficiencies."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 12, 42


def color_of(index: int) -> str:
    """Return the color of the contender at ``index``."""
    return COLORS[index % len(COLORS)]


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round values (multiples of 1, 2 or 5 times a power of ten) within low..high."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass
class Plot:
    """Axes over x_range and y_range, to which marks are added in data coordinates."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x_label: str
    y_label: str = ""
    width: int = 420
    height: int = 280
    y_ticks: bool = True
    description: str = ""
    _marks: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Return the pixel column of a value."""
        low, high = self.x_range
        return _LEFT + (value - low) / ((high - low) or 1) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Return the pixel row of a value."""
        low, high = self.y_range
        return self.height - _BOTTOM - (value - low) / ((high - low) or 1) * (self.height - _TOP - _BOTTOM)

    def line(self, xs: Sequence[float], ys: Sequence[float], color: str, *, dashed: bool = False) -> None:
        """Add a polyline."""
        points = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys, strict=True))
        dash = ' stroke-dasharray="4 4"' if dashed else ""
        self._marks.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.6"{dash}/>')

    def dots(
        self, xs: Sequence[float], ys: Sequence[float], color: str, *, radius: float = 2.0, faint: bool = True
    ) -> None:
        """Add circles."""
        opacity = (0.75 if len(xs) < 150 else 0.35) if faint else 1
        circles = "".join(
            f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius}"/>' for x, y in zip(xs, ys, strict=True)
        )
        self._marks.append(f'<g fill="{color}" fill-opacity="{opacity}">{circles}</g>')

    def label(self, x: float, y: float, text: str, *, shift: tuple[float, float] = (6, -6)) -> None:
        """Add a label beside a point."""
        self._marks.append(
            f'<text x="{self.x(x) + shift[0]:.1f}" y="{self.y(y) + shift[1]:.1f}">{html.escape(text)}</text>'
        )

    def render(self) -> str:
        """Return the SVG element."""
        bottom, right = self.height - _BOTTOM, self.width - _RIGHT
        said = html.escape(self.description or f"{self.y_label} over {self.x_label}", quote=True)
        parts = [f'<svg viewBox="0 0 {self.width} {self.height}" class="plot" role="img" aria-label="{said}">']
        for value in ticks(*self.x_range):
            x = self.x(value)
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>')
            parts.append(f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{value:g}</text>')
        for value in ticks(*self.y_range) if self.y_ticks else ():
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        middle = (_LEFT + right) / 2
        parts.append(
            f'<text x="{middle:.1f}" y="{self.height - 8}" text-anchor="middle">{html.escape(self.x_label)}</text>'
        )
        half = (_TOP + bottom) / 2
        turned = f'transform="translate(14 {half:.1f}) rotate(-90)" text-anchor="middle"'
        parts.append(f"<text {turned}>{html.escape(self.y_label)}</text>")
        return "".join([*parts, *self._marks, "</svg>"])


def histograms(series: Sequence[tuple[Array, str]], x_label: str, description: str = "") -> str:
    """Return step histograms over one axis: (values (n,), color) each, as shares of their photographs.

    ``description``: text alternative of the plot for screen readers.
    """
    known = [(values[np.isfinite(values)], color) for values, color in series]
    everything = np.concatenate([values for values, _ in known])
    if not len(everything):
        return ""
    low, high = np.percentile(everything, [0.2, 99.8])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    bins = int(np.clip(1.5 * math.sqrt(max(len(values) for values, _ in known)), 6, 40))
    edges = np.linspace(low, high, bins + 1)
    heights = [
        (np.histogram(np.clip(values, low, high), edges)[0] / max(len(values), 1), color) for values, color in known
    ]
    top = max(float(height.max()) for height, _ in heights) * 1.05
    plot = Plot(
        (float(low), float(high)), (0.0, top), x_label, "share of photographs",
        description=description or f"Histograms of {x_label}",
    )  # fmt: skip
    for height, color in heights:
        plot.line(np.repeat(edges, 2).tolist(), [0.0, *np.repeat(height, 2).tolist(), 0.0], color)
    return plot.render()


def scatter_to_truth(true: Array, predicted: Array, color: str, label: str, title: str) -> str:
    """Return a scatter plot of predicted against true values (n,), with the diagonal of equality."""
    top = float(np.percentile(np.concatenate([true, predicted]), 99.5)) or 1.0
    correlation = float(np.corrcoef(true, predicted)[0, 1]) if len(true) > 2 and np.std(predicted) > 0 else 0.0
    said = f"{label} of {title} against the truth, one dot per photograph; correlation {correlation:.2f}"
    plot = Plot((0.0, top), (0.0, top), f"{label}, truth", f"{label}, {title}", 300, 300, description=said)
    plot.line([0, top], [0, top], "#888", dashed=True)
    shown = slice(None, None, max(1, math.ceil(len(true) / 1500)))
    plot.dots(np.clip(true, 0, top)[shown].tolist(), np.clip(predicted, 0, top)[shown].tolist(), color)
    return plot.render()


def ab_map(histogram: Array, name: str = "") -> str:
    """Return an ab histogram (529,) as a map: every bin in its own color at L* 65, its opacity the log of its share.

    ``name``: the contender, for screen readers.
    """
    cell = 10
    side = cell * BINS_A_SIDE
    share = histogram / (histogram.sum() or 1)
    opacity = np.clip(1 + np.log10(np.maximum(share, 1e-9)) / 5, 0, 1)
    axis = BIN_WIDTH * (np.arange(BINS_A_SIDE) - BINS_A_SIDE // 2)
    a, b = np.meshgrid(axis, axis, indexing="ij")
    rgb = np.clip(lab_to_srgb(np.stack([np.full_like(a, 65.0), a, b], -1)), 0, 1).reshape(-1, 3)
    rects = []
    for index in np.flatnonzero(opacity > 0):
        row, column = divmod(int(index), BINS_A_SIDE)
        red, green, blue = np.rint(rgb[index] * 255).astype(int)
        # a* grows to the right, b* upward.
        rects.append(
            f'<rect x="{row * cell}" y="{side - (column + 1) * cell}" width="{cell}" height="{cell}" '
            f'fill="rgb({red},{green},{blue})" fill-opacity="{opacity[index]:.2f}"/>'
        )
    middle = side / 2
    axes = (
        f'<line class="grid" x1="{middle}" x2="{middle}" y1="0" y2="{side}"/>'
        f'<line class="grid" x1="0" x2="{side}" y1="{middle}" y2="{middle}"/>'
        f'<text x="{side - 4}" y="{middle - 4}" text-anchor="end">a*</text><text x="{middle + 4}" y="12">b*</text>'
    )
    said = html.escape(f"Map of the colors of {name or 'these photographs'} over a* and b*", quote=True)
    return f'<svg viewBox="0 0 {side} {side}" class="map" role="img" aria-label="{said}">{axes}{"".join(rects)}</svg>'
