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
        event_overlay,
        handlers,
        live,
        operators,
        panels,
        preferences,
        properties,
        translations,
    )

    rooms = (preferences, properties, translations, operators, panels, handlers, live)
    for module in (*rooms, event_overlay):
        module.register()


def unregister() -> None:
    """Stop workers, then take away everything that `register` added."""
    from . import (
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
    for module in (handlers, panels, operators, translations, properties, preferences):
        module.unregister()
    state.forget_all()
