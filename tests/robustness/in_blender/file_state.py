"""All that an act could change in the open file, as plain values: equal means exactly equal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np
from harness import addon

State = dict[str, Any]

# What other names of a head's own settings stand for: fields that show an event's curve.
_NO_STATE = "event_"
# Stamped on every object by a save, and no part of what an artist made.
_STAMP = "schema"
_KEYFRAME = ("interpolation", "easing", "handle_left_type", "handle_right_type")


def state_now() -> State:
    """{section: value} of the open file; sections are 'object X', 'mesh X', 'action X', …"""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    found: State = {
        "scene": (scene.name, scene.frame_current, scene.frame_start, scene.frame_end),
        "rate": (scene.render.fps, scene.render.fps_base),
        "selection": (
            getattr(layer.objects.active, "name", None),
            sorted(obj.name for obj in bpy.context.selected_objects),
        ),
        "blocks": blocks_now(),
        "orphans": orphans_now(),
    }
    for obj in bpy.data.objects:
        found[f"object {obj.name}"] = _object(obj)
    for mesh in bpy.data.meshes:
        found[f"mesh {mesh.name}"] = _mesh(mesh)
    for action in bpy.data.actions:
        found[f"action {action.name}"] = _action(action)
    return found


def blocks_now() -> dict[str, list[str]]:
    """{collection of bpy.data: names}, those that are not empty."""
    found = {}
    for prop in bpy.data.bl_rna.properties:
        if prop.type == "COLLECTION":
            names = sorted(block.name for block in getattr(bpy.data, prop.identifier))
            if names:
                found[prop.identifier] = names
    return found


def orphans_now() -> list[str]:
    """Data-blocks that nobody uses and a saved file would lose."""
    return sorted(
        f"{type(block).__name__} {block.name}"
        for block in bpy.data.user_map()
        if block.users == 0 and not block.use_fake_user
    )


def different(one: State, other: State) -> dict[str, Any]:
    """{path: (one, other)} where two states differ, as deep as they can be told apart."""
    found: dict[str, Any] = {}
    for section in sorted(one.keys() | other.keys()):
        _compare(section, one.get(section), other.get(section), found)
    return found


def digest(points: Any, attribute: str = "co", size: int = 3, kind: type = np.float32) -> str:
    """A hash of one attribute of many points."""
    values = np.empty(size * len(points), kind)
    points.foreach_get(attribute, values)
    return hashlib.sha256(values.tobytes()).hexdigest()[:16]


def settings_of(group: bpy.types.PropertyGroup) -> dict[str, Any]:
    """{name: value} of what Facegen keeps in a property group, collections in full."""
    found: dict[str, Any] = {}
    for prop in group.bl_rna.properties:
        name = prop.identifier
        if name in ("rna_type", _STAMP) or name.startswith(_NO_STATE):
            continue
        value = getattr(group, name)
        if prop.type == "COLLECTION":
            found[name] = [settings_of(row) for row in value]
        elif prop.type == "POINTER":
            found[name] = getattr(value, "name", None)
        else:
            found[name] = list(value) if getattr(prop, "is_array", False) else value
    return found


def curves_of(curves: Iterable[bpy.types.FCurve]) -> dict[str, Any]:
    """{path: keys} of F-curves."""
    return {f"{curve.data_path}[{curve.array_index}]": _curve(curve) for curve in curves}


def _compare(path: str, one: Any, other: Any, found: dict[str, Any]) -> None:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys(), key=str):
            _compare(f"{path} > {name}", one.get(name), other.get(name), found)
    elif one != other:
        found[path] = (one, other)


def _object(obj: bpy.types.Object) -> dict[str, Any]:
    in_layer = obj.name in bpy.context.view_layer.objects
    return {
        "type": obj.type,
        "data": getattr(obj.data, "name", None),
        "place": [round(value, 6) for row in obj.matrix_basis for value in row],
        "parent": getattr(obj.parent, "name", None),
        "mode": obj.mode,
        "hidden": obj.hide_get() if in_layer else None,
        "modifiers": [(m.name, m.type, m.show_viewport) for m in obj.modifiers],
        "groups": [group.name for group in obj.vertex_groups],
        "key shown": (obj.active_shape_key_index, obj.show_only_shape_key),
        "facegen": settings_of(obj.facegen),
        "animation": _animation(obj),
    }


def _mesh(mesh: bpy.types.Mesh) -> dict[str, Any]:
    keys = mesh.shape_keys
    return {
        "vertices": digest(mesh.vertices),
        "polygons": len(mesh.polygons),
        "attributes": sorted((a.name, a.data_type, a.domain) for a in mesh.attributes),
        "materials": [getattr(material, "name", None) for material in mesh.materials],
        "keys": {block.name: _key(block) for block in keys.key_blocks} if keys else {},
        "order": [block.name for block in keys.key_blocks] if keys else [],
        "relative": keys.use_relative if keys else None,
        "records": _records(keys) if keys else {},
        "made": addon("scene.shape_keys").clips_on(keys) if keys else {},
        "solved": _solved(keys) if keys else [],
        "animation": _animation(keys) if keys else {},
    }


def _solved(keys: bpy.types.Key) -> list[str]:
    """Keys that a clip was solved into."""
    known = json.loads(keys.get(addon("scene.solved_curves").CURVES, "{}"))
    return sorted({name for curves in known.values() for name in curves})


def _key(block: bpy.types.ShapeKey) -> dict[str, Any]:
    return {
        "points": digest(block.data),
        "value": block.value,
        "mute": block.mute,
        "range": (block.slider_min, block.slider_max),
        "relative to": block.relative_key.name,
        "group": block.vertex_group,
    }


def _records(owner: bpy.types.ID) -> dict[str, Any]:
    """Custom properties; a record of how a clip was made is told by its hash."""
    told = {}
    for name in owner.keys():
        value = owner[name]
        if isinstance(value, str) and len(value) > 400:
            value = hashlib.sha256(value.encode()).hexdigest()[:16]
        told[name] = value if isinstance(value, str | int | float | bool) else str(value)
    return told


def _animation(owner: bpy.types.ID) -> dict[str, Any]:
    data, actions = owner.animation_data, addon("scene.actions")
    if data is None:
        return {}
    found = actions.assigned(owner)
    return {
        "action": found and (found.action.name, found.slot),
        "curves": curves_of(actions.fcurves_in(found)) if found else {},
        "drivers": {
            driver.data_path: (driver.driver.expression, driver.mute, _variables(driver.driver))
            for driver in data.drivers
        },
        "tracks": [_track(track) for track in data.nla_tracks],
    }


def _variables(driver: bpy.types.Driver) -> list[tuple[str, ...]]:
    return [
        (variable.name, getattr(target.id, "name", ""), target.data_path)
        for variable in driver.variables
        for target in variable.targets
    ]


def _track(track: bpy.types.NlaTrack) -> dict[str, Any]:
    strips_room = addon("scene.clip_strips")
    strips = []
    for strip in track.strips:
        played = strips_room.strip_assigned(strip) if strip.action else None
        strips.append(
            {
                "name": strip.name,
                "action": played and (played.action.name, played.slot),
                "curves": curves_of(addon("scene.actions").fcurves_in(played)) if played else {},
                "span": (strip.frame_start, strip.frame_end, strip.extrapolation),
            }
        )
    return {"name": track.name, "mute": track.mute, "strips": strips}


def _action(action: bpy.types.Action) -> dict[str, Any]:
    curves = addon("scene.actions").all_fcurves(action)
    return {
        "records": _records(action),
        "fake": action.use_fake_user,
        "curves": sorted((c.data_path, c.array_index, len(c.keyframe_points)) for c in curves),
    }


def _curve(curve: bpy.types.FCurve) -> tuple[Any, ...]:
    points = curve.keyframe_points
    kinds = [tuple(getattr(point, name) for name in _KEYFRAME) for point in points[:1]]
    values = [tuple(point.co) for point in points]
    ends = [(min(v[1] for v in values), max(v[1] for v in values))] if values else []
    group = curve.group.name if curve.group else None
    return (digest(points, "co", 2), len(points), ends, kinds, curve.mute, group)
