"""Where the foreign heads of ../shared are, and what their OBJ files hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegen_core.mesh import Mesh

SHARED = Path(__file__).resolve().parents[2] / "shared"
MAKEHUMAN = SHARED / "heads" / "makehuman" / "base.obj"
ICT_ARCHIVE = SHARED / "data" / "ict-facekit.tar.xz"

Polygons = list[list[int]]


def read_obj(text: str) -> tuple[np.ndarray, Polygons, dict[str, np.ndarray]]:
    """(V, 3) vertices, polygons, and {group: (P,) vertex indices}."""
    vertices, polygons, members, group = [], [], {}, ""
    for line in text.splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            vertices.append([float(x) for x in values[:3]])
        elif kind == "g":
            group = values[0]
        elif kind == "f":
            polygons.append([int(x.split("/")[0]) - 1 for x in values])
            members.setdefault(group, set()).update(polygons[-1])
    groups = {name: np.array(sorted(indices)) for name, indices in members.items()}
    return np.array(vertices), polygons, groups


def read_mesh(path: Path) -> tuple[Mesh, dict[str, np.ndarray]]:
    """The mesh of a file and {group: (P,) vertex indices}."""
    vertices, polygons, groups = read_obj(path.read_text())
    return Mesh.from_polygons(vertices, polygons), groups
