"""A newcomer's first smile on any head: new scene, smile, bake, export; clicks and seconds counted.

The heads are the sample of the add-on and every .obj beside the zip's folder ("heads"), which the
test that runs this script puts there. Each act stands for the clicks it takes in a window.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import harness
import numpy as np
from harness import FOLDER, addon, world_positions

MOST_CLICKS, LONGEST_WAIT_SECONDS = 10, 60.0
# Landmarks of the mouth's corners, and millimetres a smile lifts them and moves anything at most.
CORNERS, LIFT_MM, MOST_MM = (48, 54), 1.5, 30.0
state, landmarks = addon("scene.state"), addon("scene.landmarks")
HEADS = sorted((FOLDER.parent / "heads").glob("*.obj"))


class Newcomer:
    """Counts what the way to a smile costs; waiting is the processor's time, as if alone."""

    def __init__(self) -> None:
        self.clicks, self.waited = 0, 0.0

    def act(self, clicks: int, operator: Callable[..., Any], **options: Any) -> None:
        started = time.process_time()
        assert operator(**options) == {"FINISHED"}
        self.clicks, self.waited = self.clicks + clicks, self.waited + time.process_time() - started

    def smiles(self, path: Path | None) -> Path:
        """From an empty scene to an FBX; path of the head, None for the sample."""
        harness.empty_scene()
        if path is None:
            self.act(1, bpy.ops.facegen.add_head)  # the button of the empty tab
        else:
            self.act(3, bpy.ops.wm.obj_import, filepath=str(path))  # File > Import, OBJ, the file
            harness.activate(max(bpy.data.objects, key=lambda obj: len(obj.data.vertices)))
        self.act(1, bpy.ops.facegen.match)
        self.act(2, bpy.ops.facegen.add_expression, expression="happy")  # the button, then OK
        self.act(1, bpy.ops.facegen.generate)
        out = FOLDER / f"{path.stem if path else 'sample'}.fbx"
        self.act(2, bpy.ops.facegen.export_clip, filepath=str(out))  # the button, then the browser
        return out


def smile_mm(head: bpy.types.Object) -> tuple[float, float]:
    """How far both corners of the mouth rise at the apex, and the largest motion, in mm."""
    curve = addon("scene.actions").fcurves_of(head).find("facegen.happy")
    apex = int(max(curve.keyframe_points, key=lambda point: point.co[1]).co[0])
    moved = world_positions(head, apex) - (rest := world_positions(head, int(curve.range()[0])))
    scale = state.mm_per_unit(head)
    request = addon("operators.match").request_match(bpy.context, head, False)
    matched = addon("operators.match").run_match(request)
    places = landmarks.places_on_target(matched.head, matched.alignment)[list(CORNERS)]
    matrix = np.array(head.matrix_world)
    corners = places @ matrix[:3, :3].T + matrix[:3, 3]
    nearest = [int(np.linalg.norm(rest - corner, axis=1).argmin()) for corner in corners]
    return scale * moved[nearest, 2].min(), scale * np.linalg.norm(moved, axis=1).max()


def test_the_first_smile() -> None:
    for path in (None, *HEADS):
        newcomer = Newcomer()
        out = newcomer.smiles(path)
        head = bpy.context.active_object
        lift, most = smile_mm(head)
        print(
            f"{head.name}, {len(head.data.vertices):,} vertices: {newcomer.clicks} clicks, "
            f"{newcomer.waited:.1f} s of waiting, corners up {lift:.1f} mm, at most {most:.1f} mm"
        )
        assert newcomer.clicks <= MOST_CLICKS
        assert newcomer.waited <= LONGEST_WAIT_SECONDS
        assert lift >= LIFT_MM, lift
        assert most <= MOST_MM, most
        assert head.facegen.verdict in ("good", "fair"), head.facegen.warnings
        assert out.stat().st_size > 10_000


if __name__ == "__main__":
    harness.run(globals())
