"""Figure 5 of Potamias et al. (2020): the error over onset, apex and offset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from facegen_core.errors import TopologyMismatchError
from training.figures.style import (
    GRID,
    PAGE_WIDTH,
    SOFT_INK,
    figure_type,
    save_png,
    system_styles,
    system_title,
)

FloatArray = NDArray[np.floating]

PHASES = ("onset", "apex", "offset")
_HEIGHT = 2.9  # inches
# A curve that peaks this many times higher than all others is cut off, and says its peak.
_OFF_SCALE = 2.0


def draw(path: Path, curves: Mapping[str, FloatArray], num_phase_steps: int) -> None:
    """Write the figure: mean error against the clock of an expression, a curve per system.

    curves: {system: (P,) mean error, mm} at P = 3 * num_phase_steps moments: each sequence's
    onset, apex and offset are each divided into num_phase_steps equal steps.
    """
    _check(curves, num_phase_steps)
    moments = (np.arange(len(PHASES) * num_phase_steps) + 0.5) / num_phase_steps
    limit, cut_off = _scale(curves)
    styles = system_styles(list(curves))
    with figure_type():
        figure = Figure((PAGE_WIDTH, _HEIGHT), facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        _mark_phases(axes)
        for name in sorted(curves, key=lambda n: -float(np.mean(curves[n]))):
            peak = f"\n(peak {np.max(curves[name]):.1f} mm)" if name in cut_off else ""
            axes.plot(moments, curves[name], label=system_title(name) + peak, **styles[name])
        axes.set_xlim(0, len(PHASES))
        axes.set_ylim(0, limit)
        axes.set_ylabel("mean error per vertex (mm)")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), labelspacing=0.7)
        save_png(figure, path)


def _mark_phases(axes: Axes) -> None:
    """Names in the middle of the phases, the apex shaded."""
    axes.axvspan(1, 2, color="#f1f1f1", linewidth=0, zorder=0)
    axes.set_xticks([k + 0.5 for k in range(len(PHASES))], PHASES)
    axes.tick_params(axis="x", length=0)
    for k in (1, 2):
        axes.axvline(k, color=SOFT_INK, linewidth=0.5, zorder=1)
    axes.set_axisbelow(True)
    axes.yaxis.grid(True, color=GRID, linewidth=0.5)


def _scale(curves: Mapping[str, FloatArray]) -> tuple[float, set[str]]:
    """The upper end of the error axis, mm, and which curves leave it."""
    peaks = sorted(((float(np.max(curve)), name) for name, curve in curves.items()), reverse=True)
    cut_off = set()
    while len(peaks) > 1 and peaks[0][0] > _OFF_SCALE * peaks[1][0]:
        cut_off.add(peaks.pop(0)[1])
    return max(1.12 * peaks[0][0], 1e-3), cut_off


def _check(curves: Mapping[str, FloatArray], num_phase_steps: int) -> None:
    expected = (len(PHASES) * num_phase_steps,)
    for name, curve in curves.items():
        if np.shape(curve) != expected:
            raise TopologyMismatchError(
                f"errors of {name}: expected {expected}, {num_phase_steps} steps for each of "
                f"{', '.join(PHASES)}, got {np.shape(curve)}."
            )
