"""What must be true after an act, told from the states before and after it."""

from __future__ import annotations

import json
import threading
from typing import Any

import bpy
import numpy as np
from desk import REFUSED, STEPPED, WrongError, is_any_live
from file_state import State, different
from harness import addon

Act = dict[str, Any]

# Acts of Facegen's: all else in the file must be as it was. {act: collections that may grow}.
KEYS = {"shape_keys", "actions"}
MAY_GROW: dict[str, set[str]] = {
    "match": set(),
    "generate": KEYS,
    "regenerate": KEYS,
    "restore_curves": {"actions"},
    "remove_keys": set(),
    "variations": set(),
    "pick_variation": KEYS,
    "apply_preset": {"actions"},
    "save_preset": set(),
    "remove_preset": set(),
    "presets_to_assets": set(),
    "add_expression": {"actions"},
    "edit_event": {"actions"},
    "reset_layers": set(),
    "clip_new": {"actions"},
    "clip_duplicate": {"actions"},
    "clip_switch": {"actions"},
    "clip_rename": set(),
    "clip_remove": {"actions"},
    "clip_push_down": {"actions"},
    "clip_play_strips": {"actions"},
    "heat_map": {"screens", "materials"},
    "landmarks": {"objects", "collections"},
    "correct_part": set(),
    "check_export": set(),
    "export_fbx": set(),
    "export_clip": set(),
    "live_on": KEYS,
    "live_drag": KEYS,
    "live_off": set(),
}
# Acts that let another clip play, with that clip's copies of the artist's curves.
OTHER_CLIP = ("clip_new", "clip_duplicate", "clip_switch", "clip_remove", "clip_push_down")
CLIP_ACTS = (*OTHER_CLIP, "clip_play_strips", "clip_rename")
# How far a vertex may be from its place at rest, in metres: no face moves further.
FURTHEST = 0.15
_ROUNDING = 1e-5


def check(before: State, act: Act, ended: str, after: State, threads: int) -> None:
    """Raises WrongError with what is wrong."""
    always(after, threads)
    if ended == REFUSED:
        _same(before, after, "the act was refused, but it changed")
    elif act["act"] in MAY_GROW:
        after_facegen(before, act, ended, after)


def always(state: State, threads: int) -> None:
    """What is true of every file at any time."""
    _check_meshes(state)
    _check_clips(state)
    _check_faces()
    _demand(addon("jobs").running() is None, "a job goes on after its act")
    names = sorted(thread.name for thread in threading.enumerate())
    _demand(len(names) <= threads, f"threads were left behind: {names}")


def after_facegen(before: State, act: Act, ended: str, after: State) -> None:
    """An act of Facegen's changes its head, and there what is Facegen's."""
    name, active = act["act"], after["selection"][0]
    head = active if f"object {active}" in before else before["selection"][0]
    everybody = name.startswith("live")
    for section in before:
        kind, _, owner = section.partition(" ")
        if kind == "mesh":
            _check_own_keys(section, before, after)
        is_of_head = owner == head or before[f"object {head}"]["data"] == owner
        if kind in ("object", "mesh") and not is_of_head and not everybody:
            _check_bystander(section, before, after, head)
    grown = {
        kind
        for kind, names in after["blocks"].items()
        if len(names) > len(before["blocks"].get(kind, ()))
    }
    surplus = len(after["blocks"].get("actions", ())) - len(before["blocks"].get("actions", ()))
    if surplus <= len(_shared_actions(before, head)):
        grown -= {"actions"}  # copies for this head alone
    _demand(grown <= MAY_GROW[name], f"{name} made {sorted(grown - MAY_GROW[name])}")
    lost = sorted(set(after["orphans"]) - set(before["orphans"]))
    _demand(not lost, f"{name} left data-blocks that nobody uses: {lost}")
    for kind in ("scene", "rate"):
        if not name.startswith("live"):
            _same({kind: before[kind]}, {kind: after[kind]}, f"{name} changed")
    if name not in OTHER_CLIP and name != "clip_play_strips":
        _check_own_curves(f"object {head}", before, after)
    _check_row(name, ended, act, before[f"object {head}"], after[f"object {head}"])
    if name in ("generate", "regenerate", "pick_variation") and ended == STEPPED:
        _check_generated(after, head)


def _shared_actions(state: State, head: str) -> set[str]:
    """Names of the actions that a head and another one play."""
    own = {f"object {head}", f"mesh {state[f'object {head}']['data']}"}
    played: dict[bool, set[str]] = {True: set(), False: set()}
    for section, content in state.items():
        animation = content.get("animation", {}) if section.startswith(("object ", "mesh ")) else {}
        strips = [strip for track in animation.get("tracks", ()) for strip in track["strips"]]
        found = [animation.get("action"), *(strip["action"] for strip in strips)]
        played[section in own] |= {action[0] for action in found if action}
    return played[True] & played[False]


def own_keys(mesh: dict[str, Any]) -> dict[str, Any]:
    """{name: key} of the keys Facegen did not make, in their order."""
    made = set(_made(mesh))
    live = json.loads(mesh["records"].get("facegen_live", "{}") or "{}").get("key")
    basis = mesh["order"][:1]
    return {
        name: key
        for name in mesh["order"]
        if name not in made and name != live and name not in basis
        for key in (mesh["keys"][name],)
    }


def _made(mesh: dict[str, Any]) -> list[str]:
    return [name for names in mesh["made"].values() for name in names if name in mesh["keys"]]


def _check_own_keys(section: str, before: State, after: State) -> None:
    """The artist's keys are as they were: names, order, points; values where nothing plays them."""
    if section not in after:
        raise WrongError(f"{section} is gone")
    one, other = before[section], after[section]
    _demand(one["vertices"] == other["vertices"], f"vertices of {section} moved")
    old, new = own_keys(one), own_keys(other)
    _demand(list(old) == list(new), f"own keys of {section}: {list(old)} became {list(new)}")
    played = {*_played(one), *_played(other), *_solved(one), *_solved(other)}
    for name in old:
        for what, value in old[name].items():
            if what == "value" and name in played:
                continue
            _demand(
                new[name][what] == value,
                f"{what} of own key '{name}': {value} became {new[name][what]}",
            )
    dangling = _dangling(other) - _dangling(one)
    _demand(not dangling, f"curves or drivers of keys that are not there: {sorted(dangling)[:3]}")


def _check_bystander(section: str, before: State, after: State, head: str) -> None:
    """Other heads are as they were; an object that was of this head may have been let go."""
    one, other = before[section], after.get(section)
    if section.startswith("object") and other is not None:
        one, other = ({**x, "facegen": {**x["facegen"], "head": None}} for x in (one, other))
        if one["type"] == "EMPTY" and before[section]["parent"] == head:
            return  # a landmark of this head
    if section.startswith("object") and one["type"] == "EMPTY" and one["parent"] == head:
        return
    _same({section: one}, {section: other}, f"the act on '{head}' changed another head")


def _check_own_curves(section: str, before: State, after: State) -> None:
    """Curves of the artist's own on the head stay as they are."""

    def own(state: State) -> dict[str, Any]:
        curves = state[section]["animation"].get("curves", {})
        return {path: curve for path, curve in curves.items() if not path.startswith("facegen.")}

    _same({"own curves": own(before)}, {"own curves": own(after)}, "Facegen changed")


def _check_row(
    name: str, ended: str, act: Act, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """The list of clips against the acts on it."""
    old, new = before["facegen"], after["facegen"]
    count, now = len(old["clips"]), len(new["clips"])
    if name in ("clip_new", "clip_duplicate"):
        first = name == "clip_new" and count == 0
        _demand(now == count + 1 + first, f"{name}: {count} clips became {now}")
        _demand(new["clip_playing"] == new["clips"][-1]["number"], "a new clip does not play")
    elif name == "clip_remove":
        _demand(now == count - 1, f"{name}: {count} clips became {now}")
    elif name in ("clip_push_down", "clip_play_strips"):
        _demand(now == count and new["clip_playing"] == -1, f"{name}: strips do not play")
    elif name in ("generate", "regenerate", "pick_variation", "live_on", "live_drag"):
        _demand(count <= now <= count + 1, f"{name}: {count} clips became {now}")
    else:
        _demand(now == count, f"{name}: {count} clips became {now}")


def _check_generated(after: State, head: str) -> None:
    """The keys of the clip that plays are those that were reported, and each is moved."""
    facegen = after[f"object {head}"]["facegen"]
    mesh = after[f"mesh {after[f'object {head}']['data']}"]
    if facegen["bake_mode"] not in ("compact", "frames") or facegen["num_keys"] < 0:
        return
    row = next(r for r in facegen["clips"] if r["number"] == facegen["clip_playing"])
    names = mesh["made"].get(row["key_name"], [])
    _demand(
        len(names) == facegen["num_keys"] and set(names) <= mesh["keys"].keys(),
        f"{facegen['num_keys']} keys were reported, {names} are there",
    )
    played = _played(mesh)
    still = [name for name in names if name not in played]
    _demand(not still, f"nothing moves the keys {still[:3]}")


def _check_meshes(state: State) -> None:
    for section, mesh in state.items():
        if not section.startswith("mesh "):
            continue
        made = set(_made(mesh))
        unfinished = [name for name in mesh["order"] if name.endswith("~")]
        _demand(not unfinished, f"unfinished keys in {section}: {unfinished}")
        if not is_any_live():
            _demand("facegen_live" not in mesh["records"], f"a live pose stayed in {section}")
        for name in made:
            value = mesh["keys"][name]["value"]
            _demand(-_ROUNDING <= value <= 1.0 + _ROUNDING, f"weight of {name} is {value}")
        for path, curve in mesh["animation"].get("curves", {}).items():
            key = path.split('"')[1] if '"' in path else ""
            for low, high in curve[2] if key in made else ():
                _demand(
                    low >= -_ROUNDING and high <= 1.0 + _ROUNDING,
                    f"weights of {key} reach from {low} to {high}",
                )


def _check_clips(state: State) -> None:
    for section, obj in state.items():
        if not section.startswith("object ") or not obj["facegen"]["clips"]:
            continue
        rows, playing = obj["facegen"]["clips"], obj["facegen"]["clip_playing"]
        for what in ("number", "key_name"):
            values = [row[what] for row in rows]
            _demand(len(set(values)) == len(values), f"clips of {section} share a {what}: {values}")
        _demand(all(row["name"] == row["last_name"] != "" for row in rows), f"names: {rows}")
        _demand(playing == -1 or playing in [row["number"] for row in rows], "no clip plays")
        _demand(obj["facegen"]["clip_row"] < len(rows), "the selected clip is none of the list")


def _check_faces() -> None:
    """What the viewport shows is finite and near the face at rest."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for obj in bpy.context.scene.objects:
        if obj.type != "MESH" or obj.mode != "OBJECT":
            continue
        mesh = obj.evaluated_get(depsgraph).data
        if len(mesh.vertices) != len(obj.data.vertices):
            continue
        rest, shown = (np.empty(3 * len(m.vertices), np.float32) for m in (obj.data, mesh))
        obj.data.vertices.foreach_get("co", rest)
        mesh.vertices.foreach_get("co", shown)
        furthest = np.abs(shown - rest).max(initial=0.0)
        _demand(bool(furthest < FURTHEST), f"a vertex of '{obj.name}' is {furthest} m off")


def _played(mesh: dict[str, Any]) -> set[str]:
    """Names of keys that curves or drivers move."""
    paths = [*mesh["animation"].get("curves", {}), *mesh["animation"].get("drivers", {})]
    return {path.split('"')[1] for path in paths if '"' in path}


def _solved(mesh: dict[str, Any]) -> set[str]:
    """Names of keys that strips move, or that a clip was solved into."""
    strips = [s for track in mesh["animation"].get("tracks", []) for s in track["strips"]]
    paths = [path for strip in strips for path in strip["curves"]]
    return {path.split('"')[1] for path in paths if '"' in path} | set(mesh["solved"])


def _dangling(mesh: dict[str, Any]) -> set[str]:
    return {name for name in _played(mesh) if name not in mesh["keys"]}


def _same(one: State, other: State, what: str) -> None:
    found = different(one, other)
    if found:
        told = "; ".join(
            f"{path}: {str(a)[:160]} became {str(b)[:160]}"
            for path, (a, b) in list(found.items())[:5]
        )
        raise WrongError(f"{what} ({len(found)} places): {told}")


def _demand(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise WrongError(otherwise)
