"""Figure 6 of Potamias et al. (2020): the way between two expressions in latent space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import TopologyMismatchError
from training.figures.drawing import View, draw_face, head_view
from training.figures.faces import FACE_PIXELS, FaceGrid, Parts
from training.figures.style import (
    SKIN_COLOURS,
    expression_title,
    figure_type,
    save_png,
    system_title,
)

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

_MAX_BYTES = 125_000  # several pairs are drawn
_NAME_HEIGHT = 0.42  # inches, two lines


def draw(
    path: Path,
    triangles: IntArray,
    rows: Mapping[str, FloatArray],
    shares: FloatArray,
    *,
    ends: tuple[str, str] | None = None,
    parts: Mapping[str, Sequence[Parts]] | None = None,
    colours: FloatArray | None = None,
    view: View | None = None,
) -> None:
    """Write the figure: a row of N faces per system, from the first expression to the second.

    rows: {system: (N, V, 3) vertices, mm}; triangles: (F, 3); shares: (N,) of the second
    expression, 0 to 1; ends: names of the two expressions.
    parts: {system: N lists of parts} drawn with each face; colours: (V, 3) sRGB of the skin.
    view: that of the neutral; by default found from the first face of each row.
    """
    for name, faces in rows.items():
        if len(faces) != len(shares):
            raise TopologyMismatchError(
                f"faces of {name}: expected {len(shares)}, one per share, got {len(faces)}."
            )
    grid = FaceGrid(len(rows), len(shares), name_height=_NAME_HEIGHT)
    with figure_type():
        figure = grid.new_figure()
        grid.name_rows(figure, [system_title(name) for name in rows])
        grid.name_columns(figure, _column_names(shares, ends))
        for r, (name, faces) in enumerate(rows.items()):
            row_view = view or head_view(faces[0])
            for c, vertices in enumerate(faces):
                behind = parts[name][c] if parts is not None and name in parts else ()
                face = draw_face(
                    vertices, triangles, colours, FACE_PIXELS, parts=behind, view=row_view
                )
                grid.add_face(figure, r, c, face)
        save_png(figure, path, _MAX_BYTES, SKIN_COLOURS)


def _column_names(shares: FloatArray, ends: tuple[str, str] | None) -> list[str]:
    names = [f"α = {share:.2f}".rstrip("0").rstrip(".") for share in shares]
    if ends is None:
        return names
    first, *between, last = names
    return [
        f"{expression_title(ends[0])}\n{first}",
        *(f"\n{name}" for name in between),
        f"{expression_title(ends[1])}\n{last}",
    ]
