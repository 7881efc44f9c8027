"""Generates and removes again and again: memory and data-blocks stay as they are.

    plan.json beside the folder of files: {"generations": N}

Writes result.json there: memory in MB after each generation, data-blocks before and after.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

import bpy
import facegen_acts
import harness
from desk import Desk
from file_state import blocks_now, orphans_now
from harness import FOLDER

_PLACE = FOLDER.parent
BAKES = ("compact", "frames", "rig", "compact", "arkit")
# Rounds of every mode before memory is compared: caches are full by then.
WARM_UP = 3 * len(BAKES)
MARKS = {"onset_start": 1, "apex_start": 4, "apex_end": 6, "offset_end": 10}


def memory_mb() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def generate(head: bpy.types.Object, number: int) -> None:
    """One round: generate and bake in one of the modes, and take the keys away again."""
    settings = head.facegen
    settings.bake_mode = BAKES[number % len(BAKES)]
    settings.generator = ("lstm", "lm4dgan")[number // len(BAKES) % 2]
    settings.variation_seed = number % 3
    assert bpy.ops.facegen.generate("EXEC_DEFAULT", False) == {"FINISHED"}
    assert bpy.ops.facegen.remove_keys("EXEC_DEFAULT", False) == {"FINISHED"}


def counted() -> dict[str, Any]:
    return {"blocks": blocks_now(), "orphans": orphans_now()}


def main() -> None:
    number = json.loads((_PLACE / "plan.json").read_text())["generations"]
    harness.empty_scene()
    facegen_acts.add_head(Desk(), {})
    head = bpy.context.active_object
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert bpy.ops.facegen.add_expression(expression="happy", **MARKS) == {"FINISHED"}
    for warm in range(WARM_UP):
        generate(head, warm)
    before, files = counted(), len(os.listdir("/proc/self/fd"))
    memory = []
    for k in range(number):
        generate(head, k)
        memory.append(memory_mb())
    result = {
        "memory_mb": memory,
        "before": before,
        "after": counted(),
        "files": [files, len(os.listdir("/proc/self/fd"))],
        "threads": sorted(thread.name for thread in threading.enumerate()),
    }
    (_PLACE / "result.json").write_text(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
