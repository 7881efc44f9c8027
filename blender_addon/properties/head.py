"""What is known of a head: what was matched and found, its landmarks, what the artist corrected."""

from __future__ import annotations

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)


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


PROPERTIES = {
    # On whatever Facegen keeps something on: which schema that is of (scene/schema.py).
    "schema": IntProperty(default=0, min=0),
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
}
CLASSES = (FacegenFoundPart,)
