"""The eases of the core as Blender's menus list them."""

from __future__ import annotations

from facegen_core.eases import EASES

_WORDS = {
    "linear": ("Linear", "Straight; the model gives the motion its ease", "IPO_LINEAR"),
    "smooth": ("Smooth", "Gently out of one value and into the next", "IPO_BEZIER"),
    "swift": ("Swift", "Rests at both ends and is quick between them", "IPO_EASE_IN_OUT"),
    "quick": ("Quick", "At once, then settles", "IPO_EASE_OUT"),
    "slow": ("Slow", "Hesitates, then arrives", "IPO_EASE_IN"),
}
# (identifier, name, description, icon, number), as an EnumProperty takes them.
EASE_ITEMS = [(name, *_WORDS[name], number) for number, name in enumerate(EASES)]
