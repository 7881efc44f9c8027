"""Which property of a head carries which expression of a model.

The six expressions of our own models are properties by their names. Those of another model take
numbered slots, since properties must be there before the model is known; the head remembers which
expression each slot stands for, so that keys keep their meaning when another model is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy

from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS

from . import actions

# Two models with as many expressions as the CoMA data (12) can both be keyed on one head.
SLOTS = tuple(f"own_{number:02d}" for number in range(1, 25))


@dataclass(frozen=True)
class Channel:
    """An expression of a model, and the property of `object.facegen` that is its intensity."""

    expression: str
    attribute: str

    @property
    def data_path(self) -> str:
        """Where the channel lives on the head object, as F-curves name it."""
        return f"facegen.{self.attribute}"

    @property
    def label(self) -> str:
        return label(self.expression)


def label(expression: str) -> str:
    """The expression as the artist reads it: "mouth_open" is "Mouth open"."""
    words = expression.replace("_", " ")
    return words[:1].upper() + words[1:]


def channels_of(head: bpy.types.Object, expressions: Sequence[str]) -> tuple[Channel, ...]:
    """The channels of a model's expressions on this head, in the model's order; writes nothing.

    Raises FacegenError when the head has no slot left for them.
    """
    slots = _slots(head, expressions)
    attributes = {name: slot for slot, name in zip(SLOTS, slots, strict=True) if name}
    return tuple(
        Channel(name, name if name in EXPRESSIONS else attributes[name]) for name in expressions
    )


def claim(head: bpy.types.Object, expressions: Sequence[str]) -> tuple[Channel, ...]:
    """The same channels, and the head remembers their slots from now on."""
    names = "\n".join(_slots(head, expressions)).rstrip("\n")
    if head.facegen.own_expressions != names:
        head.facegen.own_expressions = names
    return channels_of(head, expressions)


def all_channels(head: bpy.types.Object) -> tuple[Channel, ...]:
    """Every channel of a head, of whichever model; a slot that has no name yet goes by its own."""
    built_in = [Channel(name, name) for name in EXPRESSIONS]
    slots = zip(_remembered(head), SLOTS, strict=True)
    return (*built_in, *(Channel(name or slot, slot) for name, slot in slots))


def _remembered(head: bpy.types.Object) -> list[str]:
    """The expression of every slot, empty where it has none."""
    names = head.facegen.own_expressions.split("\n")
    return (names + [""] * len(SLOTS))[: len(SLOTS)]


def _slots(head: bpy.types.Object, expressions: Sequence[str]) -> list[str]:
    """The expression of every slot once those of this model have theirs.

    A new model takes its slots from the first on where they are free, so that heads of one model
    can share actions; then whatever is free; then slots of other models that nothing uses.
    """
    names = _remembered(head)
    own = [name for name in expressions if name not in EXPRESSIONS]
    for position, name in enumerate(own[: len(SLOTS)]):
        if name not in names and not names[position]:
            names[position] = name
    for name in own:
        if name not in names:
            names[_free_slot(head, names, own)] = name
    return names


def _free_slot(head: bpy.types.Object, names: Sequence[str], own: Sequence[str]) -> int:
    if len(own) > len(SLOTS):
        raise FacegenError(
            f"This model has {len(own)} expressions of its own, Facegen has room for {len(SLOTS)}: "
            "train one with fewer."
        )
    for slot, name in enumerate(names):
        if not name:
            return slot
    for slot, name in enumerate(names):
        if name not in own and not _is_used(head, SLOTS[slot]):
            return slot
    raise FacegenError(
        f"'{head.name}' is full of keys for other models: remove the curves of expressions you no "
        "longer need, or set them to 0."
    )


def _is_used(head: bpy.types.Object, attribute: str) -> bool:
    """Whether the artist would miss the slot: it is not at 0, keyed or driven."""
    path, data = f"facegen.{attribute}", head.animation_data
    if getattr(head.facegen, attribute):
        return True
    if data is None:
        return False
    curves = [*(actions.fcurves_of(head) or ()), *data.drivers]
    # Strips may play any action; rather too careful than a key that means something else.
    return bool(data.nla_tracks) or any(curve.data_path == path for curve in curves)
