"""The tab in German: what Blender shows of it, read off the screen."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
from findings import check, figures, screenshot
from hand import find, scroll_sidebar, view_area


def visit() -> Iterator[float]:
    interface = bpy.context.preferences.view
    languages = {item.identifier for item in interface.bl_rna.properties["language"].enum_items}
    try:
        interface.language = "de_DE"
    except TypeError:  # a Blender built without its translations
        figures["languages"] = len(languages)
        return
    interface.use_translate_interface = interface.use_translate_tooltips = True
    view_area().tag_redraw()
    yield 1.5
    yield from scroll_sidebar("4")
    yield 1.0
    screenshot("60-german")
    for word in ("Gesicht", "Anpassen", "Ausdruck hinzufügen"):
        place = yield from find(word)
        check(f"the tab says {word}", place is not None)
    interface.language = "en_US"
    yield 1.0
