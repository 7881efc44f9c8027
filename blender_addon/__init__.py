"""Facegen for Blender: animates the face of any neutral head as shape keys and FBX."""

from __future__ import annotations

from pathlib import Path

# What comes with the add-on: a model, and presets.
_ASSETS = Path(__file__).parent / "assets"
DEFAULT_BUNDLE = _ASSETS / "default.facegen"
SHIPPED_PRESETS = _ASSETS / "presets"


def register() -> None:
    """Add classes, properties and the menu entry to Blender."""
    from . import (
        engine_view,
        event_overlay,
        handlers,
        live,
        operators,
        panels,
        preferences,
        properties,
        translations,
    )

    rooms = (preferences, engine_view, properties, translations, operators, panels, handlers, live)
    for module in (*rooms, event_overlay):
        module.register()


def unregister() -> None:
    """Stop workers, then take away everything that `register` added."""
    from . import (
        engine_view,
        event_overlay,
        handlers,
        jobs,
        live,
        operators,
        panels,
        preferences,
        properties,
        translations,
    )
    from .scene import state

    event_overlay.unregister()
    live.unregister()
    jobs.cancel_all()
    rooms = (handlers, panels, operators, translations, properties, engine_view, preferences)
    for module in rooms:
        module.unregister()
    state.forget_all()
