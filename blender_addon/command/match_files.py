"""What a match found, as files: landmarks, parts, the residual in colours; and corrections read.

Coordinates are those of the head's file for .obj and .glb, and Blender's world for .fbx and .blend,
so that landmarks that were written can be edited and read again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facegen_core import schemas
from facegen_core.errors import FacegenError
from facegen_core.file_words import unread
from facegen_core.json_text import quoted, read_json
from facegen_core.landmarks import LANDMARK_FILE_VERSION
from facegen_core.registration.alignment import KIND_MOTIONS

from ..scene import axes, heat_map, state
from ..scene.mesh_bridge import Head

PARTS_FILE_VERSION = schemas.PARTS_FILE.version
_PLY_VERTEX = np.dtype(
    [("position", "<f4", 3), ("colour", "u1", 3), ("residual_mm", "<f4")], align=False
)


def landmarks_text(match: state.Match, is_y_up: bool) -> str:
    """JSON of all 68 landmarks with a confidence each; `--landmarks` reads it again."""
    fit = match.alignment.fit
    places = fit.similarity.apply_inverse(fit.landmarks)
    places = places if is_y_up else axes.to_blender(places)
    content = {
        "version": LANDMARK_FILE_VERSION,
        "landmarks": {str(k): place.tolist() for k, place in enumerate(places)},
        "confidences": {
            str(k): round(float(value), 3) for k, value in enumerate(fit.landmark_confidences)
        },
    }
    return json.dumps(content, indent=1) + "\n"


def parts_text(match: state.Match) -> str:
    """JSON of the parts; edit a kind, and `--parts` reads it again."""
    rows = []
    for part in match.alignment.parts:
        owner = _owner(match.head, part.key)
        rows.append(
            {
                "object": owner.name,
                "vertex": part.key - owner.start,
                "kind": part.kind,
                "motion": part.motion,
                "vertices": len(part.vertex_indices),
                "welded": bool(part.is_welded),
                "confidence": round(float(part.confidence), 3),
            }
        )
    content = {"version": PARTS_FILE_VERSION, "kinds": sorted(KIND_MOTIONS), "parts": rows}
    return json.dumps(content, indent=1) + "\n"


def read_parts(path: Path, head: Head) -> dict[int, str]:
    """{`Part.key`: kind} of a parts file: ``{"version": 1, "parts": [{"vertex", "kind"}, …]}``.

    "object" may be left out where the head is one object. Raises FacegenError with what is wrong.
    """
    content = _read_json(path)
    if not isinstance(content, dict) or "version" not in content:
        raise FacegenError(
            f'{path}: expected {{"version": {PARTS_FILE_VERSION}, "parts": [...]}}, as --parts-out '
            "writes it."
        )
    content = schemas.PARTS_FILE.brought_up(content, content["version"], str(path))
    rows = content.get("parts", [])
    if not isinstance(rows, list):
        raise FacegenError(f'{path}: "parts" is a list of parts, as --parts-out writes it.')
    corrections = {}
    owners = {part.name: part for part in head.parts}
    for row in rows:
        try:
            name = str(row.get("object", head.parts[0].name))
            vertex, kind = row["vertex"], str(row["kind"])
        except (AttributeError, KeyError, TypeError) as error:
            raise FacegenError(
                f'{path}: every part needs a "vertex" (its lowest) and a "kind".'
            ) from error
        if not isinstance(vertex, int) or isinstance(vertex, bool):
            raise FacegenError(
                f'{path}: the "vertex" of a part is a whole number, not {quoted(vertex)}.'
            )
        if kind not in KIND_MOTIONS:
            raise FacegenError(
                f"{path}: {quoted(kind)} is no kind of part; choose of {', '.join(KIND_MOTIONS)}."
            )
        if name not in owners:
            raise FacegenError(
                f"{path}: the head has no object {quoted(name)}: {', '.join(owners)}."
            )
        owner = owners[name]
        if not 0 <= vertex < owner.end - owner.start:
            raise FacegenError(f"{path}: '{name}' has no vertex {vertex}; they count from 0.")
        corrections[owner.start + vertex] = kind
    return corrections


def check_parts(path: Path, match: state.Match) -> None:
    """Raise FacegenError for a correction whose vertex is not the lowest of any part."""
    known = {part.key for part in match.alignment.parts}
    for key in match.corrections:
        if key not in known:
            owner = _owner(match.head, key)
            raise FacegenError(
                f"{path}: no part of '{owner.name}' begins at vertex {key - owner.start}; "
                "--parts-out lists those there are."
            )


def residual_ply(match: state.Match, is_y_up: bool) -> bytes:
    """The neutral as a binary PLY: heat map colours, and residual_mm, -1 where there is no skin."""
    mesh, residuals = match.alignment.target, state.residuals_of(match)
    vertices = np.zeros(mesh.num_vertices, _PLY_VERTEX)
    vertices["position"] = mesh.vertices if is_y_up else axes.to_blender(mesh.vertices)
    vertices["colour"] = np.round(255 * heat_map.colours(residuals)[:, :3])
    vertices["residual_mm"] = np.nan_to_num(residuals, nan=-1.0)
    header = [
        "ply",
        "format binary_little_endian 1.0",
        "comment Facegen: distance of the fitted face in millimetres on a head of real size",
        f"element vertex {mesh.num_vertices}",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {colour}" for colour in ("red", "green", "blue")),
        "property float residual_mm",
        f"element face {len(mesh.triangles)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    return "\n".join(header).encode() + vertices.tobytes() + _ply_faces(mesh.triangles)


def _ply_faces(triangles: NDArray[np.integer]) -> bytes:
    faces = np.zeros(len(triangles), np.dtype([("count", "u1"), ("corners", "<i4", 3)]))
    faces["count"], faces["corners"] = 3, triangles
    return faces.tobytes()


def _owner(head: Head, key: int) -> Any:
    """The object a vertex of the joined mesh belongs to; the last for numbers beyond all."""
    return next((part for part in head.parts if part.start <= key < part.end), head.parts[-1])


def _read_json(path: Path) -> Any:
    try:
        return read_json(path)
    except OSError as error:
        raise FacegenError(f"Cannot read the parts file {path}: {unread(error)}.") from error
    except ValueError as error:
        raise FacegenError(f"{path} is not JSON: {error}.") from error
