"""Generates, and exports as FBX and film: the hash of what was written, in result.json."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import Any

import bpy
import facegen_acts
import harness
from desk import Desk
from harness import FOLDER, addon

_PLACE = FOLDER.parent
MARKS = {"onset_start": 1, "apex_start": 4, "apex_end": 6, "offset_end": 10}
# What an FBX says of when and where it was written.
_WHEN = (b"CreationTimeStamp", b"CreationTime", b"FileId")


def main() -> None:
    harness.empty_scene()
    facegen_acts.add_head(Desk(), {})
    head = bpy.context.active_object
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert bpy.ops.facegen.add_expression(expression="fear", **MARKS) == {"FINISHED"}
    made = {}
    for generator in ("lstm", "lm4dgan"):
        head.facegen.generator = generator
        for bake in ("compact", "frames", "rig", "arkit"):
            head.facegen.bake_mode = bake
            assert bpy.ops.facegen.generate("EXEC_DEFAULT", False) == {"FINISHED"}
            name = f"{generator} {bake}"
            made[f"keys, {name}"] = _keys(head)
            path = str(FOLDER / f"{name}.fbx")
            assert bpy.ops.facegen.export_fbx(filepath=path) == {"FINISHED"}
            made[f"FBX, {name}"] = fbx_digest(path)
    made["record"] = hashlib.sha256(_record(head).encode()).hexdigest()[:24]
    (_PLACE / "result.json").write_text(json.dumps(made))
    sys.stdout.flush()
    os._exit(0)


def _keys(head: bpy.types.Object) -> str:
    """Of names and points of the keys, and of the curves that move them."""
    digest = hashlib.sha256()
    for block in head.data.shape_keys.key_blocks:
        digest.update(block.name.encode() + harness.key_positions(block).tobytes())
    digest.update(repr(harness.curves_of(head.data.shape_keys)).encode())
    return digest.hexdigest()[:24]


def _record(head: bpy.types.Object) -> str:
    return addon("scene.clip_store").read_now(head)


def fbx_digest(path: str) -> str:
    """Of all an FBX holds but the time; identities, which Blender draws, by their order."""
    from io_scene_fbx import parse_fbx

    root, _ = parse_fbx.parse(path)
    digest, order = hashlib.sha256(), {}

    def feed(element: Any, is_identity: bool) -> None:
        if element.id in _WHEN or element.id == b"CreationTimeStamp":
            return
        digest.update(element.id)
        for place, (kind, value) in enumerate(zip(element.props_type, element.props, strict=True)):
            if is_identity and kind == ord("L"):
                value = order.setdefault(value, len(order))
            digest.update(value.tobytes() if hasattr(value, "tobytes") else repr(value).encode())
            digest.update(bytes([place % 256]))
        for child in element.elems:
            feed(child, element.id in (b"Objects", b"Connections"))

    for element in root.elems:
        feed(element, False)
    return digest.hexdigest()[:24]


if __name__ == "__main__":
    main()
