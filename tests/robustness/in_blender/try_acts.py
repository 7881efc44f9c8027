"""Inside Blender: every act of the add-on in every state of a scene, and what came of it.

    python try_acts.py ZIP FOLDER        (as `tests.blender.blenders.run_in_blender` does it)

FOLDER/../options.json: {"scene": a saved .blend, "scale": share of the acts to try in each state,
"seed": which, "part": [this one, of how many], "states": [[group, name]…] or [] for all, "acts":
[names] or [] for all}.
FOLDER/results.json: a row per case: group, state, act, outcome, sentence, faults.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import drawn
import harness
import numpy as np
import states_around  # noqa: F401 - adds its states
import states_of_play  # noqa: F401 - as well
from states import STATES, leave
from whole import difference, whole

FOLDER = harness.FOLDER
OUT = FOLDER / "out"
# Arguments of acts that need some; all others are called as a button calls them.
PRESET = harness.addon("preset_shelf").shelf()[0].key
ARGUMENTS: dict[str, dict[str, Any]] = {
    "apply_preset": {"preset": PRESET},
    "remove_preset": {"preset": "own/none"},
    "apply_preset_asset": {"action": "none"},
    "export_clip": {"filepath": str(OUT / "clip.fbx")},
    "export_fbx": {"filepath": str(OUT / "clip.fbx"), "check_existing": False},
    "clip_switch": {"number": 2},
}
# Exports in the other formats, beside the one that is asked of every operator.
FORMATS = {"glb": "web", "usdc": "film", "abc": "film"}
LOOK = "look at the panels"
# Tried in every state, whatever the scale.
ALWAYS = (LOOK,)
# States in which an act takes minutes: left out where not all acts are asked for.
COSTLY = ("a million vertices",)
LONGEST_SENTENCE = 400
MOST_MEMORY = 8 << 30  # bytes of addresses


def acts() -> dict[str, Callable[[], Any]]:
    """{name: call} of every operator of the add-on, and of drawing all its panels."""
    found: dict[str, Callable[[], Any]] = {LOOK: drawn.drawn}
    for name in dir(bpy.ops.facegen):
        found[name] = lambda name=name: getattr(bpy.ops.facegen, name)(**ARGUMENTS.get(name, {}))
    for suffix, preset in FORMATS.items():
        found[f"export_clip {suffix}"] = lambda suffix=suffix, preset=preset: _export(
            suffix, preset
        )
    return found


def _export(suffix: str, preset: str) -> Any:
    """Export for another program: the preset is the artist's choice before the act."""
    head = bpy.context.active_object
    before = head.facegen.export_preset if head else ""
    try:
        if head and head.is_editable:
            head.facegen.export_preset = preset
        return bpy.ops.facegen.export_clip(filepath=str(OUT / f"clip.{suffix}"))
    finally:
        if head and head.is_editable:
            head.facegen.export_preset = before


def attempt(call: Callable[[], Any]) -> tuple[str, str]:
    """What an act did, and the sentence its user reads: done, grey, refused or fault."""
    try:
        result = call()
    except RuntimeError as error:
        said = str(error).strip()
        if ".poll() " in said:
            return "grey", said.partition(".poll() ")[2].removeprefix("failed, ")
        return "refused", said.removeprefix("Error: ")
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = "".join(traceback.format_exception_only(error)).strip()
        return "fault", f"{said} ({Path(where.filename).name}, {where.name})"
    if isinstance(result, list) or result == {"FINISHED"}:
        return "done", ""
    if result == {"PASS_THROUGH"}:  # a tool that is not under the mouse
        return "grey", "no event is under the mouse"
    return "fault", f"it ended with {result} and said nothing"


def faults_of(outcome: str, sentence: str, changed: list[str], lost: str) -> list[str]:
    """What is wrong with a case; nothing where it did its act, or refused as it should."""
    if outcome == "fault":
        return [f"unexpected: {sentence}"]
    if outcome == "done":
        return [lost] if lost else []
    found = []
    if changed:
        found.append(f"refused, but changed {', '.join(changed)}")
    if not sentence or "context is incorrect" in sentence:
        found.append("it does not say why")
    if len(sentence) > LONGEST_SENTENCE or "Traceback" in sentence:
        found.append("that is no sentence")
    if "Error(" in sentence or "failed, nothing was changed" in sentence:
        found.append("an error nobody foresaw")
    return found


def neutral() -> dict[str, bytes]:
    """{vertices or key: where it lies} of all that is the artist's: Facegen makes none of it."""
    found = {}
    for mesh in bpy.data.meshes:
        places = {"vertices": mesh.vertices}
        for block in mesh.shape_keys.key_blocks if mesh.shape_keys else ():
            if not block.name.startswith("FG_"):
                places[block.name] = block.data
        for name, points in places.items():
            values = np.empty(3 * len(points), np.float32)
            points.foreach_get("co", values)
            found[f"{mesh.name}: {name}"] = values.tobytes()
    return found


def lost_of(before: dict[str, bytes]) -> str:
    """Whether an act that was done changed what is the artist's."""
    now = neutral()
    changed = [name for name, places in before.items() if name in now and now[name] != places]
    return f"it moved what is the artist's, {changed[0]}" if changed else ""


class Scene:
    """The saved scene, opened and brought into a state; again after whatever changed it."""

    def __init__(self, path: str, group: str, name: str) -> None:
        self._path, self._bring_about = path, STATES[group][name]
        self._found: dict[str, str] | None = None

    def fresh(self) -> dict[str, str]:
        """All that is there, before an act is tried."""
        if self._found is not None:
            return self._found
        leave()
        preferences = bpy.context.preferences.addons[harness.PACKAGE].preferences
        preferences.bundle = ""
        if OUT.is_file():
            OUT.unlink()
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.mkdir()
        bpy.ops.wm.open_mainfile(filepath=self._path, load_ui=False)
        head = bpy.data.objects["Head"]
        harness.activate(head)
        self._bring_about(head)
        if bpy.context.view_layer.objects.active is not None:
            bpy.context.view_layer.update()
        self._found = whole()
        return self._found

    def changed(self) -> None:
        self._found = None


def files_out() -> dict[str, int]:
    """{path: size} of all below the folder of exports."""
    paths = [OUT, *OUT.rglob("*")]
    return {str(path): path.stat().st_size for path in paths if path.exists()}


def case(scene: Scene, call: Callable[[], Any]) -> dict[str, Any]:
    before = scene.fresh()
    before_files = files_out()
    before_neutral = neutral()
    outcome, sentence = attempt(call)
    changed, lost = [], ""
    if outcome == "done":
        lost = lost_of(before_neutral)
        scene.changed()
    else:
        changed = difference(before, whole())
        if files_out() != before_files:
            changed.append("the folder of exports")
        if changed:
            scene.changed()
    faults = faults_of(outcome, sentence, changed, lost)
    return {"outcome": outcome, "sentence": sentence, "faults": faults}


def cases_of(options: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """(group, state, acts to try there), the same for the same seed."""
    states = options["states"] or [(group, name) for group in STATES for name in STATES[group]]
    names = options["acts"] or list(acts())
    count, cases = round(options["scale"] * len(names)), []
    for group, name in states:
        others = [act for act in names if act not in ALWAYS]
        random.Random(f"{options['seed']} {group} {name}").shuffle(others)
        always = [act for act in ALWAYS if act in names]
        if name in COSTLY and options["scale"] < 1 and not options["states"]:
            continue
        wanted = {*always, *others[: max(count - len(always), 1)]}
        cases.append((group, name, [act for act in names if act in wanted]))
    part, parts = options["part"]
    return cases[part::parts]


def run(options: dict[str, Any]) -> list[dict[str, Any]]:
    everything = acts()
    rows = []
    for group, name, wanted in cases_of(options):
        scene = Scene(options["scene"], group, name)
        slow = {}
        for act in wanted:
            started = time.perf_counter()
            try:
                found = case(scene, everything[act])
            except Exception:
                scene.changed()
                trace = traceback.format_exc()
                found = {"outcome": "no case", "sentence": trace, "faults": ["no case"]}
            rows.append({"group": group, "state": name, "act": act, **found})
            slow[act] = time.perf_counter() - started
        leave()
        slowest = max(slow, key=lambda act: slow[act])
        print(f"{sum(slow.values()):.1f} s {group}, {name} ({slowest} {slow[slowest]:.1f} s)")
        sys.stdout.flush()
        (FOLDER / "results.json").write_text(json.dumps(rows))
    return rows


def test_every_act_in_every_state() -> None:
    # An act that asks for more ends with a MemoryError, not with the machine.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    path = Path(FOLDER).parent / "options.json"
    rows = run(json.loads(path.read_text()))
    for row in rows:
        if row["faults"]:
            print("FAULT", row["group"], "|", row["state"], "|", row["act"], "|", row["faults"])
            print("      ", row["sentence"][-1500:])


if __name__ == "__main__":
    harness.run(globals())
