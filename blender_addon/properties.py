"""What Facegen keeps on objects: the channels, what was matched, how to generate."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS
from facegen_core.landmark_inference import MAX_AMOUNT
from facegen_core.pipeline import DEFAULT_MAX_ERROR_MM

from .generators import GENERATORS, STEADY
from .preferences import model_in_use
from .scene import channels

BAKE_MODES = (
    ("compact", "Compact", "Few shape keys that together play the clip within the tolerance"),
    ("frames", "Frames", "One shape key for every frame that moves: exact, but larger"),
)
RANGES = (
    ("expressions", "Expressions", "From the first to the last key of an expression"),
    ("scene", "Scene", "The frame range of the scene"),
    ("custom", "Custom", "From Start to End"),
)


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


def _remember_slots(settings: FacegenObject, context: bpy.types.Context) -> None:
    """From the first touch on, the slots of the model in use keep their expressions."""
    with suppress(FacegenError):  # the panel shows what is wrong
        channels.claim(settings.id_data, model_in_use(context).expressions)


def _slot(attribute: str) -> FloatProperty:
    number = attribute.rpartition("_")[2]
    subject = "an expression that the model in use has beside the six"
    return _channel(f"Own Expression {number}", subject, update=_remember_slots)


class FacegenFoundPart(bpy.types.PropertyGroup):
    """A row of the parts of a head: one part, or a heading for parts alike (`name` is the kind)."""

    motion: StringProperty(name="Motion")
    num_parts: IntProperty(name="Parts", default=1)
    num_vertices: IntProperty(name="Vertices")
    confidence: FloatProperty(name="Confidence", default=1.0)
    is_welded: BoolProperty(name="Welded")
    is_corrected: BoolProperty(name="Corrected")
    object_name: StringProperty(name="Object")
    # A JSON list: the lowest vertex of every part, in the joined mesh of the match.
    keys: StringProperty(name="Keys", default="[]")
    group: IntProperty(name="Heading", default=-1)
    is_heading: BoolProperty(name="Heading")
    is_expanded: BoolProperty(name="Open", description="Show every part of this kind")


class FacegenObject(bpy.types.PropertyGroup):
    """`object.facegen`: channels and settings of a head; links of its parts and landmarks."""

    __annotations__ = {
        **{name: _channel(name.capitalize(), name) for name in EXPRESSIONS},
        **{attribute: _slot(attribute) for attribute in channels.SLOTS},
        # A line per slot: the expression it stands for, empty where it has none yet.
        "own_expressions": StringProperty(name="Own Expressions", override={"LIBRARY_OVERRIDABLE"}),
        # On the other objects of a matched head; never on the head itself, whose users would
        # then include itself, and Blender would not let go of it.
        "head": PointerProperty(
            type=bpy.types.Object, name="Head", description="The head this object belongs to"
        ),
        # On the empties of landmarks: the number, how sure the match was of it (below 0 for one
        # placed by hand), where the match put it on the head, and whether the artist moved it.
        "landmark": IntProperty(name="Landmark", default=-1, min=-1, max=67),
        "landmark_confidence": FloatProperty(name="Confidence", default=-1.0),
        "landmark_home": FloatVectorProperty(name="Found At", size=3),
        "is_pinned": BoolProperty(name="Pinned"),
        # On the head: which landmarks the last match went by (`scene.landmarks.landmark_key`).
        "landmark_key": StringProperty(name="Landmarks"),
        "num_unsure": IntProperty(name="Unsure Landmarks"),
        "is_refit_live": BoolProperty(
            name="Match After Dragging",
            description="Match again by itself a moment after a landmark was dragged",
            default=False,
        ),
        # On every object of a head: JSON, the parts the artist corrected (scene/corrections.py).
        "corrections": StringProperty(name="Corrections"),
        "found_parts": CollectionProperty(type=FacegenFoundPart),
        "active_part": IntProperty(name="Part", default=0, min=0),
        # JSON, the active colour attribute from before the heat map; empty while it is off.
        "heat_map": StringProperty(name="Heat Map"),
        "is_matched": BoolProperty(name="Matched"),
        "residual_mean_mm": FloatProperty(name="Mean Residual (mm)", precision=2),
        "residual_p95_mm": FloatProperty(name="95 % Residual (mm)", precision=2),
        "verdict": StringProperty(name="Verdict"),
        "warnings": StringProperty(name="Warnings"),
        "mm_per_local_unit": FloatProperty(name="Millimetres per Unit", default=1.0),
        "bundle_hash": StringProperty(name="Model"),
        "fingerprint": StringProperty(name="Shape"),
        "clip_name": StringProperty(
            name="Clip",
            description="Shape keys are called FG_<clip>_01 and so on; generating a clip again "
            "replaces its keys",
            default="clip",
            maxlen=40,
        ),
        "frame_range": EnumProperty(name="Range", items=RANGES, default="expressions"),
        "frame_start": IntProperty(name="Start", default=1),
        "frame_end": IntProperty(name="End", default=48),
        "generator": EnumProperty(name="Generator", items=GENERATORS, default=STEADY),
        "variation_seed": IntProperty(
            name="Seed",
            description="Which variation: the same number is always the same motion",
            default=0,
            min=0,
        ),
        "variation_amount": FloatProperty(
            name="Amount",
            description="How far a variation strays from the mean motion: 0 is the mean itself, 1 "
            "as far as faces do",
            default=1.0,
            min=0.0,
            max=MAX_AMOUNT,
            subtype="FACTOR",
        ),
        "bake_mode": EnumProperty(name="Bake", items=BAKE_MODES, default="compact"),
        "tolerance_mm": FloatProperty(
            name="Tolerance (mm)",
            description="Largest distance in millimetres, on a head of real size, between the "
            "shape keys and the generated motion",
            default=DEFAULT_MAX_ERROR_MM,
            min=0.001,
            max=10.0,
            precision=3,
        ),
        "mask_group": StringProperty(
            name="Weaken by Vertex Group",
            description="Vertex group whose weights multiply the motion: 1 moves fully, 0 rests. "
            "Objects of the head without this group move fully",
        ),
        "is_mask_inverted": BoolProperty(
            name="Invert", description="Weight 1 rests, 0 moves fully", default=False
        ),
        "use_contact": BoolProperty(
            name="Contact",
            description="Keep lips, lids and teeth out of each other: lids close on the eyeball, "
            "lips meet, teeth stay inside",
            default=True,
        ),
        # JSON, millimetres before and after; empty where contact was off.
        "contact": StringProperty(name="Contact Found"),
        "num_keys": IntProperty(name="Shape Keys", default=-1),
        # In words, which generator made the keys, and which variation.
        "made_by": StringProperty(name="Made By"),
        "bake_error_mm": FloatProperty(name="Bake Error (mm)", precision=3),
    }


CLASSES = (FacegenFoundPart, FacegenObject)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Object.facegen = PointerProperty(type=FacegenObject, override={"LIBRARY_OVERRIDABLE"})


def unregister() -> None:
    del bpy.types.Object.facegen
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
