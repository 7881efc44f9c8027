"""Acts of Blender itself, which an artist does between those of Facegen."""

from __future__ import annotations

from typing import Any

import bpy
import harness
import numpy as np
from desk import DONE, MOST_HEADS, REFUSED, Desk, chosen, facegen_keys, step

Act = dict[str, Any]


def own_key(desk: Desk, act: Act) -> str:
    """A shape key as an artist makes it: some of the face, somewhere else."""
    head = desk.head(act)
    if head.data.shape_keys is not None and len(head.data.shape_keys.key_blocks) > 90:
        return DONE
    if head.data.shape_keys is None:
        head.shape_key_add(name="Basis", from_mix=False)
    block = head.shape_key_add(name=f"Mine {act['number']}", from_mix=False)
    block.value = 0.0  # Blender 5.0 adds keys at 1
    points = harness.key_positions(head.data.shape_keys.reference_key)
    moved = 0.004 * np.sin(40.0 * points + act["number"]).astype(np.float32)
    block.data.foreach_set("co", (points + moved).ravel())
    return step("a key")


def rename_key(desk: Desk, act: Act) -> str:
    """Any key, Facegen's too, which is the artist's from then on."""
    head = desk.head(act)
    block = _some_key(head, act["number"])
    if block is None:
        return DONE
    block.name = f"Named {act['number']}"
    return step("a key's name")


def delete_key(desk: Desk, act: Act) -> str:
    head = desk.head(act)
    block = _some_key(head, act["number"])
    if block is None:
        return DONE
    head.shape_key_remove(block)
    return step("a key gone")


def own_curve(desk: Desk, act: Act) -> str:
    head = desk.head(act)
    path = ("location", "rotation_euler")[act["number"]]
    head.keyframe_insert(path, frame=1)
    head.keyframe_insert(path, frame=9)
    return step("a curve")


def rename_object(desk: Desk, act: Act) -> str:
    head = desk.head(act)
    head.name = f"Bob {act['number']}"
    if act["number"] % 2:
        head.data.name = f"Bobs Mesh {act['number']}"
    return step("a name")


def rename_action(desk: Desk, act: Act) -> str:
    action = chosen(bpy.data.actions, act["number"])
    if action is None:
        return DONE
    action.name = f"Act {act['number']}"
    return step("an action's name")


def delete_action(desk: Desk, act: Act) -> str:
    action = chosen(bpy.data.actions, act["number"])
    if action is None:
        return DONE
    bpy.data.actions.remove(action)
    return step("an action gone")


def unassign_action(desk: Desk, act: Act) -> str:
    head = desk.head(act)
    owner = head if act["number"] else head.data.shape_keys
    if owner is None or owner.animation_data is None:
        return DONE
    owner.animation_data.action = None
    return step("no action")


def purge(desk: Desk, act: Act) -> str:
    bpy.ops.outliner.orphans_purge(do_recursive=True)
    return step("purged")


def delete_head(desk: Desk, act: Act) -> str:
    desk.head(act)
    bpy.ops.object.delete()
    return step("a head gone")


def duplicate_head(desk: Desk, act: Act) -> str:
    if len(desk.heads()) >= MOST_HEADS:
        return DONE
    desk.head(act)
    bpy.ops.object.duplicate()
    return step("a twin")


def edit_mode(desk: Desk, act: Act) -> str:
    """Facegen's buttons are grey in Edit Mode; then back."""
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        for button in ("generate", "match", "clip_new", "remove_keys"):
            if desk.press(button) != REFUSED:
                raise AssertionError(f"{button} works in Edit Mode")
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
    return step("edit mode")


def move_vertex(desk: Desk, act: Act) -> str:
    """Another mesh, which is to be matched anew; keys follow as Blender lets them in Edit Mode."""
    import bmesh

    head = desk.head(act)
    head.active_shape_key_index = 0
    bpy.ops.object.mode_set(mode="EDIT")
    mesh = bmesh.from_edit_mesh(head.data)
    mesh.verts.ensure_lookup_table()
    mesh.verts[act["number"] % len(mesh.verts)].co.x += 0.001
    bmesh.update_edit_mesh(head.data)
    bpy.ops.object.mode_set(mode="OBJECT")
    return step("a vertex")


def set_frame(desk: Desk, act: Act) -> str:
    bpy.context.scene.frame_set(act["frame"])
    return step("a frame")


def set_rate(desk: Desk, act: Act) -> str:
    bpy.context.scene.render.fps = act["fps"]
    return step("a rate")


def nothing(desk: Desk, act: Act) -> str:
    """Nothing selected: every button says so."""
    for obj in bpy.context.view_layer.objects:
        obj.select_set(False)
    bpy.context.view_layer.objects.active = None
    for button in ("generate", "match", "export_fbx"):
        if desk.press(button) != REFUSED:
            raise AssertionError(f"{button} works on nothing")
    return DONE


def _some_key(head: bpy.types.Object, number: int) -> bpy.types.ShapeKey | None:
    """Mostly one of the artist's own keys."""
    keys = head.data.shape_keys
    blocks = list(keys.key_blocks[1:]) if keys else []
    own = [block for block in blocks if block.name not in facegen_keys(head)]
    return chosen(own if own and number % 4 else blocks, number // 4)
