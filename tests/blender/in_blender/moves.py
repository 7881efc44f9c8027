"""What wrong moves start from: a matched sample head with a smile, and acts taken in pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy
import harness
from harness import addon
from sample import know_sample_head

jobs, state = addon("jobs"), addon("scene.state")
generate_module = addon("operators.generate")
SMILE = {"onset_start": 1, "apex_start": 4, "apex_end": 6, "offset_end": 10}
# One generation serves all tests: the head and its curves are the same in each.
_kept: dict[str, Any] = {}


def smiling_head() -> bpy.types.Object:
    """The sample head, matched, with a smile keyed; a match is made once and then recalled."""
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    head = bpy.context.active_object
    know_sample_head()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert bpy.ops.facegen.add_expression(expression="happy", **SMILE) == {"FINISHED"}
    return head


class Piece:
    """An operator that works in the background, taken apart: what happens in between is yours.

    Blender makes operators only as it runs them, so the methods act on a stand-in.
    """

    def __init__(self, name: str, **properties: Any) -> None:
        act = getattr(addon("operators"), f"FACEGEN_OT_{name}")
        mixins = [base for base in act.__mro__ if base.__module__.startswith(harness.PACKAGE)]
        body: dict[str, Any] = {}
        for base in reversed(mixins):
            body |= {k: v for k, v in vars(base).items() if callable(v) and not k.startswith("__")}
        self.reports: list[tuple[set[str], str]] = []
        self._operator = type(name, (), body | {"bl_label": act.bl_label} | properties)()
        self._operator.report = lambda kind, text: self.reports.append((kind, text))

    def run(self) -> Any:
        """Read the scene and do the work; what came of it, for `finish`."""
        self._work = self._operator.begin(bpy.context)
        return self._work(lambda fraction, message: None)

    def finish(self, result: Any) -> set[str]:
        return self._operator._finish_or_refuse(bpy.context, result)

    def finish_or_raise(self, result: Any) -> None:
        """Finish, and raise what is reported as an error, as `bpy.ops` does."""
        self.reports.clear()
        done = self.finish(result)
        if done == {"CANCELLED"}:
            assert len(self.reports) == 1, self.reports
            raise RuntimeError(self.reports[0][1])


def generated(piece: Piece) -> Any:
    """What `piece`, a Generate of `smiling_head`, makes; worked out once, its request each time."""
    if "result" not in _kept:
        _kept["result"] = piece.run()
    else:
        piece._operator.begin(bpy.context)
    return _kept["result"]


def refused_after(change: Callable[[bpy.types.Object], Any], *words: str) -> str:
    """The sentence when the scene is changed while Generate works; the change alone stays."""
    head = smiling_head()
    piece = Piece("generate")
    result = generated(piece)
    change(head)
    bpy.context.view_layer.update()
    return harness.refused(lambda: piece.finish_or_raise(result), *words)
