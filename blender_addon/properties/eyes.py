"""Eyes of a head: blinks and gaze drawn from a seed, and both by hand; and whose the mouth is."""

from __future__ import annotations

import math

from bpy.props import BoolProperty, FloatProperty, IntProperty

from facegen_core.eye_motion import MAX_BLINKS_PER_MINUTE, MAX_GAZE, MAX_GAZE_AMOUNT

MAX_GAZE_DEGREES = math.degrees(MAX_GAZE)
_OVERRIDE = {"LIBRARY_OVERRIDABLE"}


def _gaze(name: str, where: str) -> FloatProperty:
    return FloatProperty(
        name=name,
        description=f"Degrees the eyes look {where}, on top of what is drawn",
        default=0.0,
        min=-MAX_GAZE_DEGREES,
        max=MAX_GAZE_DEGREES,
        step=100,
        precision=1,
        options={"ANIMATABLE"},
        override=_OVERRIDE,
    )


PROPERTIES = {
    "use_eyes": BoolProperty(
        name="Blinks and Gaze",
        description="Let the eyes live: blinks and shifts of gaze as people make them, also "
        "while no expression is played",
        default=False,
        options=set(),
        override=_OVERRIDE,
    ),
    "eye_seed": IntProperty(
        name="Seed",
        description="Another number, other blinks and looks; the same number, the same ones",
        default=0,
        min=0,
        options=set(),
        override=_OVERRIDE,
    ),
    "blinks_per_minute": FloatProperty(
        name="Blinks per Minute",
        description="How often in the mean; people blink 5 times while they read, 15 at rest, "
        "25 in talk",
        default=15.0,
        min=0.0,
        max=MAX_BLINKS_PER_MINUTE,
        precision=1,
        step=100,
        options=set(),
        override=_OVERRIDE,
    ),
    "gaze_amount": FloatProperty(
        name="Gaze",
        description="How far the eyes wander from where they look: 0 stares, 1 is restless",
        default=0.5,
        min=0.0,
        max=MAX_GAZE_AMOUNT,
        soft_max=1.0,
        subtype="FACTOR",
        options=set(),
        override=_OVERRIDE,
    ),
    "blink": FloatProperty(
        name="Blink",
        description="By hand: 0 leaves the eyes as they are, 1 shuts them, whatever is played",
        default=0.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        options={"ANIMATABLE"},
        override=_OVERRIDE,
    ),
    "gaze_x": _gaze("Look Left", "to the head's own left, below 0 to its right"),
    "gaze_y": _gaze("Look Up", "up, below 0 down"),
    "leaves_mouth": BoolProperty(
        name="Mouth Belongs to Speech",
        description="Leave mouth and jaw to visemes and other keys: Facegen moves only the rest",
        default=False,
        options=set(),
        override=_OVERRIDE,
    ),
}
