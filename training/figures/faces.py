"""Sheets of faces: rows and columns with names, as a picture or as part of a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from facegen_core.errors import TopologyMismatchError
from training.figures.drawing import Part, Picture, View, draw_face, head_view
from training.figures.style import PAGE_WIDTH, figure_type

__all__ = ["FaceGrid", "Part", "View", "draw_face", "face_sheet", "head_view"]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Parts = Sequence[Part | tuple]

FACE_ASPECT = 0.75  # width over height of one face: head and neck, few of the shoulders
FACE_PIXELS = (300, 400)  # width, height of a face before it is placed
_WIDEST_CELL = 1.7  # inches
_ROW_NAME_WIDTH, _COLUMN_NAME_HEIGHT = 0.34, 0.26  # inches
_GAP = 0.03  # inches between faces
_SHEET_RESOLUTION = 180  # dots per inch


def face_sheet(
    rows: Sequence[Sequence[FloatArray]],
    triangles: IntArray,
    row_names: Sequence[str],
    column_names: Sequence[str],
    colours: FloatArray | None = None,
    *,
    parts: Sequence[Sequence[Parts]] | None = None,
    view: View | None = None,
    yaw_degrees: float = 0.0,
) -> Picture:
    """(H, W, 3) picture of rows of faces, each (V, 3) mm, with (F, 3) triangles.

    colours: (V, 3) sRGB for all faces, or None for plain skin. parts: per row and column what lies
    behind the skin. view: shared by all; by default found from the first face of each row, so the
    first column should be neutral or as good as.
    """
    _check_sheet(rows, row_names, column_names)
    grid = FaceGrid(len(rows), len(column_names))
    with figure_type():
        figure = grid.new_figure()
        grid.name_rows(figure, row_names)
        grid.name_columns(figure, column_names)
        for r, row in enumerate(rows):
            row_view = view or head_view(row[0])
            for c, vertices in enumerate(row):
                behind = parts[r][c] if parts is not None else ()
                face = draw_face(
                    vertices,
                    triangles,
                    colours,
                    FACE_PIXELS,
                    yaw_degrees,
                    parts=behind,
                    view=row_view,
                )
                grid.add_face(figure, r, c, face)
        figure.set_dpi(_SHEET_RESOLUTION)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


@dataclass(frozen=True)
class FaceGrid:
    """Where faces and names stand on a page; lengths in inches.

    below: room under the faces, for a curve or a colour bar. name_height: room for column names.
    """

    num_rows: int
    num_columns: int
    below: float = 0.0
    name_height: float = _COLUMN_NAME_HEIGHT
    page_width: float = PAGE_WIDTH

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a face."""
        width = (self.page_width - _ROW_NAME_WIDTH) / self.num_columns - _GAP
        width = min(width, _WIDEST_CELL)
        return width, width / FACE_ASPECT

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page that the grid needs."""
        width, height = self.cell
        return (
            _ROW_NAME_WIDTH + self.num_columns * (width + _GAP),
            self.name_height + self.num_rows * (height + _GAP) + self.below,
        )

    def new_figure(self) -> Figure:
        return Figure(self.size, facecolor="white")

    def add_face(self, figure: Figure, row: int, column: int, face: Picture) -> Axes:
        """Place one picture; its axes are returned for what is to be written over it."""
        left, bottom, width, height = self._box(row, column)
        axes = self.axes(figure, left, bottom, width, height)
        axes.imshow(face, interpolation="antialiased", aspect="auto")
        axes.axis("off")
        return axes

    def axes(self, figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes at a place on the page in inches, from its lower left corner."""
        page_width, page_height = self.size
        return figure.add_axes(
            (left / page_width, bottom / page_height, width / page_width, height / page_height)
        )

    def name_rows(self, figure: Figure, names: Sequence[str]) -> None:
        """Names of the rows, upright along the left edge."""
        for row, name in enumerate(names):
            _, bottom, _, height = self._box(row, 0)
            self._write(
                figure, 0.5 * _ROW_NAME_WIDTH, bottom + height / 2, _wrapped(name), rotation=90
            )

    def name_columns(self, figure: Figure, names: Sequence[str]) -> None:
        """Names of the columns above the first row."""
        for column, name in enumerate(names):
            y = self.size[1] - 0.5 * self.name_height
            self._write(figure, self.column_centre(column), y, name)

    def column_centre(self, column: int) -> float:
        """Inches from the left edge of the page."""
        left, _, width, _ = self._box(0, column)
        return left + width / 2

    def _box(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of one face."""
        width, height = self.cell
        left = _ROW_NAME_WIDTH + column * (width + _GAP)
        bottom = self.below + (self.num_rows - 1 - row) * (height + _GAP)
        return left, bottom, width, height

    def _write(self, figure: Figure, x: float, y: float, text: str, **keywords: float) -> None:
        width, height = self.size
        figure.text(x / width, y / height, text, ha="center", va="center", **keywords)


def _wrapped(name: str) -> str:
    """A row's name on two lines where a bracket gives the place to break."""
    return name.replace(" (", "\n(")


def _check_sheet(
    rows: Sequence[Sequence[FloatArray]], row_names: Sequence[str], column_names: Sequence[str]
) -> None:
    lengths = [len(row) for row in rows]
    if len(rows) != len(row_names) or set(lengths) != {len(column_names)}:
        raise TopologyMismatchError(
            f"faces: expected {len(row_names)} rows of {len(column_names)} as the names say, "
            f"got rows of {lengths}."
        )
