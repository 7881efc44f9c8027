"""Contact sheets: heads of all kinds × six expressions of the default bundle, to be looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core import pipeline
from facegen_core.bundle import Bundle
from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS, NUM_EXPRESSIONS
from facegen_core.registration.alignment import Alignment
from tests.benchmarks.heads.variation import Variation
from training.figures.drawing import SKIN, Part, Picture, View, draw_face
from training.figures.faces import FACE_PIXELS, FaceGrid
from training.figures.inner_parts import GUMS, MOUTH_BAG, TEETH, TONGUE
from training.figures.style import figure_type, save_png

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

COLUMNS = ("neutral", *EXPRESSIONS)
ROWS_A_SHEET = 4
_MAX_BYTES = 480_000
# Onset, apex and offset of each expression in frames, and the frame that is drawn.
_KNOTS, _APEX = (0, 12, 24, 36), 18
_HAIR = (0.36, 0.25, 0.18)
_WHITE, _IRIS, _PUPIL = (0.95, 0.94, 0.93), (0.40, 0.52, 0.57), (0.04, 0.04, 0.05)
# Angles from straight ahead at which pupil and iris end, radians.
_PUPIL_ANGLE, _IRIS_ANGLE = 0.19, 0.50
# Wider than any eyeball, mm.
_TWO_EYES_MM = 45.0
# What is drawn of a head: name of the group, colour, gloss. Eye surroundings are of
# glass, and lashes are cards that only a texture makes hairs of.
_DRAWN = (
    ("gums_and_tongue", GUMS, 0.0),
    ("upper_teeth", TEETH, 0.25),
    ("lower_teeth", TEETH, 0.25),
    ("tongue", TONGUE, 0.0),
    ("eyeball_left", None, 0.9),
    ("eyeball_right", None, 0.9),
)


def apex_motion(alignment: Alignment, bundle: Bundle) -> FloatArray:
    """(6, M, 3) in the head's own coordinates: each expression of the bundle at its strongest."""
    motions = []
    for expression in np.eye(NUM_EXPRESSIONS):
        intensities = np.interp(np.arange(_KNOTS[-1] + 1), _KNOTS, [0.0, 1.0, 1.0, 0.0])
        clip = pipeline.generate(alignment, intensities[:, None] * expression, 30.0, bundle)
        motions.append(clip.displacements[_APEX])
    return np.stack(motions)


def draw_row(variation: Variation, bundle: Bundle) -> list[Picture]:
    """A head at rest and in six expressions; of a refused head only the neutral, then blanks."""
    try:
        alignment = pipeline.match(variation.mesh, bundle)
    except FacegenError:
        rest = _picture(variation, variation.positions, _view(variation, None))
        return [rest] + [np.full_like(rest, 255)] * NUM_EXPRESSIONS
    view = _view(variation, alignment)
    frames = [np.zeros(variation.positions.shape)]
    frames += list(variation.in_mm(apex_motion(alignment, bundle)))
    return [_picture(variation, variation.positions + motion, view) for motion in frames]


def write_sheets(
    rows: Sequence[tuple[str, list[Picture]]], folder: Path, stem: str = "heads_sheet"
) -> list[Path]:
    """Sheets of a few rows each, as stem_1.png and so on; old ones of that name go."""
    for old in folder.glob(f"{stem}_*.png"):
        old.unlink()
    paths = []
    for number, first in enumerate(range(0, len(rows), ROWS_A_SHEET), 1):
        some = rows[first : first + ROWS_A_SHEET]
        paths.append(folder / f"{stem}_{number}.png")
        _write(paths[-1], [name for name, _ in some], [pictures for _, pictures in some])
    return paths


def _write(path: Path, names: Sequence[str], rows: Sequence[list[Picture]]) -> None:
    grid = FaceGrid(len(rows), len(COLUMNS))
    path.parent.mkdir(parents=True, exist_ok=True)
    with figure_type():
        figure = grid.new_figure()
        grid.name_rows(figure, names)
        grid.name_columns(figure, COLUMNS)
        for row, pictures in enumerate(rows):
            for column, picture in enumerate(pictures):
                grid.add_face(figure, row, column, picture)
        save_png(figure, path, _MAX_BYTES)


def _picture(variation: Variation, positions: FloatArray, view: View) -> Picture:
    parts = list(_parts(variation, positions))
    skin = parts[0]
    return draw_face(skin.vertices, skin.triangles, skin.colour, FACE_PIXELS, parts=parts[1:],
                     view=view)  # fmt: skip


def _parts(variation: Variation, positions: FloatArray) -> Iterator[Part]:
    """The skin first; what stands for nothing of the truth is hair, or a cover of an opening."""
    mesh, truth = variation.mesh, variation.truth
    is_skin = variation.share(truth.is_skin) > 0.5
    bag = np.clip(variation.share(truth.regions["mouth_bag"]), 0, 1)[:, None]
    colours = np.array(SKIN) * (1 - bag) + np.array(MOUTH_BAG) * bag
    yield Part(positions, mesh.triangles[is_skin[mesh.triangles].all(axis=1)], colours)
    is_foreign = np.asarray(variation.origins.sum(axis=1)).ravel() < 0.5
    if is_foreign.any():
        yield Part(positions, mesh.triangles[is_foreign[mesh.triangles].all(axis=1)], _HAIR)
    for name, colour, gloss in _DRAWN:
        if name not in truth.groups:
            continue
        is_in = np.zeros(mesh.num_vertices, bool)
        is_in[variation.group(name)] = True
        triangles = mesh.triangles[is_in[mesh.triangles].all(axis=1)]
        if len(triangles):
            paint = _eye_colours(positions, is_in) if colour is None else colour
            yield Part(positions, triangles, paint, gloss)


def _eye_colours(positions: FloatArray, is_eye: NDArray[np.bool_]) -> FloatArray:
    """(M, 3): pupil, iris and white of an eye that looks ahead."""
    points = positions[is_eye]
    sides = [is_eye]
    if np.ptp(points[:, 0]) > _TWO_EYES_MM:  # a half and its image share one group
        is_left = positions[:, 0] > 0.5 * (points[:, 0].min() + points[:, 0].max())
        sides = [is_eye & is_left, is_eye & ~is_left]
    arms = np.ones_like(positions)
    for side in sides:
        low, high = positions[side].min(axis=0), positions[side].max(axis=0)
        arms[side] = positions[side] - 0.5 * (low + high)
    angles = np.arctan2(np.linalg.norm(arms[:, :2], axis=1), arms[:, 2])
    colours = np.where((angles < _IRIS_ANGLE)[:, None], _IRIS, _WHITE)
    return np.where((angles < _PUPIL_ANGLE)[:, None], _PUPIL, colours)


def _view(variation: Variation, alignment: Alignment | None) -> View:
    """The head about the middle of its face."""
    marks = variation.landmarks
    if marks is None and alignment is not None:
        own = alignment.fit.similarity.apply_inverse(alignment.fit.landmarks)
        marks = own @ variation.to_truth[:3, :3].T + variation.to_truth[:3, 3]
    if marks is None:
        low, high = variation.positions.min(axis=0), variation.positions.max(axis=0)
        return View(tuple((low + high) / 2), float(1.1 * (high - low)[1]))
    brows, chin = marks[17:27].mean(axis=0), marks[8]
    height = float(np.linalg.norm(brows - chin))
    centre = 0.62 * brows + 0.38 * chin + [0.0, 0.0, -0.5 * height]
    return View(tuple(centre), 2.15 * height)
