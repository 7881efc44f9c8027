"""How a clip of a head is generated and baked, and what came of it."""

from __future__ import annotations

from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from facegen_core.landmark_inference import MAX_AMOUNT
from facegen_core.pipeline import DEFAULT_MAX_ERROR_MM

from ..generators import GENERATORS, STEADY

BAKE_MODES = (
    ("compact", "Compact", "Few shape keys that together play the clip within the tolerance"),
    ("frames", "Frames", "One shape key for every frame that moves: exact, but larger"),
    (
        "rig",
        "Rig",
        "A shape key for every expression and region of the face, which sliders or curves play: "
        "editable forever",
    ),
    (
        "existing",
        "Existing Keys",
        "Play shape keys that the head has already; no key is made, and the error is told",
    ),
    (
        "arkit",
        "ARKit",
        "Play the shape keys of face tracking and game engines, which are made where they are "
        "missing",
    ),
)
RANGES = (
    ("expressions", "Expressions", "From the first to the last key of an expression"),
    ("scene", "Scene", "The frame range of the scene"),
    ("custom", "Custom", "From Start to End"),
)


PROPERTIES = {
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
