"""German: shape key is Formschlüssel, to bake backen, to match anpassen, key frame Keyframe."""

from __future__ import annotations

from . import (
    baking,
    clips,
    curves,
    doctor,
    engine,
    events,
    export,
    face,
    layers,
    motion,
    presets,
    refusals,
    scene_refusals,
)

TEXTS: dict[str, str] = {
    **face.TEXTS,
    **curves.TEXTS,
    **events.TEXTS,
    **presets.TEXTS,
    **layers.TEXTS,
    **motion.TEXTS,
    **baking.TEXTS,
    **clips.TEXTS,
    **engine.TEXTS,
    **export.TEXTS,
    **doctor.TEXTS,
    **refusals.TEXTS,
    **scene_refusals.TEXTS,
}
