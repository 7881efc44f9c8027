"""MakeHuman's body (CC0) with expression units that artists made: motion we had no part in.

Its motion is brought to the template through the match of the body as it is, and played from there
on its variations.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core import pipeline
from facegen_core.bundle import Bundle
from facegen_core.mesh import Mesh, vertex_normals
from facegen_core.motion import FaceMotion, fit_pose
from facegen_core.registration.closest_points import FacingSurface
from facegen_core.registration.local_change import JAW_SURROUNDINGS_MM, carry_point
from facegen_core.template import REGIONS
from tests.benchmarks.heads.head_truth import BLINK, FRAMES, LOWER_FACE, HeadTruth
from tests.shared_heads import MAKEHUMAN, read_mesh
from training.template_building.surface import NORMAL_WEIGHT_MM, Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

MM_PER_UNIT = 100.0  # the body is in decimetres
# Between the points of its skin at which the search for the template's places starts.
_SPACING_MM = 1.0

# Names without a side stand for both.
EXPRESSION_UNITS: dict[str, dict[str, float]] = {
    "happy": {"mouth-corner-puller": 1.0, "eye-slit": 0.3},
    "sad": {"mouth-depression": 0.8, "eyebrows-inner-up": 1.0},
    "surprise": {"mouth-open": 0.7, "eyebrows-up": 1.0, "eye-opened-up": 0.8},
    "angry": {"eyebrows-down": 1.0, "mouth-compression": 0.7, "eye-slit": 0.4},
    "disgust": {"nose-elevation": 1.0, "mouth-upward-retraction": 0.6, "eyebrows-down": 0.4},
    "fear": {"mouth-retraction": 0.7, "eyebrows-inner-up": 1.0, "eye-opened-up": 0.8},
    BLINK: {"eye-closure": 1.0},
    LOWER_FACE: {"mouth-corner-puller": 0.8, "mouth-open": 0.5},
}
_GROUPS = {
    "skin": ("body",),
    "eyeball_left": ("helper-l-eye",),
    "eyeball_right": ("helper-r-eye",),
    "upper_teeth": ("helper-upper-teeth",),
    "lower_teeth": ("helper-lower-teeth",),
    "tongue": ("helper-tongue",),
    "lashes": tuple(f"helper-{s}-eyelashes-{k}" for s in "lr" for k in (1, 2)),
}


def makehuman_head(bundle: Bundle) -> HeadTruth:
    """The body with its motion; takes one match."""
    mesh, groups = read_body()
    alignment = pipeline.match(mesh, bundle)
    fit, template = alignment.fit, alignment.template
    displacements = np.stack([_expression(name, mesh.num_vertices) for name in FRAMES])
    in_mm = fit.similarity.apply_vectors(displacements)
    positions = fit.similarity.apply(mesh.vertices)
    # The template's vertices on the skin of the body.
    is_skin = np.zeros(mesh.num_vertices, bool)
    is_skin[groups["skin"]] = True
    # Exact places: the quads of a body are too large to be told by their middles alone.
    skin_triangles = mesh.triangles[is_skin[mesh.triangles].all(axis=1)]
    skin = FacingSurface(positions, skin_triangles, _SPACING_MM, NORMAL_WEIGHT_MM)
    found = skin.closest(fit.neutral, vertex_normals(fit.neutral, template.triangles))
    carry = Surface(positions, skin_triangles).carry_matrix(
        found.triangle_indices, found.barycentrics
    )
    played = np.stack([carry @ frame for frame in in_mm]).astype(np.float32)
    _, pivot = carry_point(
        template.vertices, fit.neutral, template.jaw_pivot.astype(float), JAW_SURROUNDINGS_MM
    )
    teeth = groups["lower_teeth"]
    poses = np.array(
        [fit_pose(positions[teeth], positions[teeth] + f[teeth], pivot) for f in in_mm]
    )
    # In millimetres of the body itself, so that lengths are what its maker meant.
    body = mesh.with_vertices(MM_PER_UNIT * mesh.vertices)
    return HeadTruth(
        name="MakeHuman",
        mesh=body,
        landmarks=None,
        groups=groups,
        regions={name: alignment.region_weights[name] * is_skin for name in REGIONS},
        displacements=MM_PER_UNIT * displacements,
        motion=FaceMotion(played, poses.astype(np.float32), fit.neutral),
        jaw_poses=poses,
        jaw_pivot=pivot,
    )


def read_body() -> tuple[Mesh, dict[str, IntArray]]:
    """The whole body with its helpers, and {what: vertices}."""
    mesh, groups = read_mesh(MAKEHUMAN)
    return mesh, {
        what: np.unique(np.concatenate([groups[name] for name in names]))
        for what, names in _GROUPS.items()
    }


def _expression(name: str, num_vertices: int) -> FloatArray:
    """(M, 3) sum of expression units, in the unit of the body."""
    total = np.zeros((num_vertices, 3))
    for unit, strength in EXPRESSION_UNITS[name].items():
        for path in _files(unit):
            with gzip.open(path, "rt") as lines:
                rows = [line.split() for line in lines if line.strip() and line[0] != "#"]
            indices = np.array([int(row[0]) for row in rows])
            total[indices] += strength * np.array([[float(x) for x in row[1:4]] for row in rows])
    return total


def _files(unit: str) -> list[Path]:
    """The file of a unit, or those of its left and right: eye-slit is eye-left-slit and -right-."""
    folder = MAKEHUMAN.parent / "expression_units"
    whole = folder / f"{unit}.target.gz"
    if whole.exists():
        return [whole]
    where, what = unit.split("-", 1)
    return [folder / f"{where}-{side}-{what}.target.gz" for side in ("left", "right")]
