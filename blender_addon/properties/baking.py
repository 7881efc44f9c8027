"""How a rig is played, and into which keys of the artist's a clip is solved."""

from __future__ import annotations

from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

RIG_BY = (
    (
        "drivers",
        "Drivers",
        "The sliders and curves of the expressions move the face by themselves, with no Generate",
    ),
    (
        "curves",
        "Curves",
        "Keyframes on every key of the rig, as near to the generated motion as they come",
    ),
)
ONTO = (
    ("all", "All", "Every relative shape key of the head that Facegen did not make"),
    ("arkit", "ARKit Names", "Only keys with the names that face tracking uses: jawOpen, …"),
    ("named", "By Name", "Only the keys that are listed"),
)

PROPERTIES = {
    "rig_by": EnumProperty(name="Played by", items=RIG_BY, default="drivers"),
    "onto": EnumProperty(name="Keys", items=ONTO, default="all"),
    "onto_names": StringProperty(
        name="Names",
        description="Names of shape keys, separated by commas; a star stands for any ending: "
        "jawOpen, mouth*",
    ),
    "replaces_curves": BoolProperty(
        name="Replace Curves",
        description="Let keyframes of your own on these keys give way; otherwise Facegen refuses",
        default=False,
    ),
    "solve_smoothness": FloatProperty(
        name="Smoothness",
        description="How much the keys are kept from jumping between frames: 0 is each frame for "
        "itself",
        default=0.1,
        min=0.0,
        max=10.0,
        soft_max=1.0,
    ),
    "solve_sparsity": FloatProperty(
        name="Prefer Few Keys",
        description="How much a key must do to be used at all: 0 uses every key that helps",
        default=0.002,
        min=0.0,
        max=0.1,
        precision=3,
        step=0.1,
    ),
    # JSON, `baking.KeyBake.figures`; empty after a compact or a frames bake.
    "key_figures": StringProperty(name="Keys Played"),
}
