"""Runs the tests of one script inside Blender, on the add-on installed from its built zip.

    python SCRIPT.py ZIP FOLDER        (with BLENDER_USER_RESOURCES pointing at an empty folder)

Importing this module installs the zip. Every test prints a line; the process ends with os._exit,
because bpy 4.2 crashes at interpreter exit after a glTF export, which would hide the result.
Whoever asks the network for anything meanwhile is refused, and fails the script.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import numpy as np

PACKAGE = "bl_ext.user_default.facegen"
# Audit events of Python when another machine is looked for or spoken to, and those that came.
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
asked_network: list[str] = []
ZIP, FOLDER = Path(sys.argv[1]), Path(sys.argv[2])


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event in NETWORK:
        asked_network.append(f"{event} {arguments[1:]}")
        raise PermissionError("No network: nobody asked for it.")


def run(script: dict[str, Any]) -> None:
    """Run every `test_…` of a script in its order, and end the process."""
    failed = 0
    tests = [value for name, value in script.items() if name.startswith("test_")]
    for test in tests:
        try:
            test()
            print(f"PASS {test.__name__}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {test.__name__}", flush=True)
            traceback.print_exc()
    if asked_network:
        failed += 1
        print(f"FAIL asked the network: {asked_network}", flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed", flush=True)
    _leave(1 if failed or not tests else 0)


def install() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.extensions.package_install_files(
        filepath=str(ZIP.resolve()), repo="user_default", enable_on_install=True, overwrite=True
    )
    assert PACKAGE in bpy.context.preferences.addons, "the add-on was not enabled"


def addon(name: str) -> ModuleType:
    """A module of the installed add-on, for example 'scene.axes' or 'facegen_core.errors'."""
    return importlib.import_module(f"{PACKAGE}.{name}")


def empty_scene() -> None:
    """An empty file at 30 frames a second; the add-on stays enabled."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    bpy.context.scene.render.fps = 30


def new_sphere(name: str, radius: float = 1.0, segments: int = 24) -> bpy.types.Object:
    """A smooth sphere without UVs, active and selected; the others stay selected too."""
    selected = list(bpy.context.selected_objects)
    bpy.ops.mesh.primitive_uv_sphere_add(
        radius=radius, segments=segments, ring_count=segments // 2, calc_uvs=False
    )
    sphere = bpy.context.active_object
    sphere.name = sphere.data.name = name
    sphere.data.shade_smooth()
    for obj in selected:
        obj.select_set(True)
    return sphere


def activate(target: bpy.types.Object, *others: bpy.types.Object) -> None:
    """Make one object active and select it with the others only."""
    bpy.context.view_layer.update()  # an object that was just removed may still be listed
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj is target or obj in others)
    bpy.context.view_layer.objects.active = target


def clip_of(head: Any, num_frames: int = 12, num_shapes: int = 3, seed: int = 0) -> Any:
    """A BlendshapeSet for a gathered head: smooth shapes of 2 % of its size, weights in [0, 1]."""
    generator = np.random.default_rng(seed)
    vertices = head.mesh.vertices
    size = np.ptp(vertices, axis=0).max()
    waves = [
        np.sin((vertices - vertices.mean(axis=0)) / size * generator.uniform(2, 5) + k)
        for k in range(num_shapes)
    ]
    shapes = (0.02 * size * np.stack(waves)).astype(np.float32)
    weights = generator.uniform(size=(num_frames, num_shapes)).astype(np.float32)
    weights[[0, -1]] = 0.0
    weights /= weights.max(axis=0)
    pose_frames = weights.argmax(axis=0).astype(np.int32)
    return addon("facegen_core.blendshapes").BlendshapeSet(shapes, weights, pose_frames, 0.0)


def world_positions(obj: bpy.types.Object, frame: int) -> np.ndarray:
    """(P, 3) of the evaluated object at a frame."""
    bpy.context.scene.frame_set(frame)
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    coordinates = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", coordinates)
    matrix = np.array(evaluated.matrix_world, np.float64)
    return coordinates.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def key_positions(block: bpy.types.ShapeKey) -> np.ndarray:
    coordinates = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", coordinates)
    return coordinates.reshape(-1, 3)


def snapshot() -> dict[str, Any]:
    """Everything an act could change: equal before and after means nothing was changed."""
    state: dict[str, Any] = {
        "blocks": sorted(f"{type(b).__name__} {b.name}" for b in bpy.data.user_map()),
        "selected": sorted(obj.name for obj in bpy.context.selected_objects),
        "active": getattr(bpy.context.view_layer.objects.active, "name", None),
        "scene": (
            bpy.context.scene.name,
            bpy.context.scene.frame_start,
            bpy.context.scene.frame_end,
            bpy.context.scene.frame_current,
        ),
    }
    for obj in bpy.data.objects:
        state[f"object {obj.name}"] = (
            np.array(obj.matrix_world).tolist(),
            obj.mode,
            [(modifier.name, modifier.show_viewport) for modifier in obj.modifiers],
            obj.hide_get() if obj.name in bpy.context.view_layer.objects else None,
            obj.show_only_shape_key,
        )
        state[f"settings {obj.name}"] = settings_of(obj)
        state[f"curves {obj.name}"] = curves_of(obj)
    for mesh in bpy.data.meshes:
        keys = mesh.shape_keys.key_blocks if mesh.shape_keys else ()
        state[f"mesh {mesh.name}"] = [
            (b.name, b.value, b.mute, _hash_of(b.data, "co")) for b in keys
        ]
        state[f"vertices {mesh.name}"] = _hash_of(mesh.vertices, "co")
        state[f"curves of keys of {mesh.name}"] = curves_of(mesh.shape_keys)
    return state


def settings_of(obj: bpy.types.Object) -> dict[str, str]:
    """{name: value} of all that Facegen keeps on an object; collections by their length."""
    found = {}
    for prop in obj.facegen.bl_rna.properties:
        value = getattr(obj.facegen, prop.identifier)
        # The fields of the event that is selected show its curve and keep nothing themselves.
        if prop.identifier != "rna_type" and not prop.identifier.startswith("event_"):
            found[prop.identifier] = str(len(value) if prop.type == "COLLECTION" else value)
    return found


def curves_of(owner: bpy.types.ID | None) -> dict[str, list[tuple[float, float]]]:
    """{data path: [(frame, value)]} of a data-block's F-curves."""
    curves = addon("scene.actions").fcurves_of(owner) if owner else None
    return {c.data_path: [tuple(p.co) for p in c.keyframe_points] for c in curves or ()}


def refused(act: Callable[[], Any], *words: str) -> str:
    """The sentence with which an act is refused; fails when it goes through or changes anything."""
    before = snapshot()
    try:
        act()
    except Exception as error:
        sentence = str(error).strip()
    else:
        raise AssertionError("the act went through")
    missing = [word for word in words if word.lower() not in sentence.lower()]
    assert not missing, f"{missing} not in: {sentence}"
    after = snapshot()
    changed = {
        k: (before.get(k), after.get(k))
        for k in before.keys() | after.keys()
        if before.get(k) != after.get(k)
    }
    assert not changed, f"{changed} changed, though refused with: {sentence}"
    assert "Traceback" not in sentence, sentence
    return sentence


def close(found: np.ndarray, expected: np.ndarray | Sequence[float], tolerance: float) -> None:
    worst = float(np.abs(np.asarray(found) - np.asarray(expected)).max())
    assert worst <= tolerance, f"differs by {worst:g}, allowed {tolerance:g}"


def _hash_of(points: Any, attribute: str) -> str:
    coordinates = np.empty(3 * len(points), np.float32)
    points.foreach_get(attribute, coordinates)
    return hashlib.sha256(coordinates.tobytes()).hexdigest()


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


sys.addaudithook(_refuse_network)
try:
    install()
except Exception:
    traceback.print_exc()
    _leave(2)
