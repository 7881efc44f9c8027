"""Read a head from .obj, .fbx, .glb, .gltf or .blend, every vertex in the order of its file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import bpy

from facegen_core.errors import FacegenError, InvalidMeshError

FORMATS = (".obj", ".fbx", ".glb", ".gltf", ".blend")

# Blender's own readers turn such numbers into 0 without a word; the artist should hear of them.
_NOT_FINITE = re.compile(rb"^v\s.*?(nan|inf)", re.IGNORECASE | re.MULTILINE)


def head_of_scene(file_name: str, names: Sequence[str] = ()) -> list[bpy.types.Object]:
    """The mesh objects of the head in the open scene, the target first.

    With `names` those objects, the first being the target; else every visible mesh, the one with
    the most vertices first. Raises FacegenError when there is no such object or no mesh.
    """
    usable = _usable_objects()
    missing = [name for name in names if name not in {obj.name for obj in usable}]
    if missing:
        there = ", ".join(sorted(f"'{obj.name}'" for obj in usable)) or "none"
        raise FacegenError(f"{file_name} has no mesh object '{missing[0]}'; it has: {there}.")
    if not usable:
        raise InvalidMeshError(f"{file_name} contains no mesh with faces: nothing to animate.")
    if names:
        return [bpy.context.scene.objects[name] for name in dict.fromkeys(names)]
    return sorted(usable, key=lambda obj: (-len(obj.data.vertices), obj.name))


def read_file(path: Path) -> None:
    """Replace what is open in Blender by the content of the file."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise FacegenError(
            f"Cannot read '{path.name}': give a head as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
        )
    if not path.is_file():
        raise FacegenError(f"There is no file {path}: look at the path and the name.")
    absolute = str(path.resolve())
    try:
        if suffix == ".blend":
            bpy.ops.wm.open_mainfile(filepath=absolute, load_ui=False, use_scripts=False)
            return
        bpy.ops.wm.read_factory_settings(use_empty=True)
        if suffix == ".obj":
            _read_obj(path)
        elif suffix == ".fbx":
            read_fbx(absolute)
        else:
            # glTF cuts a mesh apart at the seams of its texture; merging gives back the artist's.
            bpy.ops.import_scene.gltf(filepath=absolute, merge_vertices=True)
    except FacegenError:
        raise
    except Exception as error:  # importers raise anything on damaged files
        raise FacegenError(
            f"Blender cannot read {path.name}: it is damaged, or no {suffix} file; export it again."
        ) from error


def read_fbx(filepath: str) -> None:
    """Import an FBX; without the importers' default shift of animation by one frame."""
    if "fbx" in dir(bpy.ops.import_scene):
        bpy.ops.import_scene.fbx(filepath=filepath, anim_offset=0.0)
    else:
        bpy.ops.wm.fbx_import(filepath=filepath, anim_offset=0.0)


def is_y_up(path: Path) -> bool:
    """Whether the file's own coordinates are Y up like the core's; else Blender's world counts."""
    return path.suffix.lower() in (".obj", ".glb", ".gltf")


def keeps_frame_rate(path: Path) -> bool:
    """Whether reading the file brings a scene with a frame rate of its own."""
    return path.suffix.lower() == ".blend"


def _read_obj(path: Path) -> None:
    bad = _NOT_FINITE.search(path.read_bytes())
    if bad:
        raise InvalidMeshError(
            f"{path.name} has a vertex that is not a finite number "
            f"('{bad.group(0).decode(errors='replace')}'): repair it first."
        )
    # One object: splitting by name or group would renumber the vertices.
    bpy.ops.wm.obj_import(
        filepath=str(path.resolve()), use_split_objects=False, use_split_groups=False
    )


def _usable_objects() -> list[bpy.types.Object]:
    return [
        obj
        for obj in bpy.context.scene.objects
        if obj.type == "MESH" and len(obj.data.polygons) > 0 and obj.visible_get()
    ]
