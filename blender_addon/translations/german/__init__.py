"""German: shape key is Formschlüssel, to bake backen, to match anpassen, key frame Keyframe."""

from __future__ import annotations

from . import (
    baking,
    clips,
    counts,
    curves,
    doctor,
    engine,
    events,
    export,
    face,
    file_words,
    layers,
    motion,
    presets,
    refusals,
    scene_refusals,
)

TEXTS: dict[str, str] = {
    **counts.TEXTS,
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
    **file_words.TEXTS,
    **refusals.TEXTS,
    **scene_refusals.TEXTS,
}
