"""Colours for a picture of a matched head: painted brows, lips and irises, one tint per part.

A neutral head comes without a texture, and a face without brows, lips or a gaze is hard to read.
The paint is laid on the neutral and carried with the skin, so it moves exactly as the mesh does.
Arrays only: this file does not touch Blender.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

# sRGB tints of the parts, by the first word of the kind that registration gave them.
TINTS = {
    "skin": (0.97, 0.77, 0.66),
    "mouth": (0.46, 0.20, 0.20),
    "eyeball": (0.95, 0.93, 0.91),
    "teeth": (1.10, 1.06, 0.99),  # over 1, because the studio light leaves the mouth in the dark
    "gums": (0.76, 0.42, 0.42),
    "tongue": (0.78, 0.42, 0.42),
    "brows": (0.20, 0.13, 0.10),
    "hair": (0.24, 0.17, 0.13),
    "clothes": (0.45, 0.50, 0.57),
}
# Covers that real eyes show through, cards that need a texture, and helpers nobody should see.
HIDDEN_KINDS = ("cornea", "helper", "lashes", "tears", "unknown")

_BROW = (0.22, 0.14, 0.10)
_LIP = (0.78, 0.42, 0.40)
_BLUSH = (0.86, 0.52, 0.46)
_IRIS_LIGHT, _IRIS_DARK = (0.42, 0.52, 0.52), (0.13, 0.19, 0.21)

# Radii of an adult eye, mm (eyeball 12, iris 5.9), as angles seen from the centre of the eyeball.
_IRIS_ANGLE = np.arcsin(5.9 / 12.0)
_PUPIL_ANGLE = np.arcsin(1.9 / 12.0)
EYE_PIXELS = 256

# The painted rectangle around the middle of the eyes, mm, and its resolution.
FACE_HALF_WIDTH_MM = 100.0
FACE_UP_MM, FACE_DOWN_MM = 90.0, 140.0
_PIXELS_PER_MM = 2.5


@dataclass(frozen=True, eq=False)
class FacePaint:
    """A picture of the skin seen from the front.

    pixels: (rows, columns, 3) sRGB in [0, 1], the first row at the bottom.
    origin: (2,) mm, x and y of the lower left corner; size: (2,) mm.
    """

    pixels: FloatArray
    origin: FloatArray
    size: FloatArray

    def coordinates(self, positions: FloatArray) -> FloatArray:
        """(M, 2) texture coordinates of (M, 3) points of the neutral, template mm."""
        return (positions[:, :2] - self.origin) / self.size


def paint_face(landmarks: FloatArray) -> FacePaint:
    """Brows, lips and a little blush on plain skin, placed by (68, 3) landmarks, mm."""
    points = np.asarray(landmarks, np.float64)[:, :2]
    middle = points[[36, 39, 42, 45]].mean(axis=0)
    origin = middle - (FACE_HALF_WIDTH_MM, FACE_DOWN_MM)
    size = np.array([2 * FACE_HALF_WIDTH_MM, FACE_UP_MM + FACE_DOWN_MM])
    columns, rows = (size * _PIXELS_PER_MM).astype(int)
    x = origin[0] + (np.arange(columns) + 0.5) / _PIXELS_PER_MM
    y = origin[1] + (np.arange(rows) + 0.5) / _PIXELS_PER_MM
    grid = np.stack(np.meshgrid(x, y), axis=-1)  # (rows, columns, 2)

    pixels = np.broadcast_to(np.array(TINTS["skin"]), grid.shape[:2] + (3,)).copy()
    for cheek in ((points[1] + points[31]) / 2, (points[15] + points[35]) / 2, points[30]):
        nearness = np.exp(-((grid - cheek) ** 2).sum(axis=-1) / (2 * 15.0**2))
        pixels = _blend(pixels, _BLUSH, 0.35 * nearness)
    pixels = _blend(pixels, _LIP, 0.65 * _inside_soft(grid, points[48:60], softness=1.2))
    for brow in (points[17:22], points[26:21:-1]):  # both from the temple to the nose
        pixels = _blend(pixels, _BROW, 0.8 * _brow_mask(grid, brow))
    return FacePaint(pixels, origin, size)


def paint_eye() -> FloatArray:
    """(P, P, 3) sRGB: an eye as seen along its gaze; the edge is 90 degrees off the gaze."""
    axis = (np.arange(EYE_PIXELS) + 0.5) / EYE_PIXELS * 2 - 1
    x, y = np.meshgrid(axis, axis)
    angle = np.hypot(x, y) * np.pi / 2
    turn = np.arctan2(y, x)
    fibres = 0.5 + 0.25 * np.sin(37 * turn) * np.sin(23 * turn + 1) + 0.25 * np.sin(61 * turn)
    along = np.clip(angle / _IRIS_ANGLE, 0, 1)

    pixels = np.broadcast_to(np.array(TINTS["eyeball"]), angle.shape + (3,)).copy()
    pixels = _blend(pixels, (0.86, 0.66, 0.62), 0.5 * _ramp(angle, _IRIS_ANGLE * 1.3, np.pi / 2))
    iris = _blend(
        np.broadcast_to(np.array(_IRIS_DARK), pixels.shape),
        _IRIS_LIGHT,
        (1 - along**6) * (0.45 + 0.5 * fibres * along),
    )
    pixels = _mix(pixels, iris, 1 - _ramp(angle, _IRIS_ANGLE * 0.97, _IRIS_ANGLE * 1.05))
    pixels = _blend(
        pixels, (0.02, 0.02, 0.02), 1 - _ramp(angle, _PUPIL_ANGLE * 0.95, _PUPIL_ANGLE * 1.1)
    )
    glint = np.hypot(x + 0.10, y - 0.13)
    return _blend(pixels, (1.0, 1.0, 1.0), 1 - _ramp(glint, 0.035, 0.06))


def eye_coordinates(positions: FloatArray) -> FloatArray:
    """(P, 2) texture coordinates in `paint_eye` of an eyeball's (P, 3) vertices that looks at +Z.

    The centre is that of the best sphere through the vertices.
    """
    system = np.column_stack([2 * positions, np.ones(len(positions))])
    solution, *_ = np.linalg.lstsq(system, (positions**2).sum(axis=1), rcond=None)
    away = positions - solution[:3]
    sideways = np.linalg.norm(away[:, :2], axis=1)
    angles = np.arctan2(sideways, away[:, 2])
    directions = away[:, :2] / np.maximum(sideways, 1e-9)[:, None]
    return 0.5 + 0.5 * directions * (angles / (np.pi / 2))[:, None]


def tint_of(kind: str) -> str | None:
    """The key of TINTS for a part's kind, or None for what a picture leaves out."""
    if kind.startswith(HIDDEN_KINDS):
        return None
    return next((name for name in TINTS if name in kind), "skin")


def _brow_mask(grid: FloatArray, brow: FloatArray) -> FloatArray:
    """(rows, columns) a soft stroke along a (5, 2) brow, thin at the temple."""
    along, distance = _nearest_on_line(grid, brow)
    half_width = 1.0 + 2.4 * np.minimum(along / 0.6, 1.0)
    ends = _ramp(along, 0.0, 0.12) * (1 - 0.35 * _ramp(along, 0.85, 1.0))
    hairs = 0.9 + 0.1 * np.sin(grid[..., 0] * 5.3 - grid[..., 1] * 1.7)
    return (1 - _ramp(distance, half_width * 0.6, half_width * 1.5)) * ends * hairs


def _nearest_on_line(grid: FloatArray, line: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How far along a polyline (0 to 1) its nearest point lies, and how far away, mm."""
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    best_along, best = np.zeros(grid.shape[:2]), np.full(grid.shape[:2], np.inf)
    for k, (a, b) in enumerate(pairwise(line)):
        share = np.clip((grid - a) @ (b - a) / max(lengths[k] ** 2, 1e-12), 0, 1)
        distance = np.linalg.norm(grid - a - share[..., None] * (b - a), axis=-1)
        nearer = distance < best
        best = np.where(nearer, distance, best)
        best_along = np.where(nearer, (starts[k] + share * lengths[k]) / starts[-1], best_along)
    return best_along, best


def _inside_soft(grid: FloatArray, outline: FloatArray, softness: float) -> FloatArray:
    """(rows, columns) 1 inside a closed outline, 0 outside, soft by `softness` mm either way."""
    closed = np.concatenate([outline, outline[:1]])
    _, distance = _nearest_on_line(grid, closed)
    x, y = grid[..., 0], grid[..., 1]
    inside = np.zeros(grid.shape[:2], bool)
    for (ax, ay), (bx, by) in pairwise(closed):
        crosses = (ay > y) != (by > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = ax + (y - ay) * (bx - ax) / (by - ay)
        inside ^= crosses & (x < at)
    return _ramp(np.where(inside, distance, -distance), -softness, softness)


def _ramp(values: FloatArray, low: FloatArray | float, high: FloatArray | float) -> FloatArray:
    """Smooth step from 0 at `low` to 1 at `high`."""
    share = np.clip((values - low) / (np.asarray(high) - low), 0, 1)
    return share * share * (3 - 2 * share)


def _blend(pixels: FloatArray, colour: tuple[float, ...], amount: FloatArray) -> FloatArray:
    return _mix(pixels, np.array(colour), amount)


def _mix(pixels: FloatArray, other: FloatArray, amount: FloatArray) -> FloatArray:
    return pixels + (other - pixels) * amount[..., None]
