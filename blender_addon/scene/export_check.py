"""Reading an export back through every importer Blender has, and comparing it with the viewport."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facegen_core.errors import FacegenError

from . import actions
from .aside import scene_aside

if TYPE_CHECKING:
    from .repaired_copy import Expected

FloatArray = NDArray[np.floating]

# Every how many frames the viewport and the file are compared.
CHECK_EVERY = 5
# The longest trajectory used to pair vertices that an importer reordered, in frames.
_PAIRING_FRAMES = 6
# Curves that begin so much late are still whole: some readers round the frame rate.
_HALF_A_FRAME = 0.5


def read_back_error_mm(
    context: bpy.types.Context,
    objects: Sequence[bpy.types.Object],
    path: Path,
    frame_range: tuple[int, int],
    mm_per_unit: float,
) -> float:
    """The largest error over all importers of `read_back_errors_mm`."""
    return max(read_back_errors_mm(context, objects, path, frame_range, mm_per_unit).values())


def read_back_errors_mm(
    context: bpy.types.Context,
    objects: Sequence[bpy.types.Object],
    path: Path,
    frame_range: tuple[int, int],
    mm_per_unit: float,
) -> dict[str, float]:
    """{importer: largest distance in mm between the file and the viewport}, every 5th frame.

    The viewport means the meshes with their shape keys and transforms, without modifiers, as they
    were exported. Works in a scene of its own and leaves nothing behind. Raises FacegenError when
    the file cannot be read or an object is not in it.
    """
    start, end = frame_range
    frames = sorted({*range(start, end + 1, CHECK_EVERY), end})
    with scene_aside(context) as scene:
        expected = [_expected(scene, obj, frames) for obj in objects]
        errors = {}
        for name, read in _importers(Path(path).suffix.lower()).items():
            found = [_positions(scene, obj, frames) for obj in _imported(scene, read, path)]
            errors[name] = mm_per_unit * max(
                _error_against(found, obj.name, positions)
                for obj, positions in zip(objects, expected, strict=True)
            )
    return errors


@dataclass(frozen=True)
class ReadBack:
    """What one importer finds: the largest distance in mm, and sentences about what is missing."""

    error_mm: float
    missing: tuple[str, ...]


def read_back(
    context: bpy.types.Context,
    expected: Sequence[Expected],
    path: Path,
    frames: Sequence[int],
    mm_per_metre: float,
) -> dict[str, ReadBack]:
    """{importer: what it finds} of a file in which objects must be as expected at N frames.

    Works in a scene of its own, in metres, and leaves nothing behind. Raises FacegenError when the
    file cannot be read.
    """
    suffix = Path(path).suffix.lower()
    found = {}
    with scene_aside(context, metres_per_unit=1.0) as scene:
        for name, read in _importers(suffix).items():
            objects = _imported(scene, read, path)
            positions = [_positions(scene, obj, frames) for obj in objects]
            errors, missing = [0.0], []
            for one in expected:
                best = _best_match(positions, one.positions)
                if best is None:
                    missing.append(f"the object '{one.name}'")
                    continue
                errors.append(best[1])
                if suffix != ".abc":  # a point cache has no keys
                    missing += _missing_of(objects[best[0]], one, frames)
            found[name] = ReadBack(mm_per_metre * max(errors), tuple(missing))
    return found


def check_complete(path: Path) -> None:
    """Raise FacegenError for a file that was not written to its end.

    Blender's writers in C++ do not tell when a disk is full; their formats do.
    """
    if not path.is_file():
        raise OSError(f"Blender wrote no file; is there room on the disk? ({path.suffix})")
    with path.open("rb") as file:
        head = file.read(24)
        size = path.stat().st_size
    is_whole = size > 0
    if path.suffix == ".abc":  # Ogawa: the 6th byte becomes 0xff when the archive is closed
        is_whole = head[:5] == b"Ogawa" and head[5] == 0xFF
    elif path.suffix == ".usdc":  # the table of contents lies at the end
        is_whole = head[:8] == b"PXR-USDC" and 0 < int.from_bytes(head[16:24], "little") < size
    elif path.suffix == ".glb":
        is_whole = head[:4] == b"glTF" and int.from_bytes(head[8:12], "little") == size
    if not is_whole:
        raise OSError("the file is incomplete, so the disk may be full")


def _best_match(found: Sequence[FloatArray], expected: FloatArray) -> tuple[int, float] | None:
    """Which import the object is, and its largest distance from `expected` (N, P, 3)."""
    same = [k for k, positions in enumerate(found) if positions.shape == expected.shape]
    if same:
        errors = [np.linalg.norm(found[k] - expected, axis=2).max() for k in same]
        return same[int(np.argmin(errors))], float(min(errors))
    if not found:
        return None
    unordered = [_unordered_error(positions, expected) for positions in found]
    return int(np.argmin(unordered)), float(min(unordered))


def _missing_of(obj: bpy.types.Object, one: Expected, frames: Sequence[int]) -> list[str]:
    """Keys that are not on an imported object, and frames its curves do not reach."""
    shape_keys = obj.data.shape_keys
    there = {block.name for block in shape_keys.key_blocks} if shape_keys else set()
    missing = [f"the key '{name}' of '{one.name}'" for name in one.key_names if name not in there]
    if not one.is_animated or missing:
        return missing
    curves = actions.fcurves_of(shape_keys) or ()
    spans = [curve.range() for curve in curves if len(curve.keyframe_points)]
    if not spans:
        return [f"the animation of '{one.name}'"]
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    if first > frames[0] + _HALF_A_FRAME or last < frames[-1] - _HALF_A_FRAME:
        return [
            f"frames of '{one.name}': it plays from {first:g} to {last:g} instead of from "
            f"{frames[0]} to {frames[-1]}"
        ]
    return []


def _importers(suffix: str) -> dict[str, Callable[[str], object]]:
    """{name: importer} that this Blender has for a suffix."""
    found: dict[str, Callable[[str], object]] = {}
    if suffix == ".fbx" and "fbx" in dir(bpy.ops.import_scene):
        found["import_scene.fbx"] = lambda path: bpy.ops.import_scene.fbx(
            filepath=path, anim_offset=0.0
        )
    if suffix == ".fbx" and "fbx_import" in dir(bpy.ops.wm):
        found["wm.fbx_import"] = lambda path: bpy.ops.wm.fbx_import(filepath=path, anim_offset=0.0)
    if suffix == ".glb" and "gltf" in dir(bpy.ops.import_scene):
        found["import_scene.gltf"] = lambda path: bpy.ops.import_scene.gltf(filepath=path)
    if suffix == ".abc" and bpy.app.build_options.alembic:
        found["wm.alembic_import"] = lambda path: bpy.ops.wm.alembic_import(
            filepath=path, set_frame_range=False, as_background_job=False
        )
    if suffix == ".usdc" and bpy.app.build_options.usd:
        found["wm.usd_import"] = lambda path: bpy.ops.wm.usd_import(
            filepath=path, set_frame_range=False
        )
    if suffix == ".blend":
        found["libraries.load"] = _append
    if not found:
        raise FacegenError(f"This Blender cannot read {suffix} files back: enable their importer.")
    return found


def _append(path: str) -> None:
    with bpy.data.libraries.load(path, link=False) as (source, target):
        target.objects = source.objects
    for obj in target.objects:
        bpy.context.scene.collection.objects.link(obj)


def _imported(
    scene: bpy.types.Scene, read: Callable[[str], object], path: Path
) -> list[bpy.types.Object]:
    """The meshes that one importer adds to the scene; earlier ones are taken out first."""
    for obj in list(scene.collection.all_objects):
        bpy.data.objects.remove(obj)
    try:
        read(str(path))
    except (RuntimeError, OSError) as error:
        why = " ".join(str(error).removeprefix("Error: ").split()).rstrip(".")
        raise FacegenError(
            f"{path} could not be read back: {why}; try another folder, or another format."
        ) from error
    return [obj for obj in scene.collection.all_objects if obj.type == "MESH"]


def _expected(scene: bpy.types.Scene, obj: bpy.types.Object, frames: Sequence[int]) -> FloatArray:
    """(N, P, 3) world positions of an object at N frames, its modifiers left out."""
    double = obj.copy()  # shares mesh, shape keys and their action
    double.modifiers.clear()
    double.show_only_shape_key = False
    scene.collection.objects.link(double)
    try:
        return _positions(scene, double, frames)
    finally:
        bpy.data.objects.remove(double)


def _positions(scene: bpy.types.Scene, obj: bpy.types.Object, frames: Sequence[int]) -> FloatArray:
    """(N, P, 3) world positions of the evaluated object at N frames."""
    layer = scene.view_layers[0]
    positions = []
    for frame in frames:
        scene.frame_set(frame)
        layer.update()
        evaluated = obj.evaluated_get(layer.depsgraph)
        local = np.empty(3 * len(evaluated.data.vertices), np.float32)
        evaluated.data.vertices.foreach_get("co", local)
        matrix = np.array(evaluated.matrix_world, np.float64)
        positions.append(local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
    return np.stack(positions)


def _error_against(found: Sequence[FloatArray], name: str, expected: FloatArray) -> float:
    """Largest distance, in scene units, from `expected` (N, P, 3) to the best of the imports.

    Importers rename objects and may split vertices, so the mesh is recognised by its positions:
    the same vertices in the same order, or each vertex next to one that moves as it does.
    """
    errors = [
        np.linalg.norm(positions - expected, axis=2).max()
        for positions in found
        if positions.shape == expected.shape
    ]
    if not errors and found:
        errors = [_unordered_error(positions, expected) for positions in found]
    if not errors:
        raise FacegenError(
            f"'{_plain(name)}' is not in the file that was written"
            ": export again, or choose another format."
        )
    return float(min(errors))


def _unordered_error(positions: FloatArray, expected: FloatArray) -> float:
    """The same for vertices in another order: pairs are nearest in a few frames together."""
    rows = np.unique(np.linspace(0, len(expected) - 1, _PAIRING_FRAMES).astype(int))
    tracks = np.concatenate(list(positions[rows]), axis=1)
    wanted = np.concatenate(list(expected[rows]), axis=1)
    nearest = cKDTree(wanted).query(tracks)[1]
    return float(np.linalg.norm(positions - expected[:, nearest], axis=2).max())


def _plain(name: str) -> str:
    return re.sub(r"\.\d{3}$", "", name)
