"""How the cost of a frame grows with vertices, frames and batch, for each implementation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from numpy.typing import NDArray

from facegen_core.errors import TopologyMismatchError
from training.figures.style import GRID, PAGE_WIDTH, figure_type, save_png

FloatArray = NDArray[np.floating]

_HEIGHT = 2.7  # inches
# Blue for ours, as in the other figures; a marker each, for prints without colour.
_LOOKS = {
    "fused": ("#0072B2", "o"),
    "plain": ("#E69F00", "s"),
    "index_select": ("#D55E00", "^"),
    "numpy": ("#222222", "D"),
}
_OTHER_LOOKS = (("#009E73", "v"), ("#CC79A7", "P"), ("#56B4E9", "X"), ("#882255", "*"))
# Values of x closer than this, as a ratio, would write over each other.
_CLOSEST_TICKS = 1.6


def draw(
    path: Path, panels: Sequence[tuple[str, Sequence[float], Mapping[str, Sequence[float]]]]
) -> None:
    """Write the figure: one panel per thing that grows, logarithmic both ways, with a shared y.

    panels: (label of x, (N,) values of x, {implementation: (N,) seconds per frame}); a value that
    was not measured is NaN. Known implementations: fused, plain, index_select, numpy.
    """
    _check(panels)
    looks = _looks(panels)
    with figure_type():
        figure = Figure((PAGE_WIDTH, _HEIGHT), facecolor="white", layout="constrained")
        all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (label, values, series) in zip(all_axes, panels, strict=True):
            _draw_panel(axes, label, np.asarray(values, float), series, looks)
        all_axes[0].set_ylabel("time per frame (ms)")
        lines = {line.get_label(): line for axes in all_axes for line in axes.get_lines()}
        figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=len(lines))
        save_png(figure, path)


def _looks(
    panels: Sequence[tuple[str, Sequence[float], Mapping[str, Sequence[float]]]],
) -> dict[str, tuple[str, str]]:
    names = dict.fromkeys(name for _, _, series in panels for name in series)
    others = [name for name in names if name.lower() not in _LOOKS]
    return {
        name: _LOOKS.get(name.lower()) or _OTHER_LOOKS[others.index(name) % len(_OTHER_LOOKS)]
        for name in names
    }


def _draw_panel(
    axes: Axes,
    label: str,
    values: FloatArray,
    series: Mapping[str, Sequence[float]],
    looks: Mapping[str, tuple[str, str]],
) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for name, seconds in series.items():
        colour, marker = looks[name]
        milliseconds = 1000.0 * np.asarray(seconds, float)
        axes.plot(values, milliseconds, color=colour, marker=marker, markersize=4, label=name)
    axes.xaxis.set_major_locator(FixedLocator(_ticks(values)))
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(label)
    axes.set_axisbelow(True)
    axes.grid(True, which="major", color=GRID, linewidth=0.5)


def _short(value: float, _: int) -> str:
    """28431 as 28.4k: five of them stand side by side in a panel."""
    return f"{value / 1000:.3g}k" if value >= 1000 else f"{value:g}"


def _ticks(values: FloatArray) -> list[float]:
    """The values of x themselves, where they leave room for their numbers; the last always."""
    ticks: list[float] = []
    for value in sorted(values, reverse=True):
        if not ticks or ticks[-1] / value >= _CLOSEST_TICKS:
            ticks.append(float(value))
    return ticks


def _check(
    panels: Sequence[tuple[str, Sequence[float], Mapping[str, Sequence[float]]]],
) -> None:
    for label, values, series in panels:
        if min(values) <= 0:
            raise ValueError(f"{label}: expected values above 0, got {min(values):g}.")
        for name, seconds in series.items():
            if len(seconds) != len(values):
                raise TopologyMismatchError(
                    f"{name} over {label}: expected {len(values)} times, got {len(seconds)}."
                )
