"""Where a clip of a head goes, and what was found and proved when it went."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..scene.export_presets import BY_IDENTIFIER, PRESETS


def _propose(settings: Any, context: bpy.types.Context) -> None:
    """Take over what the chosen preset proposes."""
    preset = BY_IDENTIFIER[settings.export_preset]
    settings.export_root_bone = preset.has_root_bone
    settings.export_starts_at_zero = preset.starts_at_zero
    settings.export_findings = settings.export_report = ""


PROPERTIES = {
    "export_preset": EnumProperty(
        name="For",
        description="Where the clip goes: decides format, axes, unit and what is exported",
        items=[(p.identifier, p.label, p.description) for p in PRESETS],
        default="blender",
        update=_propose,
    ),
    "export_film_format": EnumProperty(
        name="Format",
        items=(
            (".usdc", "USD", "Blendshapes and their animation"),
            (".abc", "Alembic", "Point cache: every vertex on every frame"),
        ),
    ),
    "export_root_bone": BoolProperty(
        name="Root Bone",
        description="Skin everything to one bone, for engines that take only a skinned mesh for "
        "one that can have shape keys",
    ),
    "export_starts_at_zero": BoolProperty(
        name="Start at 0",
        description="The first frame of the clip is frame 0 of the file; else it is the frame it "
        "has in the scene",
    ),
    "export_writes_report": BoolProperty(
        name="Write Report",
        description="Also write what was found and proved as JSON beside the file",
    ),
    # JSON: the findings of the last check, and the report of the last export.
    "export_findings": StringProperty(name="Findings"),
    "export_report": StringProperty(name="Last Export"),
}
