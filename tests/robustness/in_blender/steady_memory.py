"""Generates and removes again and again: memory and data-blocks stay as they are.

    plan.json beside the folder of files: {"generations": N, "warm_up": N, "how": HOW}

HOW: "facegen"; "undo", the same with Blender's undo steps; "blender", keys and curves like those
that Facegen wrote, by calls of Blender alone.

Writes result.json there: memory in MB after each generation, data-blocks before and after.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import bpy
import facegen_acts
import harness
import numpy as np
from desk import Desk
from file_state import blocks_now, orphans_now
from harness import FOLDER
from process_memory import in_use_mb, resident_mb

_PLACE = FOLDER.parent
BAKES = ("compact", "frames", "rig", "compact", "arkit")
# Generations after which the result is written again.
KEPT_EVERY = 20
MARKS = {"onset_start": 1, "apex_start": 4, "apex_end": 6, "offset_end": 10}
Round = Callable[[bpy.types.Object, int], None]


def generate(head: bpy.types.Object, number: int, steps: bool = False) -> None:
    """One round: generate and bake in one of the modes, and take the keys away again."""
    press(head, number, steps)
    assert bpy.ops.facegen.remove_keys("EXEC_DEFAULT", steps) == {"FINISHED"}


def press(head: bpy.types.Object, number: int, steps: bool = False) -> None:
    settings = head.facegen
    settings.bake_mode = BAKES[number % len(BAKES)]
    settings.generator = ("lstm", "lm4dgan")[number // len(BAKES) % 2]
    settings.variation_seed = number % 3
    assert bpy.ops.facegen.generate("EXEC_DEFAULT", steps) == {"FINISHED"}


def with_undo(head: bpy.types.Object, number: int) -> None:
    generate(head, number, steps=True)


class Copies:
    """What Facegen writes, written again without it: keys, and the points of their curves."""

    def __init__(self, head: bpy.types.Object) -> None:
        self._of: list[list[tuple[str, np.ndarray, list[tuple[float, float]]]]] = []
        for number in range(len(BAKES)):
            press(head, number)
            keys = head.data.shape_keys
            points = harness.curves_of(keys)
            self._of.append(
                [
                    (key.name, harness.key_positions(key).ravel(), points.get(_path(key.name), []))
                    for key in keys.key_blocks[1:]
                ]
            )
            assert bpy.ops.facegen.remove_keys("EXEC_DEFAULT", False) == {"FINISHED"}
        if head.data.shape_keys is not None:
            head.shape_key_clear()

    def write(self, head: bpy.types.Object, number: int) -> None:
        """One round, and what was written is taken away again."""
        head.shape_key_add(name="Basis", from_mix=False)
        for name, positions, points in self._of[number % len(BAKES)]:
            key = head.shape_key_add(name=name, from_mix=False)
            key.data.foreach_set("co", positions)
            for frame, value in points:
                key.value = value
                key.keyframe_insert("value", frame=frame)
        bpy.context.view_layer.update()
        animation = head.data.shape_keys.animation_data
        action = animation.action if animation else None
        head.shape_key_clear()
        if action is not None:
            bpy.data.actions.remove(action)
        bpy.context.view_layer.update()


def _path(name: str) -> str:
    return f'key_blocks["{name}"].value'


def counted() -> dict[str, Any]:
    return {"blocks": blocks_now(), "orphans": orphans_now()}


def main() -> None:
    plan = json.loads((_PLACE / "plan.json").read_text())
    harness.empty_scene()
    facegen_acts.add_head(Desk(), {})
    head = bpy.context.active_object
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert bpy.ops.facegen.add_expression(expression="happy", **MARKS) == {"FINISHED"}
    act: Round = {"facegen": generate, "undo": with_undo}.get(plan["how"]) or Copies(head).write
    for warm in range(plan["warm_up"]):
        act(head, warm)
    before, files = counted(), len(os.listdir("/proc/self/fd"))
    in_use, resident = [], []
    for number in range(plan["generations"]):
        act(head, number)
        in_use.append(in_use_mb())
        resident.append(resident_mb())
        if len(in_use) % KEPT_EVERY == 0 or len(in_use) == plan["generations"]:
            keep(
                {
                    "in_use_mb": in_use,
                    "resident_mb": resident,
                    "before": before,
                    "after": counted(),
                    "files": [files, len(os.listdir("/proc/self/fd"))],
                    "threads": sorted(thread.name for thread in threading.enumerate()),
                }
            )
    sys.stdout.flush()
    os._exit(0)


def keep(result: dict[str, Any]) -> None:
    """In one piece; a run that is cut short has said how far it came."""
    unfinished = _PLACE / "unfinished.json"
    unfinished.write_text(json.dumps(result))
    unfinished.replace(_PLACE / "result.json")


if __name__ == "__main__":
    main()
