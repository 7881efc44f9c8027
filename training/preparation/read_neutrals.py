"""The neutrals of a set: who its subjects are, in one topology and at a head's size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.errors import DatasetError
from training.datasets.mesh_files import (
    EdgeCheck,
    MeshFile,
    check_same_topology,
    read_mesh_file,
)
from training.datasets.source import MM_PER_UNIT, Source
from training.preparation.head_motion import fit_rigid
from training.template_building.own_template import mean_shape

FloatArray = NDArray[np.floating]

# Largest extent of a head or a face alone, mm; a bust is larger, and no unit is wrong by a factor
# of less than ten.
SMALLEST_HEAD_MM, LARGEST_HEAD_MM = 100.0, 600.0
USUAL_HEAD = "150 to 350 mm"
# Where every recording begins at rest, its first frame is this near to the mean of its subject's
# (over all vertices): half of what the weakest expressions at their apex are away from it.
MAX_REST_DIFFERENCE_MM = 1.0


def read_neutrals(source: Source) -> tuple[MeshFile, dict[str, FloatArray]]:
    """The first mesh, and {subject: (V, 3) neutral, mm, in the frame of its files}.

    Raises DatasetError where topologies or sizes differ or a recording does not begin at rest.
    """
    first: MeshFile | None = None
    edges: EdgeCheck | None = None
    neutrals = {}
    for subject in tqdm(source.subjects, desc="Neutrals", unit=" faces", mininterval=1.0):
        path = source.neutrals[subject]
        paths = [path] if path else [r.files[0] for r in source.recordings if r.subject == subject]
        meshes = []
        for path in paths:
            mesh = read_shape(path, first, source.mm_per_unit)
            check_head_size(path, mesh.vertices, source.unit)
            if first is None or edges is None:
                first, edges = mesh, EdgeCheck(mesh.vertices, mesh.triangles)
            edges.check(path, mesh.vertices)
            meshes.append(mesh)
        neutrals[subject] = _rest_of(meshes)
    assert first is not None  # a source has subjects
    return first, neutrals


def _rest_of(meshes: list[MeshFile]) -> FloatArray:
    """The mean of a subject's first frames, which must agree."""
    if len(meshes) == 1:
        return meshes[0].vertices
    mean = mean_shape([mesh.vertices for mesh in meshes])
    for mesh in meshes:
        aligned = fit_rigid(mesh.vertices, mean).apply(mesh.vertices)
        difference = float(np.linalg.norm(aligned - mean, axis=1).mean())
        if difference > MAX_REST_DIFFERENCE_MM:
            raise DatasetError(
                f"{mesh.path} does not show the face at rest as the other first frames of its "
                f"subject do ({difference:.1f} mm on average): name a neutral with --neutral."
            )
    return mean


def check_head_size(path: Path, vertices: FloatArray, unit: str) -> None:
    """Raise DatasetError where (V, 3) vertices, brought to mm from `unit`, are no head's size."""
    size = float(np.ptp(vertices, axis=0).max())
    if SMALLEST_HEAD_MM <= size <= LARGEST_HEAD_MM:
        return
    fitting = [
        name
        for name, factor in MM_PER_UNIT.items()
        if SMALLEST_HEAD_MM <= size / MM_PER_UNIT[unit] * factor <= LARGEST_HEAD_MM
    ]
    hint = f"its unit looks like {fitting[0]}" if fitting else "check the unit"
    raise DatasetError(
        f"{path} is {size:.4g} mm large when read in {unit}, but a head is {USUAL_HEAD}: {hint}."
    )


def read_shape(path: Path, first: MeshFile | None, mm_per_unit: float) -> MeshFile:
    """A mesh of the set, (V, 3) in mm, in the topology of the first one."""
    mesh = read_mesh_file(path)
    if first is not None:
        check_same_topology(mesh, first)
    return MeshFile(path, mesh.vertices * mm_per_unit, mesh.triangles)
