"""Paths of the 68 landmarks from the neutral to the apex, seen from the front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from facegen_core.errors import TopologyMismatchError
from training.figures.style import (
    FAINT_INK,
    GRID,
    PAGE_WIDTH,
    SYSTEM_COLOURS,
    expression_title,
    figure_type,
    save_png,
)

FloatArray = NDArray[np.floating]

# Landmarks in the order they are joined, and whether the line closes: jaw line, brows, nose, eyes,
# lips (Sagonas et al. 2013).
_LINES = (
    (range(17), False),
    (range(17, 22), False),
    (range(22, 27), False),
    (range(27, 31), False),
    (range(31, 36), False),
    (range(36, 42), True),
    (range(42, 48), True),
    (range(48, 60), True),
    (range(60, 68), True),
)
_NAME_WIDTH, _TITLE_HEIGHT = 0.3, 0.28  # inches
_PATH_WIDTH = 0.7


def draw(
    path: Path,
    neutrals: Mapping[str, FloatArray],
    motions: Mapping[str, Sequence[FloatArray]],
    titles: Sequence[str],
    systems: Sequence[str],
) -> None:
    """Write the figure: a row per expression, a column per answer.

    neutrals: {expression: (68, 3) mm}; motions: {expression: displacements (T, 68, 3) from rest to
    the apex, mm, one for each column}; titles: of the columns; systems: whose colour each has.
    """
    for name, columns in motions.items():
        if len(columns) != len(titles) or len(titles) != len(systems):
            raise TopologyMismatchError(
                f"motions of {name}: expected {len(titles)}, as the titles say, got {len(columns)}."
            )
    rows = list(motions)
    width = (PAGE_WIDTH - _NAME_WIDTH) / len(titles)
    height = 1.25 * width
    page = _TITLE_HEIGHT + len(rows) * height
    with figure_type():
        figure = Figure((PAGE_WIDTH, page), facecolor="white")
        for r, name in enumerate(rows):
            bottom = page - _TITLE_HEIGHT - (r + 1) * height
            middle = (bottom + height / 2) / page
            figure.text(
                0.4 * _NAME_WIDTH / PAGE_WIDTH, middle, expression_title(name),
                rotation=90, ha="center", va="center",
            )  # fmt: skip
            for c, motion in enumerate(motions[name]):
                left = _NAME_WIDTH + c * width
                axes = figure.add_axes(
                    (left / PAGE_WIDTH, bottom / page, width / PAGE_WIDTH, height / page)
                )
                _draw_face(axes, neutrals[name], motion, SYSTEM_COLOURS.get(systems[c], FAINT_INK))
        for c, title in enumerate(titles):
            x = (_NAME_WIDTH + (c + 0.5) * width) / PAGE_WIDTH
            y = 1 - 0.5 * _TITLE_HEIGHT / page
            figure.text(x, y, title, ha="center", va="center")
        save_png(figure, path)


def _draw_face(axes: Axes, neutral: FloatArray, motion: FloatArray, colour: str) -> None:
    """The face at rest in grey, at the apex in colour, and the way there of every landmark."""
    places = neutral + motion  # (T, 68, 3)
    apex = places[-1]
    for numbers, closes in _LINES:
        joined = [*numbers, numbers[0]] if closes else list(numbers)
        axes.plot(*neutral[joined, :2].T, color=GRID, linewidth=0.8, zorder=1)
        axes.plot(*apex[joined, :2].T, color=colour, linewidth=1.0, zorder=2)
    axes.plot(places[..., 0], places[..., 1], color=colour, linewidth=_PATH_WIDTH, zorder=3)
    axes.plot(*apex[:, :2].T, ".", color=colour, markersize=1.6, zorder=4)
    low, high = neutral[:, :2].min(axis=0), neutral[:, :2].max(axis=0)
    margin = 0.12 * (high - low)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - 2 * margin[1], high[1] + margin[1])
    axes.set_aspect("equal")
    axes.axis("off")
