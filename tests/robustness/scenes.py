"""Every act of the add-on in states of a scene that no act was made for, in real Blender.

Each act does what it is there for, is grey and says why, or refuses in one sentence; after the last
two every property of every data-block is what it was (`in_blender/whole.py`). An act that was done
has left the artist's neutral and keys alone. Of scale 1 on every act is tried in every state; below
it that share of the acts, drawn anew for each, beside drawing the panels, and no costly state.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import build_addon
from tests.blender.blenders import ROOT, Blender, as_common_user, blenders, run_in_blender
from tests.robustness import downgrade
from tests.robustness.report import Case, Chapter, Line

HERE = Path(__file__).parent / "in_blender"
SAVED = ROOT / "tests" / "blender" / "saved_scenes"
# The middle one of the Blenders of `make test`; a state is no matter of versions.
BLENDER = "4.5"
MIN_CASES = 100
# Blenders at work at once.
PARTS = 3
TIMEOUT_SECONDS = 4 * 3600.0
Row = dict[str, Any]
States = Sequence[tuple[str, str]]


def run(scale: float, seed: int) -> Chapter:
    return chapter(tried(scale, seed), scale, [resaved()])


def chapter(rows: Sequence[Row], scale: float, others: Sequence[Line] = ()) -> Chapter:
    """The chapter of some cases, and of lines measured otherwise."""
    outcomes = Counter(row["outcome"] for row in rows if not row["faults"])
    faults = [row for row in rows if row["faults"]]
    said = [row for row in rows if row["outcome"] in ("grey", "refused")]
    changed = [row for row in said if any("changed" in fault for fault in row["faults"])]
    states = {(row["group"], row["state"]) for row in rows}
    acts = {row["act"] for row in rows}
    lines = [
        Line(
            f"at least {MIN_CASES} cases made by machine",
            f"{len(rows)} cases: {len(states)} states, {len(acts)} acts",
            len(rows) >= MIN_CASES or scale < 0.05,
        ),
        Line(
            "each act is done, grey with a reason, or refused in one sentence",
            f"{outcomes['done']} done, {outcomes['grey']} grey, {outcomes['refused']} refused, "
            f"{len(faults)} faults",
            not faults,
        ),
        Line(
            "what was grey or refused changed no property of any data-block",
            f"{len(said) - len(changed)} of {len(said)}",
            not changed,
        ),
    ]
    command = "python -m tests.robustness scenes" + (f" --scale {scale:g}" if scale != 1 else "")
    return Chapter("scenes", command, [*lines, *others], _cases(rows), [_note(rows)])


def resaved() -> Line:
    """What is left of a scene that an older Facegen saved in between."""
    with tempfile.TemporaryDirectory(prefix="facegen_resaved_") as name:
        folder = Path(name)
        zip_path = build_addon.build("linux-x64", build_addon.DEFAULT_BUNDLE, folder / "dist")
        return downgrade.survives(_blender(), BLENDER, zip_path, folder / "work")


def tried(scale: float, seed: int, states: States = (), acts: Sequence[str] = ()) -> list[Row]:
    """The cases of a share of the acts in all states; in these, and of these, where given."""
    blender = _blender()
    with tempfile.TemporaryDirectory(prefix="facegen_scenes_") as name:
        folder = Path(name)
        bundle = build_addon.DEFAULT_BUNDLE
        zip_path = build_addon.build("linux-x64", bundle, folder / "dist")
        options = {
            "scene": str(SAVED / f"artists_desk_{BLENDER}.blend"),
            "scale": scale,
            "seed": seed,
            "states": list(states),
            "acts": list(acts),
        }
        parts = 1 if states else PARTS
        with ThreadPoolExecutor(parts) as pool:
            work = [
                pool.submit(
                    _tried, blender, zip_path, folder / str(k), {**options, "part": [k, parts]}
                )
                for k in range(parts)
            ]
            return [row for part in work for row in part.result()]


def _tried(blender: Blender, zip_path: Path, folder: Path, options: dict[str, Any]) -> list[Row]:
    folder.mkdir()
    (folder / "options.json").write_text(json.dumps(options), encoding="utf-8")
    done = run_in_blender(
        blender, HERE / "try_acts.py", zip_path, folder, TIMEOUT_SECONDS, before=as_common_user()
    )
    results = folder / "files" / "results.json"
    if not results.is_file() or done.returncode:
        raise subprocess.CalledProcessError(
            done.returncode, "try_acts.py", done.stdout[-4000:], done.stderr[-4000:]
        )
    return list(json.loads(results.read_text(encoding="utf-8")))


def _blender() -> Blender:
    for blender in blenders():
        if blender.version.startswith(BLENDER):
            return blender
    raise SystemExit(f"No Blender {BLENDER} is at hand: run 'make setup-test'.")


def _cases(rows: Sequence[Row]) -> list[Case]:
    """A case of the table for each state and sentence, with the acts that were answered so."""
    told: dict[tuple[str, str, str, bool], list[str]] = {}
    for row in rows:
        if row["outcome"] != "done" or row["faults"]:
            sentence = "; ".join([*row["faults"], row["sentence"]])
            key = row["group"], row["state"], sentence, not row["faults"]
            told.setdefault(key, []).append(row["act"].replace("_", " "))
    return [
        Case(group, f"{state}: {', '.join(acts)}", sentence, ok)
        for (group, state, sentence, ok), acts in told.items()
    ]


def _note(rows: Sequence[Row]) -> str:
    done = Counter(row["state"] for row in rows if row["outcome"] == "done" and not row["faults"])
    return (
        f"Blender {BLENDER}, a head of some 700 points, matched, with two clips and 13 landmarks. "
        f"The table leaves out the {sum(done.values())} acts that were done; each left the "
        "artist's vertices and keys as they were."
    )
