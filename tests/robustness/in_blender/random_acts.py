"""Does a list of random acts in this Blender and checks the file after each.

    plan.json beside the folder of files: {"acts": […], "stops": bool, "checks": true}

Writes journal.txt (the number of the act that is being done, also when Blender dies in it) and
result.json there. `stops` ends with the first fault; otherwise the file is begun anew after it.
"""

from __future__ import annotations

import copy
import faulthandler
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import artist_acts
import bpy
import facegen_acts
import harness
import rules
from desk import DONE, STEPPED, Desk, WrongError, is_any_live, settle, step
from file_state import State, different, state_now
from harness import FOLDER

Act = dict[str, Any]
_PLACE = FOLDER.parent
# An act that takes longer hangs: the process says where, and ends.
MOST_SECONDS = 600
# Blender keeps more steps than are ever undone here.
MOST_STEPS = 60


class Session:
    """One file from its beginning: its undo steps as they must come back."""

    def __init__(self) -> None:
        harness.empty_scene()
        edit = bpy.context.preferences.edit
        edit.undo_steps, edit.undo_memory_limit, edit.use_global_undo = 64, 0, True
        bpy.context.preferences.view.show_splash = False
        self.desk = Desk()
        harness.addon("jobs")
        step("begun")
        facegen_acts.add_head(self.desk, {})
        self.steps: list[State | None] = [state_now()]
        self.at = 0
        self.threads = len(threading.enumerate())

    def do(self, act: Act) -> str:
        """Do an act, check all that must be true after it; how it ended."""
        special = getattr(self, f"_{act['act']}", None)
        if special is not None:
            special(act)
            self._live_follows()
            rules.always(state_now(), self.threads)
            return DONE
        if not self.desk.heads():
            facegen_acts.add_head(self.desk, {})
            self._stepped(state_now())
        chosen_before = state_now()["selection"]
        self.desk.head(act)
        self._live_follows()
        before = state_now()
        if before["selection"] != chosen_before:
            self._unchecked_step("another head", before)
        self.desk.begun = None
        ended = _function(act["act"])(self.desk, act)
        after = state_now()
        self._live_follows()
        if is_any_live():
            rules.always(state_now(), self.threads)
        else:
            rules.check(self._without_settings(before), act, ended, after, self.threads)
        if self.desk.begun is not None:
            self._stepped(self.desk.begun)
        if ended == STEPPED:
            self._stepped(after)
        elif ended == DONE and different(before, after):
            self._unchecked_step("no step of its own", after)
        return ended

    def _unchecked_step(self, message: str, state: State) -> None:
        """What Blender makes no step of would come back or stay by an undo, as it happens."""
        step(message)
        self._stepped(state)

    def _without_settings(self, before: State) -> State:
        """Where settings of the head were turned first, the state after that."""
        return self.desk.begun or before

    def _stepped(self, state: State) -> None:
        kept = None if is_any_live() else copy.deepcopy(state)
        self.steps = [*self.steps[: self.at + 1], kept][-MOST_STEPS:]
        self.at = len(self.steps) - 1

    def _undo(self, act: Act) -> None:
        for _ in range(min(act["times"], self.at)):
            bpy.ops.ed.undo()
            self.at -= 1
            self._came_back("an undo")

    def _redo(self, act: Act) -> None:
        for _ in range(min(act["times"], len(self.steps) - 1 - self.at)):
            bpy.ops.ed.redo()
            self.at += 1
            self._came_back("a redo")

    def _came_back(self, what: str) -> None:
        expected = self.steps[self.at]
        if expected is not None and not is_any_live():
            found = state_now()
            # Which data-blocks nobody uses is known only when a file is read.
            rules._same({**expected, "orphans": []}, {**found, "orphans": []}, f"{what} changed")

    def _save_and_reopen(self, act: Act) -> None:
        bpy.ops.outliner.orphans_purge(do_recursive=True)
        facegen_acts.live_off(self.desk, act)
        before, path = state_now(), self.desk.path(".blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        rules._same(before, state_now(), "saving changed")
        self._open(path)
        rules._same(before, state_now(), "the file came back otherwise")

    def _reopen(self, act: Act) -> None:
        """Back to the last file that was saved, with all that was done since thrown away."""
        if bpy.data.filepath and os.path.exists(bpy.data.filepath):
            self._open(bpy.data.filepath)

    def _open(self, path: str) -> None:
        bpy.ops.wm.open_mainfile(filepath=path)
        step("opened")
        self.steps, self.at = [state_now()], 0

    def _live_follows(self) -> None:
        if is_any_live():
            settle()


def _function(name: str) -> Callable[[Desk, Act], str]:
    return getattr(facegen_acts, name, None) or getattr(artist_acts, name)


def main() -> None:
    plan = json.loads((_PLACE / "plan.json").read_text())
    result: dict[str, Any] = {"done": 0, "ended": {}, "faults": [], "sentences": {}}
    session, first = Session(), 0
    for number, act in enumerate(plan["acts"]):
        (_PLACE / "journal.txt").write_text(f"{number}")
        faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
        try:
            ended = session.do(act)
            count = result["ended"].setdefault(act["act"], {})
            count[ended] = count.get(ended, 0) + 1
        except Exception as error:
            fault = {"number": number, "first": first, "act": act, "text": str(error)}
            if not isinstance(error, WrongError):
                fault["text"] = traceback.format_exc()[-1500:]
            result["faults"].append(fault)
            print(f"FAULT at act {number} {act}: {fault['text'][:1500]}", flush=True)
            if plan["stops"]:
                break
            session, first = Session(), number + 1
        result["done"] = number + 1
        result["sentences"] |= session.desk.sentences
        if number % 20 == 19:
            result.setdefault("memory", []).append(_measured())
            (_PLACE / "result.json").write_text(json.dumps(result))
    result.setdefault("memory", []).append(_measured())
    (_PLACE / "result.json").write_text(json.dumps(result))
    (_PLACE / "journal.txt").write_text("ended")
    sys.stdout.flush()
    os._exit(1 if result["faults"] else 0)


def _measured() -> dict[str, int]:
    """Memory in MB, open files and threads of this process."""
    pages = int(open("/proc/self/statm").read().split()[1])
    return {
        "rss_mb": pages * os.sysconf("SC_PAGE_SIZE") // 10**6,
        "files": len(os.listdir("/proc/self/fd")),
        "threads": len(threading.enumerate()),
    }


if __name__ == "__main__":
    main()
