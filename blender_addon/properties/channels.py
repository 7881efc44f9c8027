"""The keyable intensity channels of a head."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import bpy
from bpy.props import FloatProperty, StringProperty

from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS

from ..preferences import model_in_use
from ..scene import channels


def _channel(name: str, subject: str, **options: Any) -> FloatProperty:
    return FloatProperty(
        name=name,
        description=f"Intensity of {subject}: 0 is the neutral face, 1 the full expression",
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        options={"ANIMATABLE"},
        override={"LIBRARY_OVERRIDABLE"},
        **options,
    )


def _remember_slots(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """From the first touch on, the slots of the model in use keep their expressions."""
    with suppress(FacegenError):  # the panel shows what is wrong
        channels.claim(settings.id_data, model_in_use(context).expressions)


def _slot(attribute: str) -> FloatProperty:
    number = attribute.rpartition("_")[2]
    subject = "an expression that the model in use has beside the six"
    return _channel(f"Own Expression {number}", subject, update=_remember_slots)


PROPERTIES = {
    **{name: _channel(name.capitalize(), name) for name in EXPRESSIONS},
    **{attribute: _slot(attribute) for attribute in channels.SLOTS},
    # A line per slot: the expression it stands for, empty where it has none yet.
    "own_expressions": StringProperty(name="Own Expressions", override={"LIBRARY_OVERRIDABLE"}),
}
