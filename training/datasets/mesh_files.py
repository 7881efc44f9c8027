"""Meshes of a recording: PLY and OBJ files read with every vertex where it was.

trimesh reads the formats (measured on 5,002 vertices: ASCII PLY 32 ms, binary PLY of both byte
orders 2 ms, OBJ 20 to 40 ms; meshio takes longer for PLY and refuses OBJ files whose texture
coordinates are not one per vertex). From OBJ files only positions and faces reach it: with texture
coordinates it drops vertices without a face.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from facegen_core.errors import DatasetError
from facegen_core.file_words import unread
from facegen_core.numeric import counted
from facegen_core.topology import edges_of

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

MESH_SUFFIXES = (".ply", ".obj")
# An edge longer than both was not stretched by a face: the default bundle's expressions, played
# twice as strong on 800 to 13,863 vertices, leave none that is longer.
TORN_RATIO, TORN_MM = 5.0, 15.0
# So many torn edges (share of all) are another vertex order; fewer may be one spike in a scan.
TORN_SHARE = 0.001
_OBJ_INDEX_TAIL = re.compile(r"/\S*")


@dataclass(frozen=True, eq=False)
class MeshFile:
    """vertices: (V, 3) float64 in the unit of the file; triangles: (F, 3) int32, quads cut in 2."""

    path: Path
    vertices: FloatArray
    triangles: IntArray


def read_mesh_file(path: Path) -> MeshFile:
    """Read one PLY (ASCII or binary) or OBJ file; vertices stay in their order, none is merged.

    Raises DatasetError naming the file where it is unreadable, without faces or not finite.
    """
    try:
        stream = _obj_geometry(path) if path.suffix.lower() == ".obj" else path.open("rb")
        with stream:
            mesh = trimesh.load_mesh(
                stream, file_type=path.suffix.lower()[1:], process=False, maintain_order=True
            )
        vertices = np.array(mesh.vertices, np.float64).reshape(-1, 3)
        triangles = np.array(mesh.faces, np.int32).reshape(-1, 3)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {unread(error)}.") from error
    except Exception as error:  # a reader of other people's files fails in ways it does not list
        kind = path.suffix[1:].upper()
        raise DatasetError(
            f"{path} cannot be read as a mesh: it is damaged, or no {kind} file; export it again."
        ) from error
    _check_mesh(path, vertices, triangles)
    return MeshFile(path, vertices, triangles)


def check_same_topology(mesh: MeshFile, first: MeshFile) -> None:
    """Raise DatasetError unless `mesh` has the vertices and faces of `first`."""
    have, want = len(mesh.vertices), len(first.vertices)
    if have != want:
        raise DatasetError(
            f"{mesh.path} has {have} vertices, but {first.path} has {want}: "
            "all meshes of a set must share one topology."
        )
    if not np.array_equal(mesh.triangles, first.triangles):
        raise DatasetError(
            f"{mesh.path} has other faces than {first.path}: "
            "all meshes of a set must share one topology and one vertex order."
        )


class EdgeCheck:
    """Finds meshes whose vertices come in another order than the neutral's.

    Where faces are equal, only lengths tell: an edge between two strangers is long.
    """

    def __init__(self, neutral: FloatArray, triangles: IntArray) -> None:
        """neutral: (V, 3) mm; triangles: (F, 3)."""
        self._edges = edges_of(triangles)
        self._limits = np.maximum(TORN_RATIO * self._lengths(neutral), TORN_MM)
        self._triangles = triangles

    def check(self, path: Path, vertices: FloatArray) -> None:
        """Raise DatasetError naming the file where (V, 3) vertices, mm, are out of order."""
        torn = np.flatnonzero(self._lengths(vertices) > self._limits)
        if len(torn) > TORN_SHARE * len(self._edges):
            a, b = self._edges[torn[0]]
            raise DatasetError(
                f"{path}: {len(torn)} of {len(self._edges)} edges are torn apart (the first joins "
                f"vertices {a} and {b}): its vertices come in another order than the neutral's."
            )

    def _lengths(self, vertices: FloatArray) -> FloatArray:
        return np.linalg.norm(vertices[self._edges[:, 0]] - vertices[self._edges[:, 1]], axis=1)


def _obj_geometry(path: Path) -> io.StringIO:
    """The positions and faces of an OBJ file, faces without texture and normal indices."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        return io.StringIO("".join(_geometry_lines(lines)))


def _geometry_lines(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("v "):
            yield line
        elif line.startswith("f "):
            yield _OBJ_INDEX_TAIL.sub("", line)


def _check_mesh(path: Path, vertices: FloatArray, triangles: IntArray) -> None:
    if len(vertices) == 0 or len(triangles) == 0:
        raise DatasetError(f"{path} holds no mesh: expected vertices and faces.")
    bad = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(bad):
        raise DatasetError(
            f"{path}: {counted(len(bad), 'vertex', 'vertices')} without finite numbers (the first "
            f"is vertex {bad[0]}): repair or remove this mesh."
        )
    if triangles.min() < 0 or triangles.max() >= len(vertices):
        raise DatasetError(
            f"{path}: a face points to vertex {triangles.max()}, but the mesh has only "
            f"{counted(len(vertices), 'vertex', 'vertices')}."
        )
