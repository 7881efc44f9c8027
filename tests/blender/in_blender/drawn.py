"""What panels draw, read without a window: a layout that keeps the names it is given."""

from __future__ import annotations

from typing import Any

import bpy
from harness import addon

panels = addon("panels")


class StubLayout:
    """Takes the calls that this Blender's layout takes, and keeps the names it was given."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    def __getattr__(self, name: str) -> Any:
        parameters = bpy.types.UILayout.bl_rna.functions[name].parameters

        def called(*arguments: Any, **options: Any) -> StubLayout:
            assert set(options) <= set(parameters.keys()), (name, options)
            if "icon" in options:
                assert options["icon"] in parameters["icon"].enum_items, options["icon"]
            if name == "prop":
                data, attribute = arguments[:2]
                assert hasattr(data, attribute), attribute
            if name == "operator":
                group, act = arguments[0].split(".")
                assert act in dir(getattr(bpy.ops, group)), arguments[0]
            self.seen += [str(a) for a in arguments] + [str(v) for v in options.values()]
            return StubLayout(self.seen)

        return called


def drawn() -> list[str]:
    """Names and texts that all panels of the tab draw now."""
    seen: list[str] = []
    for cls in panels.CLASSES:
        if cls.poll(bpy.context):
            panel = type("Stub", (), {"layout": StubLayout(seen)})()
            cls.draw(panel, bpy.context)
    return seen
