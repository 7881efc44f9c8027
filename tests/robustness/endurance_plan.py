"""Which acts an artist does at random: drawn from a seed as plain values, so that they replay.

An act names what it means by number (head 3 is the third, counted round), never by what is there
when it is done; so any part of a list of acts can be played alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

Act = dict[str, Any]

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise")
BAKES = ("compact", "frames", "rig", "existing", "arkit")
# How often each act is done, of all; what costs seconds (a new match) comes seldom.
WEIGHTS = {
    "add_head": 10,
    "match": 25,
    "generate": 130,
    "regenerate": 25,
    "restore_curves": 10,
    "remove_keys": 15,
    "variations": 8,
    "pick_variation": 15,
    "apply_preset": 20,
    "save_preset": 6,
    "remove_preset": 5,
    "presets_to_assets": 1,
    "add_expression": 70,
    "edit_event": 40,
    "set_layer": 20,
    "reset_layers": 6,
    "set_slider": 12,
    "set_eyes": 6,
    "set_range": 10,
    "name_next_clip": 10,
    "clip_new": 18,
    "clip_duplicate": 14,
    "clip_switch": 25,
    "clip_rename": 18,
    "clip_remove": 14,
    "clip_push_down": 10,
    "clip_play_strips": 6,
    "live_on": 8,
    "live_drag": 14,
    "live_off": 8,
    "heat_map": 8,
    "landmarks": 10,
    "correct_part": 5,
    "check_export": 6,
    "export_fbx": 8,
    "export_clip": 8,
    "cancel": 25,
    "undo": 70,
    "redo": 45,
    "save_and_reopen": 14,
    "reopen": 4,
    "disable_and_enable": 3,
    "own_key": 18,
    "rename_key": 14,
    "delete_key": 10,
    "own_curve": 8,
    "rename_object": 8,
    "rename_action": 8,
    "delete_action": 5,
    "unassign_action": 4,
    "purge": 5,
    "delete_head": 7,
    "duplicate_head": 10,
    "edit_mode": 4,
    "move_vertex": 1,
    "set_frame": 25,
    "set_rate": 6,
    "nothing": 2,
}


def draw(seed: int, count: int) -> list[Act]:
    """`count` acts, the same for the same seed whatever Python draws dictionaries with."""
    generator = random.Random(f"facegen endurance {seed}")
    names, weights = list(WEIGHTS), list(WEIGHTS.values())
    return [
        {"act": name, **_details(name, generator)}
        for name in generator.choices(names, weights, k=count)
    ]


def told(acts: Sequence[Act]) -> str:
    """Acts for people, a line each."""
    lines = []
    for number, act in enumerate(acts):
        details = ", ".join(f"{name}={value!r}" for name, value in act.items() if name != "act")
        lines.append(f"{number:4d} {act['act']}({details})")
    return "\n".join(lines)


def shrunk(
    acts: Sequence[Act], fails: Callable[[Sequence[Act]], bool], most_tries: int = 40
) -> list[Act]:
    """The shortest part of `acts` found in so many tries that still fails.

    The last act is where it failed, so it stays; chunks before it are left out while that fails
    too (delta debugging, Zeller and Hildebrandt 2002).
    """
    kept, last = list(acts[:-1]), list(acts[-1:])
    size, tries = max(1, len(kept) // 2), 0
    while kept and tries < most_tries:
        for start in range(0, len(kept), size):
            fewer = kept[:start] + kept[start + size :]
            tries += 1
            if fails(fewer + last):
                kept = fewer
                break
            if tries >= most_tries:
                break
        else:
            if size == 1:
                break
            size = max(1, size // 2)
        size = min(size, max(1, len(kept)))
    return kept + last


def _details(name: str, generator: random.Random) -> dict[str, Any]:
    details: dict[str, Any] = {"head": generator.randrange(4)}
    draws = _DRAWS.get(name)
    if draws is not None:
        details |= draws(generator)
    return details


def _event(generator: random.Random) -> dict[str, Any]:
    start = generator.randrange(0, 12)
    steps = [generator.randrange(1, 5) for _ in range(3)]
    marks = [start, start + steps[0], start + sum(steps[:2]), start + sum(steps)]
    height = generator.choice((1.0, 0.6, 0.25))
    return {"expression": generator.choice(EXPRESSIONS), "marks": marks, "intensity": height}


def _generate(generator: random.Random) -> dict[str, Any]:
    return {
        "bake": generator.choices(BAKES, (45, 20, 14, 10, 11))[0],
        "generator": generator.choice(("lstm", "lm4dgan")),
        "seed": generator.randrange(5),
        "rig_by": generator.choice(("drivers", "curves")),
        "contact": generator.random() < 0.7,
        "tolerance": generator.choice((0.1, 0.5, 2.0)),
        "replaces": generator.random() < 0.4,
    }


def _number(most: int) -> Callable[[random.Random], dict[str, Any]]:
    return lambda generator: {"number": generator.randrange(most)}


def _edit_event(generator: random.Random) -> dict[str, Any]:
    acts = ("duplicate", "mirror", "tempo", "hold", "overlap", "remove")
    return {
        "edit": generator.choice(acts),
        "number": generator.randrange(6),
        "ripple": generator.random() < 0.3,
    }


def _cancel(generator: random.Random) -> dict[str, Any]:
    acts = ("generate", "match", "regenerate", "variations", "heat_map")
    return {"what": generator.choice(acts), "report": generator.randrange(1, 9)}


_DRAWS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "generate": _generate,
    "pick_variation": _number(5),
    "variations": _number(3),
    "apply_preset": lambda g: {"number": g.randrange(40), "tempo": g.choice((2.0, 4.0))},
    "save_preset": _number(3),
    "remove_preset": _number(3),
    "add_expression": _event,
    "edit_event": _edit_event,
    "set_layer": lambda g: {"number": g.randrange(8), "amount": g.random(), "keyed": g.random()},
    "set_slider": lambda g: {"number": g.randrange(6), "amount": g.random()},
    "set_eyes": _number(2),
    "set_range": lambda g: {"number": g.randrange(3), "first": g.randrange(-3, 6)},
    "name_next_clip": _number(5),
    "clip_new": _number(4),
    "clip_duplicate": _number(6),
    "clip_switch": _number(6),
    "clip_rename": lambda g: {"number": g.randrange(6), "name": g.randrange(6)},
    "clip_remove": _number(6),
    "clip_push_down": _number(6),
    "live_drag": lambda g: {"amount": g.random(), "frame": g.randrange(0, 14)},
    "landmarks": _number(3),
    "correct_part": _number(8),
    "export_clip": _number(6),
    "cancel": _cancel,
    "undo": lambda g: {"times": g.choice((1, 1, 1, 2, 4))},
    "redo": lambda g: {"times": g.choice((1, 1, 2, 4))},
    "own_key": _number(1000),
    "rename_key": _number(1000),
    "delete_key": _number(1000),
    "own_curve": _number(2),
    "rename_object": _number(1000),
    "rename_action": _number(1000),
    "delete_action": _number(1000),
    "unassign_action": _number(2),
    "move_vertex": _number(2000),
    "set_frame": lambda g: {"frame": g.randrange(-2, 26)},
    "set_rate": lambda g: {"fps": g.choice((12, 24, 30, 60))},
}
