"""`object.facegen`: what Facegen keeps on objects, a room a file."""

from __future__ import annotations

import bpy
from bpy.props import PointerProperty

from . import baking, channels, clips, events, exporting, eyes, generating, head, layers, live


class FacegenObject(bpy.types.PropertyGroup):
    """Channels and settings of a head; links of its parts and landmarks."""

    __annotations__ = {
        **channels.PROPERTIES,
        **head.PROPERTIES,
        **generating.PROPERTIES,
        **exporting.PROPERTIES,
        **layers.PROPERTIES,
        **live.PROPERTIES,
        **baking.PROPERTIES,
        **eyes.PROPERTIES,
        **events.PROPERTIES,
        **clips.PROPERTIES,
    }


# What a collection holds is registered before what holds it.
CLASSES = (*head.CLASSES, *events.CLASSES, *clips.CLASSES, FacegenObject)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Object.facegen = PointerProperty(type=FacegenObject, override={"LIBRARY_OVERRIDABLE"})
    events.register()


def unregister() -> None:
    events.unregister()
    del bpy.types.Object.facegen
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
