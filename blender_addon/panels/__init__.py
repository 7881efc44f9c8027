"""The sidebar tab: Face, Expressions, Generate, Export, in the order of the work; a room a file."""

from __future__ import annotations

import bpy

from . import (
    clips,
    events,
    export,
    expressions,
    eyes,
    face,
    footer,
    generate,
    layers,
    presets,
    variations,
)
from .base import LINE_LENGTH

__all__ = ["CLASSES", "LINE_LENGTH", "register", "unregister"]

# In the order of the tab: a sub-panel stands below its parent in the order it is registered.
CLASSES = (
    *face.CLASSES,
    *expressions.CLASSES,
    *events.CLASSES,
    *presets.CLASSES,
    *layers.CLASSES,
    *eyes.CLASSES,
    *generate.CLASSES,
    *variations.CLASSES,
    *clips.CLASSES,
    *generate.LAST_CLASSES,
    *export.CLASSES,
    *footer.CLASSES,
)
LISTS = (*face.LISTS, *events.LISTS, *clips.LISTS)


def register() -> None:
    for cls in (*LISTS, *CLASSES):
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed((*LISTS, *CLASSES)):
        bpy.utils.unregister_class(cls)
