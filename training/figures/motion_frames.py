"""Figure 4 of Potamias et al. (2020): frames of a sequence above the label they were made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from facegen_core.errors import TopologyMismatchError
from training.figures.drawing import draw_face, head_view
from training.figures.faces import FACE_PIXELS, FaceGrid, Parts
from training.figures.style import (
    EXPRESSION_COLOURS,
    FAINT_INK,
    SKIN_COLOURS,
    expression_title,
    figure_type,
    save_png,
    system_title,
)

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

_CURVE_HEIGHT, _LINK_HEIGHT, _AXIS_HEIGHT = 0.85, 0.22, 0.42  # inches
_LABEL_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
_CENTRED = {"ha": "center", "va": "center", "zorder": 4}
_MAX_BYTES = 150_000  # one figure is drawn per expression
_LEAST_SIGNAL = 1e-3  # channels that stay below are not drawn


def draw(
    path: Path,
    triangles: IntArray,
    rows: Mapping[str, FloatArray],
    signal: FloatArray,
    expressions: Sequence[str],
    frames: IntArray,
    frame_rate: float,
    *,
    parts: Mapping[str, Sequence[Parts]] | None = None,
    colours: FloatArray | None = None,
) -> None:
    """Write the figure: a row of N faces per system, and the label e(t) with the frames marked.

    rows: {system: (N, V, 3) vertices, mm}; the first frame should be at rest, it sets the view.
    triangles: (F, 3). signal: (T, C) label, C channels named by expressions; frames: (N,) rows of
    signal that are shown; frame_rate: frames per second.
    parts: {system: N lists of parts} drawn with each face; colours: (V, 3) sRGB of the skin.
    """
    frames = np.asarray(frames)
    _check(rows, signal, expressions, frames)
    grid = FaceGrid(len(rows), len(frames), below=_CURVE_HEIGHT + _LINK_HEIGHT + _AXIS_HEIGHT)
    view = head_view(next(iter(rows.values()))[0])
    with figure_type():
        figure = grid.new_figure()
        grid.name_rows(figure, [system_title(name) for name in rows])
        grid.name_columns(figure, [f"{frame / frame_rate:.2f} s" for frame in frames])
        for r, (name, faces) in enumerate(rows.items()):
            for c, vertices in enumerate(faces):
                behind = parts[name][c] if parts is not None and name in parts else ()
                face = draw_face(vertices, triangles, colours, FACE_PIXELS, parts=behind, view=view)
                grid.add_face(figure, r, c, face)
        width = grid.column_centre(len(frames) - 1) - grid.column_centre(0)
        left = grid.column_centre(0)
        axes = grid.axes(figure, left, _AXIS_HEIGHT, width, _CURVE_HEIGHT)
        _draw_signal(axes, signal, expressions, frame_rate)
        _link_frames(figure, axes, grid, frames / frame_rate)
        save_png(figure, path, _MAX_BYTES, SKIN_COLOURS)


def _draw_signal(
    axes: Axes, signal: FloatArray, expressions: Sequence[str], frame_rate: float
) -> None:
    times = np.arange(len(signal)) / frame_rate
    active = [c for c in range(signal.shape[1]) if signal[:, c].max() > _LEAST_SIGNAL]
    for k, channel in enumerate(active):
        colour = EXPRESSION_COLOURS[k % len(EXPRESSION_COLOURS)]
        curve = signal[:, channel]
        axes.plot(times, curve, color=colour, zorder=3, clip_on=False)
        axes.fill_between(times, curve, color=colour, alpha=0.08, linewidth=0)
        # The name stands under the curve's middle, a line lower for each further channel.
        middle = float((times * curve).sum() / curve.sum())
        text = expression_title(expressions[channel])
        axes.text(middle, 0.5 - 0.3 * k, text, color=colour, bbox=_LABEL_BOX, **_CENTRED)
    axes.set_xlim(0.0, max(times[-1], 1.0 / frame_rate))
    axes.set_ylim(0.0, 1.08)
    axes.set_yticks([0.0, 0.5, 1.0])
    axes.set_xlabel("time (s)", labelpad=2)
    axes.set_ylabel("label e(t)")


def _link_frames(figure: Figure, axes: Axes, grid: FaceGrid, times: FloatArray) -> None:
    """A line from each face down to its moment on the curve."""
    page_width, page_height = grid.size
    line = {"color": FAINT_INK, "linewidth": 0.7, "zorder": 1}
    low, high = axes.get_xlim()
    box = axes.get_position()
    for column, time in enumerate(times):
        axes.axvline(time, **line)
        x = box.x0 + box.width * (time - low) / (high - low)
        top = (grid.below, grid.column_centre(column) / page_width)
        figure.add_artist(Line2D([x, top[1]], [box.y1, top[0] / page_height], **line))


def _check(
    rows: Mapping[str, FloatArray],
    signal: FloatArray,
    expressions: Sequence[str],
    frames: IntArray,
) -> None:
    if signal.ndim != 2 or signal.shape[1] != len(expressions):
        raise TopologyMismatchError(
            f"signal: expected (T, {len(expressions)}), a channel for each expression, "
            f"got {signal.shape}."
        )
    if len(frames) == 0 or frames.min() < 0 or frames.max() >= len(signal):
        raise TopologyMismatchError(
            f"frames: expected rows of a signal of {len(signal)} frames, got {frames.tolist()}."
        )
    for name, faces in rows.items():
        if len(faces) != len(frames):
            raise TopologyMismatchError(
                f"faces of {name}: expected {len(frames)}, one per frame, got {len(faces)}."
            )
