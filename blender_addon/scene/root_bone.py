"""One bone that everything hangs on: engines take a mesh for a skinned one when it has a bone."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from facegen_core.errors import FacegenError

from . import actions, places_over_time

FloatArray = NDArray[np.floating]

# Unreal takes an armature of this name for no bone of its own, so `root` is the root.
ARMATURE_NAME = "Armature"
BONE_NAME = "root"
# How far an object may stray from the motion of the first, in units of the copy.
TOGETHER = 1e-4


def shared_motion(places: Sequence[FloatArray], names: Sequence[str]) -> FloatArray:
    """(T, 4, 4) the rigid motion all objects share, from (T, 4, 4) places each.

    Raises FacegenError where one moves on its own, which one bone cannot play.
    """
    first = places[0]
    motion = first @ np.linalg.inv(first[0])
    for place, name in zip(places, names, strict=True):
        if np.abs(motion @ place[0] - place).max() > TOGETHER * max(np.abs(place).max(), 1.0):
            raise FacegenError(
                f"'{name}' moves on its own, which one root bone cannot play: turn Root Bone off, "
                "or parent it to the head."
            )
    return motion


def add(
    scene: bpy.types.Scene,
    objects: Sequence[bpy.types.Object],
    turn: FloatArray,
    motion: FloatArray,
    frames: FloatArray,
    clip_name: str,
    length: float,
) -> bpy.types.Object:
    """An armature turned as (4, 4) `turn`, with one bone that plays (T, 4, 4) `motion`.

    The objects stand where the armature does; they are skinned to the bone and become its children.
    """
    armature = bpy.data.objects.new(ARMATURE_NAME, bpy.data.armatures.new(ARMATURE_NAME))
    scene.collection.objects.link(armature)
    armature.matrix_world = Matrix(turn.tolist())
    layer = scene.view_layers[0]
    layer.objects.active = armature
    with bpy.context.temp_override(
        scene=scene, view_layer=layer, active_object=armature, object=armature
    ):
        bpy.ops.object.mode_set(mode="EDIT")
        bone = armature.data.edit_bones.new(BONE_NAME)
        bone.head, bone.tail = (0.0, 0.0, 0.0), (0.0, length, 0.0)
        bpy.ops.object.mode_set(mode="OBJECT")
    for obj in objects:
        obj.vertex_groups.clear()
        group = obj.vertex_groups.new(name=BONE_NAME)
        group.add(range(len(obj.data.vertices)), 1.0, "REPLACE")
        obj.parent = armature
        obj.matrix_parent_inverse = Matrix()
        obj.matrix_basis = Matrix()
        obj.modifiers.new(ARMATURE_NAME, "ARMATURE").object = armature
    if places_over_time.is_moving(motion):
        pose = np.linalg.inv(turn) @ motion @ turn
        fcurves = actions.ensure_fcurves(armature, f"{clip_name} {ARMATURE_NAME}")
        armature.pose.bones[BONE_NAME].rotation_mode = "QUATERNION"
        prefix = f'pose.bones["{BONE_NAME}"].'
        places_over_time.write_places(fcurves, prefix, pose, frames)
    return armature
