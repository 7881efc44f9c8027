"""What an FBX file holds, read by Blender's own parser without importing anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from desk import WrongError, facegen_keys
from harness import addon


def files_beside(path: str) -> set[Path]:
    """What lies in the folder of a file."""
    return set(Path(path).parent.iterdir())


def check_file(path: str, is_written: bool, files_before: set[Path]) -> None:
    """A file is there where it was written, and nothing else that was not there before."""
    file = Path(path)
    left = sorted(p.name for p in files_beside(path) - files_before - {file})
    if left or file.exists() != is_written:
        raise WrongError(f"an export that was {'done' if is_written else 'refused'} left {left}")


def check_fbx(path: str, head: bpy.types.Object) -> None:
    """A file is whole, with the keys that move; it is removed then."""
    file = Path(path)
    shapes = shapes_in(file)
    file.unlink()
    keys = addon("scene.shape_keys").clips_of(head)
    playing = addon("scene.clip_rows").playing(head)
    wanted = set(keys.get(playing.key_name, [])) & facegen_keys(head) if playing else set()
    moving = (
        {
            curve.data_path.split('"')[1]
            for curve in addon("scene.actions").fcurves_of(head.data.shape_keys) or ()
            if '"' in curve.data_path
            and not curve.mute
            and any(p.co.y for p in curve.keyframe_points)
        }
        if head.data.shape_keys
        else set()
    )
    missing = (wanted & moving) - shapes.keys()
    if missing:
        raise WrongError(f"the file lacks {sorted(missing)[:3]} of {len(wanted)} keys")
    for name, points in shapes.items():
        if not np.isfinite(points).all():
            raise WrongError(f"the file has points of '{name}' that are not finite")


def shapes_in(file: Path) -> dict[str, Any]:
    """{shape key: displacements} in an FBX file."""
    from io_scene_fbx import parse_fbx

    root, _ = parse_fbx.parse(str(file))
    found = {}
    for element in root.elems:
        for part in element.elems if element.id == b"Objects" else ():
            if part.id == b"Geometry" and part.props[2] == b"Shape":
                name = part.props[1].split(b"\x00")[0].decode()
                points = [e.props[0] for e in part.elems if e.id == b"Vertices"]
                found[name] = np.asarray(points[0]) if points else np.zeros(0)
    return found
