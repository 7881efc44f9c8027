"""German: shape key is Formschlüssel, to bake backen, to match anpassen, key frame Keyframe."""

from __future__ import annotations

from . import curves, export, face, motion, refusals

TEXTS: dict[str, str] = {
    **face.TEXTS,
    **curves.TEXTS,
    **motion.TEXTS,
    **export.TEXTS,
    **refusals.TEXTS,
}
