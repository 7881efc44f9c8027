"""The artist's desk at which random acts are done: what is on it, and how an act ends there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import bpy
import harness
from file_state import State, state_now
from harness import FOLDER, addon

# An act was done with an undo step of its own, done without one, or refused with a sentence.
STEPPED, DONE, REFUSED = "stepped", "done", "refused"
# At most so many heads at a time, and of so many vertices: an act takes a fraction of a second.
MOST_HEADS, KEPT_SHARE = 3, 0.12
# Refusals that are no refusals: what the add-on says when something unforeseen happened.
UNFORESEEN = ("traceback", "failed, nothing was changed", "error(")


class WrongError(AssertionError):
    """What must be true after an act is not."""


@dataclass
class Desk:
    """What is remembered between acts: sentences that were read, and files that were written."""

    sentences: dict[str, str] = field(default_factory=dict)
    number: int = 0
    begun: State | None = None

    def begin(self, ended: str) -> None:
        """From here on the act is Facegen's: before it, settings were turned by hand."""
        self.begun = state_now()

    def head(self, act: dict[str, Any]) -> bpy.types.Object | None:
        """The head an act means, made the active one; None where the file has none."""
        heads = self.heads()
        if not heads:
            return None
        head = heads[act["head"] % len(heads)]
        harness.activate(head)
        return head

    def heads(self) -> list[bpy.types.Object]:
        scene = bpy.context.scene
        found = [o for o in scene.objects if o.type == "MESH" and not o.name.startswith("Thing")]
        return sorted(found, key=lambda obj: obj.name)

    def press(self, name: str, /, **properties: Any) -> str:
        """Press one of Facegen's buttons; how it ended."""
        button = getattr(bpy.ops.facegen, name)
        self.number += 1
        try:
            done = button("EXEC_DEFAULT", True, **properties)
        except RuntimeError as error:
            sentence = str(error).strip()
            self.read(name, sentence)
            return REFUSED
        if done != {"FINISHED"}:
            return REFUSED
        act = next(c for c in addon("operators").CLASSES if c.bl_idname == f"facegen.{name}")
        return STEPPED if "UNDO" in getattr(act, "bl_options", ()) else DONE

    def read(self, name: str, sentence: str) -> None:
        """A refusal must be a sentence for people."""
        if any(word in sentence.lower() for word in UNFORESEEN):
            raise WrongError(f"{name} says: {sentence}")
        self.sentences.setdefault(f"{name}: {sentence[:60]}", sentence)

    def path(self, ending: str) -> str:
        """A name that no file has, of an earlier desk neither."""
        while True:
            self.number += 1
            path = FOLDER / f"file {self.number}{ending}"
            if not path.exists():
                return str(path)


def step(message: str) -> str:
    """An undo step, as Blender makes one after each act in its interface."""
    bpy.ops.ed.undo_push(message=message)
    return STEPPED


def settle(seconds: float = 60.0) -> None:
    """What the timer of live update does until it rests."""
    live, until = addon("live"), time.monotonic() + seconds
    live.wake()
    while (wait := live.follow()) is not None:
        if time.monotonic() > until:
            raise WrongError("live update does not come to rest")
        time.sleep(min(wait, 0.02))


def is_any_live() -> bool:
    return any(obj.facegen.is_live for obj in bpy.data.objects)


def chosen(things: Any, number: int) -> Any:
    """One of several by any number, None where there is none."""
    things = list(things)
    return things[number % len(things)] if things else None


def facegen_keys(head: bpy.types.Object) -> set[str]:
    """Names of the keys that Facegen made on a head and that are still there."""
    keys = head.data.shape_keys
    if keys is None:
        return set()
    made = addon("scene.shape_keys").clips_on(keys)
    return {name for names in made.values() for name in names if name in keys.key_blocks}
