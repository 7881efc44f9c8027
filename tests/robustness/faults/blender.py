"""A Blender at work, killed again and again in one folder, and one whose disk is full."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
# Seconds within which a Blender that has begun its work is killed: some twenty files.
LONGEST = 2.5


@dataclass
class BlenderFindings:
    """kills: of each activity, by what was done at that moment. refusals, sentences: of each.

    num_broken_off: how often the Blender ended that writes Alembic for the other.
    """

    kills: Counter[str] = field(default_factory=Counter)
    num_files: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    sentences: dict[tuple[str, str], str] = field(default_factory=dict)
    num_broken_off: int = 0
    faults: list[str] = field(default_factory=list)


def start(room: Path, environment: dict[str, str], *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.robustness.faults.at_work", *map(str, arguments)],
        cwd=ROOT,
        env={**environment, "BLENDER_USER_RESOURCES": str(room / "user"), "TMPDIR": str(room)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def kill(found: BlenderFindings, room: Path, count: int, seed: int) -> None:
    """Kill Blender at moments by lot; the next one finds the folder as this one left it."""
    rng, folder, kept = random.Random(seed), room / "files", room / "kept"
    folder.mkdir()
    known: set[str] = set()
    for number in range(count):
        process = start(room, dict(os.environ), "loop", folder, seed + number)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline() or "{}")
        if not ready.get("ready"):
            found.faults.append(f"kill {number}: Blender did not start on what the last one left")
            return
        if ready["temporaries"]:
            found.faults.append(f"kill {number}: {ready['temporaries'][0]} was not cleaned up")
        time.sleep(rng.uniform(0.0, LONGEST))
        os.killpg(process.pid, signal.SIGKILL)
        at = [json.loads(line)["at"] for line in process.stdout if line.endswith("}\n")]
        process.wait()
        found.kills[at[-1] if at else "starting"] += 1
        _keep(folder, kept / str(number), known)
    _check(found, room, kept)


def _keep(folder: Path, kept: Path, known: set[str]) -> None:
    """Set aside the files of a killed Blender that no earlier one left."""
    for path in folder.iterdir():
        digest = hashlib.sha256(path.suffix.encode() + path.read_bytes()).hexdigest()
        if digest not in known and not path.name.startswith("."):
            known.add(digest)
            kept.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, kept)


def _check(found: BlenderFindings, room: Path, kept: Path) -> None:
    """Every file that any killed Blender left opens."""
    folders = sorted(kept.iterdir()) if kept.is_dir() else []
    process = start(room, dict(os.environ), "check", *folders)
    for told in _lines(process):
        found.num_files += 1
        if told["error"]:
            found.faults.append(f"{Path(told['file']).name} does not open: {told['error'][:200]}")
    if process.wait():
        found.faults.append(f"the Blender that opens the files ended with {process.returncode}")


def refuse(
    found: BlenderFindings, room: Path, environment: dict[str, str], count: int, seed: int
) -> None:
    folder = room / "full"
    folder.mkdir()
    process = start(room, environment, "refuse", folder, seed, count)
    last = ""
    for told in _lines(process):
        last = told.get("at", last)
        if "name" in told:
            _judge(found, told)
    if process.wait():
        found.faults.append(f"Blender ended with {process.returncode} on a full disk, {last}")


def _judge(found: BlenderFindings, told: dict[str, Any]) -> None:
    name = told["name"]
    found.refusals[name] += 1
    trial = f"{name}, full at {told['place']} of {told['asked']}"
    if told["error"]:
        found.faults.append(f"{trial}: no sentence but {told['error'][:200]}")
    found.num_broken_off += "broke off" in told["sentence"]
    if told["sentence"]:
        kind = "disk full" if told["place"] else "read-only disk"
        found.sentences.setdefault((name, kind), told["sentence"])
        if told["changed"]:
            found.faults.append(f"{trial}: {told['changed'][0]} changed all the same")
    if told["gone"]:
        found.faults.append(f"{trial}: {told['gone'][0]} is gone")
    if told["left"]:
        found.faults.append(f"{trial}: left {told['left'][0]}")


def _lines(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(line) for line in process.stdout if line.endswith("}\n")]
