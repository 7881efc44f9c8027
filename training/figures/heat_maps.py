"""Figure 3 of Potamias et al. (2020): where on the face each system errs, per expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from facegen_core.errors import TopologyMismatchError
from training.figures.drawing import draw_face, head_view
from training.figures.faces import FACE_PIXELS, FaceGrid, Parts
from training.figures.style import (
    SOFT_INK,
    expression_title,
    figure_type,
    save_png,
    system_title,
)

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Less light and shade than on skin: the colour is the message.
_RELIEF = 0.55
_BELOW = 0.55  # inches for the colour bar
_BAR_WIDTH, _BAR_HEIGHT = 2.6, 0.09  # inches


def draw(
    path: Path,
    neutral: FloatArray,
    triangles: IntArray,
    errors: Mapping[str, Mapping[str, FloatArray]],
    largest_mm: float,
    *,
    parts: Parts = (),
) -> None:
    """Write the figure: a row per system, a column per expression, one colour bar in mm.

    neutral: (V, 3) mm, the face the errors are shown on; triangles: (F, 3).
    errors: {system: {expression: (V,) mean error, mm}}, all systems with the same expressions.
    largest_mm: the error at the end of the colour bar; larger ones keep its last colour.
    parts: eyes and the like, drawn with the face.
    """
    systems = list(errors)
    expressions = list(errors[systems[0]])
    _check(errors, expressions, len(neutral), largest_mm)
    scale, colours = Normalize(0.0, largest_mm), error_colours()
    grid = FaceGrid(len(systems), len(expressions), below=_BELOW)
    view = head_view(neutral)
    with figure_type():
        figure = grid.new_figure()
        grid.name_rows(figure, [system_title(name) for name in systems])
        grid.name_columns(figure, [expression_title(name) for name in expressions])
        for r, system in enumerate(systems):
            for c, expression in enumerate(expressions):
                painted = colours(scale(errors[system][expression]))[:, :3]
                face = draw_face(
                    neutral,
                    triangles,
                    painted,
                    FACE_PIXELS,
                    parts=parts,
                    view=view,
                    relief=_RELIEF,
                )
                grid.add_face(figure, r, c, face)
        overflow = max(float(np.max(e)) for row in errors.values() for e in row.values())
        _add_bar(figure, grid, ScalarMappable(scale, colours), overflow > largest_mm)
        save_png(figure, path)


def error_colours() -> Colormap:
    """From light (no error) to dark: the light four fifths of matplotlib's magma, reversed.

    Perceptually uniform; without its black end, in which the form of the face would drown.
    """
    return ListedColormap(colormaps["magma"](np.linspace(0.98, 0.18, 256)))


def _add_bar(figure: Figure, grid: FaceGrid, scale: ScalarMappable, overflows: bool) -> None:
    left = (grid.column_centre(0) + grid.column_centre(grid.num_columns - 1) - _BAR_WIDTH) / 2
    axes = grid.axes(figure, left, _BELOW - 0.2, _BAR_WIDTH, _BAR_HEIGHT)
    extend = "max" if overflows else "neither"
    bar = figure.colorbar(scale, cax=axes, orientation="horizontal", extend=extend)
    bar.set_label("mean error per vertex (mm)", labelpad=2)
    bar.outline.set_edgecolor(SOFT_INK)
    bar.outline.set_linewidth(0.4)


def _check(
    errors: Mapping[str, Mapping[str, FloatArray]],
    expressions: Sequence[str],
    num_vertices: int,
    largest_mm: float,
) -> None:
    if not largest_mm > 0:
        raise ValueError(f"largest_mm: expected a length above 0, got {largest_mm:g}.")
    for system, row in errors.items():
        if list(row) != list(expressions):
            raise TopologyMismatchError(
                f"errors of {system}: expected the expressions {', '.join(expressions)}, "
                f"got {', '.join(row)}."
            )
        for expression, values in row.items():
            if values.shape != (num_vertices,):
                raise TopologyMismatchError(
                    f"errors of {system}, {expression}: expected ({num_vertices},), "
                    f"got {values.shape}."
                )
