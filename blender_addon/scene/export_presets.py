"""What the programs a clip goes to expect of a file, and writing it that way.

Unity: Y up, metres declared in the file (UnitScaleFactor 100), nodes unscaled and unturned (so no
"89.98 degrees" on the transform), clip from 0. Unreal: Z up and centimetres, so that its importer
converts neither and the root bone has scale 1, and a skeleton, without which morph targets are
not imported. Both sources are named in docs/decisions.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import bpy

from facegen_core import files
from facegen_core.errors import FacegenError

from . import alembic_apart
from .fbx import FBX_CLIP, GLTF_CLIP
from .repaired_copy import CopyOptions, RepairedCopy

# Positions and the normals of up to six corners, as float32.
_CACHE_BYTES_PER_VERTEX = 12 + 6 * 12
# Rotation that Blender's FBX exporter undoes when it writes Y up: a quarter turn about X.
_QUARTER_TURN = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class ExportPreset:
    """suffixes: of the files it writes, the usual one first. has_root_bone, starts_at_zero: what
    it proposes. options: of the exporter, beside those every export has.
    """

    identifier: str
    label: str
    description: str
    suffixes: tuple[str, ...]
    has_root_bone: bool = False
    starts_at_zero: bool = False
    metres_per_unit: float = 1.0
    is_turned: bool = False
    options: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)

    def copy_options(
        self, has_root_bone: bool, starts_at_zero: bool, step_metres: float
    ) -> CopyOptions:
        """How the copy to write must be."""
        identity = CopyOptions().turn
        return CopyOptions(
            metres_per_unit=self.metres_per_unit,
            turn=_QUARTER_TURN if self.is_turned else identity,
            has_root_bone=has_root_bone,
            first_frame=0 if starts_at_zero else None,
            step_metres=step_metres,
        )


PRESETS = (
    ExportPreset(
        "unity",
        "Unity",
        "FBX, Y up, in metres, nothing turned or scaled; the clip starts at 0",
        (".fbx",),
        starts_at_zero=True,
        is_turned=True,
        options={"apply_scale_options": "FBX_SCALE_ALL", "axis_forward": "-Z", "axis_up": "Y"},
    ),
    ExportPreset(
        "unreal",
        "Unreal",
        "FBX, Z up, in centimetres, skinned to a root bone; the clip starts at 0",
        (".fbx",),
        has_root_bone=True,
        starts_at_zero=True,
        metres_per_unit=0.01,
        options={"apply_scale_options": "FBX_SCALE_NONE", "axis_forward": "Y", "axis_up": "Z"},
    ),
    ExportPreset(
        "blender",
        "Blender",
        "FBX at the frames of the scene; import it with Animation Offset 0",
        (".fbx",),
        options={"apply_scale_options": "FBX_SCALE_NONE", "axis_forward": "-Z", "axis_up": "Y"},
    ),
    ExportPreset(
        "web",
        "Web",
        "glTF with the normals of every key; the clip starts at 0",
        (".glb",),
        starts_at_zero=True,
        options={"export_morph_normal": True},
    ),
    ExportPreset(
        "film",
        "Film",
        "Alembic point cache, or USD with blendshapes, at the frames of the scene",
        (".usdc", ".abc"),
    ),
)
BY_IDENTIFIER = {preset.identifier: preset for preset in PRESETS}
# Which preset a file without one is written by.
DEFAULT_OF_SUFFIX = {".fbx": "blender", ".glb": "web", ".usdc": "film", ".abc": "film"}


def check_suffix(preset: ExportPreset, path: Path) -> None:
    """Raise FacegenError unless the preset writes files of this name."""
    if path.suffix.lower() not in preset.suffixes:
        wanted = " or ".join(preset.suffixes)
        raise FacegenError(f"{preset.label} wants {wanted}: name '{path.name}' so.")


def check_exporter(path: Path) -> None:
    """Raise FacegenError where this Blender cannot write such files, or nobody could read them."""
    suffix = path.suffix.lower()
    if suffix == ".usdc" and os.sep == "/" and "\\" in str(path.absolute()):
        raise FacegenError(
            f"Cannot write {path}: USD takes the backslash in it for a slash, so no program would "
            "find the file; choose a folder and a name without one."
        )
    missing = {
        ".fbx": (
            "fbx" not in dir(bpy.ops.export_scene),
            "FBX add-on is off: enable it in the preferences (Add-ons)",
        ),
        ".glb": (
            "gltf" not in dir(bpy.ops.export_scene),
            "glTF add-on is off: enable it in the preferences (Add-ons)",
        ),
        ".abc": (
            not bpy.app.build_options.alembic,
            "Alembic was left out of this build: take a Blender from blender.org, or write .fbx",
        ),
        ".usdc": (
            not bpy.app.build_options.usd,
            "USD was left out of this build: take a Blender from blender.org, or write .fbx",
        ),
    }
    is_missing, reason = missing[suffix]
    if is_missing:
        raise FacegenError(f"Blender's {reason}.")


def check_room(copy: RepairedCopy, path: Path) -> None:
    """Raise OSError where a cache surely does not fit on the disk.

    Better said before minutes of writing than after.
    """
    if path.suffix.lower() not in (".abc", ".usdc"):
        return
    num_frames = copy.frame_range[1] - copy.frame_range[0] + 1
    num_vertices = sum(one.positions.shape[1] for one in copy.expected)
    needed = num_frames * num_vertices * _CACHE_BYTES_PER_VERTEX
    files.check_room(path.parent, needed)


def write(copy: RepairedCopy, path: Path, preset: ExportPreset, clip_name: str) -> None:
    """Write a copy, whose scene the window shows, into a file."""
    for obj in copy.objects:
        obj.select_set(True)
    bpy.context.view_layer.objects.active = copy.objects[0]
    writers = {".fbx": _write_fbx, ".glb": _write_glb, ".abc": _write_abc, ".usdc": _write_usd}
    writers[path.suffix.lower()](copy, str(path), dict(preset.options), clip_name)


def _write_fbx(copy: RepairedCopy, path: str, options: dict[str, Any], clip_name: str) -> None:
    bpy.ops.export_scene.fbx(
        filepath=path,
        check_existing=False,
        use_selection=True,
        object_types={"MESH", "ARMATURE"},
        primary_bone_axis="Y",
        secondary_bone_axis="X",
        use_armature_deform_only=False,
        bake_anim_use_all_bones=True,
        **FBX_CLIP,
        **options,
    )


def _write_glb(copy: RepairedCopy, path: str, options: dict[str, Any], clip_name: str) -> None:
    bpy.ops.export_scene.gltf(
        filepath=path,
        check_existing=False,
        export_format="GLB",
        use_selection=True,
        use_active_scene=True,
        export_nla_strips_merged_animation_name=clip_name,
        export_skins=True,
        **GLTF_CLIP,
        **options,
    )


def _write_abc(copy: RepairedCopy, path: str, options: dict[str, Any], clip_name: str) -> None:
    alembic_apart.write(copy.scene, path, copy.frame_range)


def _write_usd(copy: RepairedCopy, path: str, options: dict[str, Any], clip_name: str) -> None:
    bpy.ops.wm.usd_export(
        filepath=path,
        check_existing=False,
        selected_objects_only=True,
        export_animation=True,
        export_shapekeys=True,
        export_armatures=True,
        export_hair=False,
        convert_world_material=False,
        convert_orientation=True,
        export_global_forward_selection="NEGATIVE_Z",
        export_global_up_selection="Y",
        evaluation_mode="VIEWPORT",
        **options,
    )
