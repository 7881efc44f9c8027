"""Landmarks: named points of the face, carried with a mesh as face index and barycentrics.

The numbering is the 68-point convention of the iBUG 300-W annotation (Sagonas et al. 2013):
0–16 jaw line, 17–26 brows, 27–35 nose, 36–47 eyes, 48–59 outer lips, 60–67 inner lips. Low
numbers are on the subject's right, the picture's left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import schemas
from .errors import LandmarkError
from .file_words import unread
from .files import write_text
from .json_text import read_json
from .mesh import Mesh
from .numeric import counted, real_array, shown

NUM_LANDMARKS = 68

# The landmark that is each one's mirror image.
MIRRORED_LANDMARKS = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1)]
    + [64, 63, 62, 61, 60, 67, 66, 65]
)

# The points an artist is asked for when the automatic way fails, with the words shown to them.
MANUAL_LANDMARKS: dict[int, str] = {
    36: "right eye, outer corner",
    39: "right eye, inner corner",
    42: "left eye, inner corner",
    45: "left eye, outer corner",
    19: "right brow, middle",
    24: "left brow, middle",
    30: "nose tip",
    33: "nose base, under the tip",
    48: "right mouth corner",
    54: "left mouth corner",
    51: "upper lip, middle of the upper edge",
    57: "lower lip, middle of the lower edge",
    8: "chin, lowest point",
}
MIN_MANUAL_LANDMARKS = 13
LANDMARK_FILE_VERSION = schemas.LANDMARK_FILE.version


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Points on the faces of one triangle mesh.

    triangle_indices: (L,) int32; barycentrics: (L, 3) float, rows sum to 1.
    """

    triangle_indices: NDArray[np.int32]
    barycentrics: NDArray[np.floating]

    def positions(
        self, vertices: NDArray[np.floating], triangles: NDArray[np.integer]
    ) -> NDArray[np.floating]:
        """(..., L, 3) positions on (..., V, 3) vertices."""
        corners = vertices[..., triangles[self.triangle_indices], :]  # (..., L, 3 corners, 3)
        return np.einsum("lc,...lcx->...lx", self.barycentrics, corners)


def read_landmark_file(path: Path) -> dict[int, NDArray[np.floating]]:
    """Read landmarks by hand: JSON ``{"version": 1, "landmarks": {"30": [x, y, z], ...}}``.

    Positions are in the coordinates of the head's file. Returns {landmark number: (3,)}.
    Raises LandmarkError with what is wrong.
    """
    try:
        content = read_json(path)
    except OSError as error:
        raise LandmarkError(f"Cannot read the landmark file {path}: {unread(error)}.") from error
    except ValueError as error:
        raise LandmarkError(f"{path} is not JSON: {error}.") from error
    if not isinstance(content, dict) or "version" not in content:
        raise LandmarkError(
            f'{path}: expected {{"version": {LANDMARK_FILE_VERSION}, "landmarks": {{...}}}}.'
        )
    content = schemas.LANDMARK_FILE.brought_up(
        content, content["version"], str(path), LandmarkError
    )
    try:
        points = {int(k): np.asarray(v, np.float64) for k, v in content["landmarks"].items()}
    except (KeyError, AttributeError, TypeError, ValueError, OverflowError) as error:
        raise LandmarkError(f"{path}: every landmark is a number 0–67 with [x, y, z].") from error
    check_manual_landmarks(points)
    return points


def write_landmark_file(path: Path, points: dict[int, NDArray[np.floating]]) -> None:
    """Write what `read_landmark_file` reads."""
    content = {
        "version": LANDMARK_FILE_VERSION,
        "landmarks": {str(k): [float(x) for x in points[k]] for k in sorted(points)},
    }
    write_text(Path(path), json.dumps(content, indent=2) + "\n")


def check_points(points: Mapping[int, NDArray[np.floating]]) -> None:
    """Raise LandmarkError unless every point is of a known landmark, at three finite numbers."""
    strange = [number for number in points if not isinstance(number, (int, np.integer))]
    if strange:
        raise LandmarkError(f"There is no landmark {shown(strange[0])}: they are numbers, 0 to 67.")
    for number in sorted(points):
        if not 0 <= number < NUM_LANDMARKS:
            raise LandmarkError(f"Unknown landmark {number}: landmarks are numbered 0 to 67.")
        position = real_array(points[number])
        if position is None or position.shape != (3,) or not np.isfinite(position).all():
            raise LandmarkError(f"Landmark {number} is not three finite numbers: place it again.")


def check_manual_landmarks(points: Mapping[int, NDArray[np.floating]]) -> None:
    """Raise LandmarkError unless there are at least 13 known, finite, distinct points."""
    check_points(points)
    if len(points) < MIN_MANUAL_LANDMARKS:
        missing = [f"{k} ({name})" for k, name in MANUAL_LANDMARKS.items() if k not in points]
        raise LandmarkError(
            f"Place at least {MIN_MANUAL_LANDMARKS}, not only {counted(len(points), 'landmark')}; "
            f"missing for example: {', '.join(missing[:3])}."
        )
    positions = np.array([points[k] for k in sorted(points)])
    if np.ptp(positions, axis=0).max() == 0:
        raise LandmarkError(
            "All landmarks lie in one point: place each on its own spot of the face."
        )


def landmarks_on_mesh(mesh: Mesh, positions: NDArray[np.floating]) -> Landmarks:
    """Snap (L, 3) positions to the nearest corner of `mesh` (for meshes dense at the face)."""
    distances = np.linalg.norm(mesh.vertices[mesh.triangles] - positions[:, None, None], axis=-1)
    flat = distances.reshape(len(positions), -1).argmin(axis=1)
    return Landmarks((flat // 3).astype(np.int32), np.eye(3)[flat % 3])
