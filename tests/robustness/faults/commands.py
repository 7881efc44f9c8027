"""`facegen generate`, `demo`, `replay` and `batch` killed: nothing half, and the next run is whole.

A batch is killed alone, as a process manager does it: its heads must end by themselves.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.robustness.faults import disk
from tests.robustness.faults.blender import ROOT
from tests.robustness.faults.wholeness import contents, temporaries

MODULE = "tests.robustness.faults.command"
HAPPY = ("-e", "happy@1,4,6,9", "--no-contact")
# A process that is told to end does so within this; it reads of it at once.
_LAST_SECONDS = 20.0
_PATIENCE_SECONDS = 300.0
_OLD = b"what was there"
RECORD = "take.json"


@dataclass(frozen=True)
class Command:
    """arguments: of facegen. replaced: files that are there before, `_OLD` in them."""

    name: str
    arguments: tuple[str, ...]
    replaced: tuple[str, ...] = ()


COMMANDS = (
    Command(
        "facegen generate",
        ("generate", "head.obj", *HAPPY, "-o", "clip.fbx", "--record", "clip.json")
        + ("--report", "report.json"),
        ("clip.fbx", "report.json"),
    ),
    Command("facegen replay", ("replay", RECORD, "-o", "again.fbx"), ("again.fbx",)),
    Command("facegen demo", ("demo", "--folder", "out")),
)
BATCH = Command(
    "facegen batch",
    ("batch", "head.obj", "other.obj", "third.obj", *HAPPY, "--out", "out", "--jobs", "2")
    + ("--no-pictures",),
)


@dataclass
class CommandFindings:
    """kills: of each command, (at moments by lot, at places on the disk). orphans: processes of
    killed batches that were at work."""

    kills: dict[str, tuple[int, int]] = field(default_factory=dict)
    orphans: int = 0
    faults: list[str] = field(default_factory=list)


def kill(
    found: CommandFindings,
    room: Path,
    environment: dict[str, str],
    count: int,
    seed: int,
    commands: Sequence[Command] = (*COMMANDS, BATCH),
) -> None:
    """Every command `count` times, half of them at moments and half at places; batches at moments
    alone."""
    room.mkdir()
    trials = _Trials(found, room, environment, seed)
    for command in commands:
        if command is BATCH:
            trials.kill_batch(command, count)
        else:
            trials.kill_command(command, count)


class _Trials:
    def __init__(
        self, found: CommandFindings, room: Path, environment: dict[str, str], seed: int
    ) -> None:
        self.found, self.rng = found, random.Random(seed)
        # Blender's FBX numbers its nodes by Python's hashes.
        self.environment = {**environment, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
        self.master, self.folder = room / "master", room / "trial"
        self.master.mkdir()
        self.run(("head", "-o", "head.obj"), self.master)
        for name in ("other.obj", "third.obj"):
            shutil.copy(self.master / "head.obj", self.master / name)

    def fresh(self, replaced: Sequence[str] = ()) -> Path:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.master, self.folder)
        for name in replaced:
            (self.folder / name).write_bytes(_OLD)
        return self.folder

    def start(
        self, arguments: Sequence[str], folder: Path, at: int | None = None
    ) -> subprocess.Popen[str]:
        armed = {} if at is None else disk.killing_environment(folder, at)
        return subprocess.Popen(
            [sys.executable, "-m", MODULE, *arguments],
            cwd=folder,
            env={**self.environment, **armed},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, arguments: Sequence[str], folder: Path) -> tuple[str, int]:
        """What it said, and how much it asked of the disk. RuntimeError where it fails."""
        process = self.start(arguments, folder, 0)
        said, told = process.communicate(timeout=_PATIENCE_SECONDS)
        if process.returncode:
            raise RuntimeError(f"facegen {arguments[0]} fails undisturbed: {told[-2000:]}")
        return said, int(re.findall(r"asked (\d+)", told)[-1])

    def fault(self, trial: str, sentence: str) -> None:
        self.found.faults.append(f"{trial}: {sentence}")

    def kill_command(self, command: Command, count: int) -> None:
        if RECORD in command.arguments:
            recorded = ("generate", "head.obj", *HAPPY, "-o", "take.fbx", "--record", RECORD)
            self.run(recorded, self.fresh())
            shutil.copy(self.folder / RECORD, self.master)
        started = time.monotonic()
        asked = self.run(command.arguments, self.fresh(command.replaced))[1]
        seconds = time.monotonic() - started
        new = compared(self.folder)
        places = sorted(self.rng.sample(range(1, asked + 1), min((count + 1) // 2, asked)))
        moments = [self.rng.uniform(0.0, seconds) for _ in range(count - len(places))]
        self.found.kills[command.name] = (len(moments), len(places))
        for moment in moments:
            process = self.start(command.arguments, self.fresh(command.replaced))
            _end_after(process, moment)
            self.look(f"{command.name}, killed after {moment:.1f} s", command, new)
        for place in places:
            trial = f"{command.name}, killed at {place} of {asked}"
            process = self.start(command.arguments, self.fresh(command.replaced), place)
            process.communicate(timeout=_PATIENCE_SECONDS)
            if process.returncode != -signal.SIGKILL:
                self.fault(trial, "it was not killed")
            self.look(trial, command, new)

    def look(self, trial: str, command: Command, new: dict[str, bytes]) -> None:
        """Every file is the old or the new one; then the next run makes all of them."""
        left = compared(self.folder)
        old = {name: _OLD for name in command.replaced}
        for name in set(left) - set(temporaries(left)):
            if left[name] not in (old.get(name), new.get(name)):
                self.fault(trial, f"{name} is half-written")
        for name in old.keys() - left.keys():
            self.fault(trial, f"{name} is gone")
        try:
            self.run(command.arguments, self.folder)
        except RuntimeError as error:
            self.fault(trial, f"the next run: {error}")
        self.compare(trial, new)

    def compare(self, trial: str, new: dict[str, bytes]) -> None:
        found = compared(self.folder)
        for name in sorted(new.keys() | found.keys()):
            if new.get(name) != found.get(name):
                self.fault(trial, f"after the next run {name} is not as of a run nobody killed")

    def kill_batch(self, command: Command, count: int) -> None:
        started = time.monotonic()
        self.run(command.arguments, self.fresh())
        seconds, new = time.monotonic() - started, compared(self.folder)
        self.found.kills[command.name] = (count, 0)
        for number in range(count):  # the first half early, when heads are at work
            moment = self.rng.uniform(0.15, 1.0 if number >= count / 2 else 0.5) * seconds
            trial = f"{command.name}, killed after {moment:.1f} s"
            process = self.start(command.arguments, self.fresh())
            _wait(moment, lambda p=process: p.poll() is not None)
            self.found.orphans += len(_at_work(self.folder)) - (process.poll() is None)
            process.kill()
            process.communicate()
            if not _wait(_LAST_SECONDS, lambda: not _at_work(self.folder)):
                self.fault(trial, f"{len(_at_work(self.folder))} processes go on without it")
            self.look_at_batch(trial, command, new)

    def look_at_batch(self, trial: str, command: Command, new: dict[str, bytes]) -> None:
        """Finished heads are whole and are not made again."""
        left = compared(self.folder)
        for name in set(left) - set(temporaries(left)):
            if left[name] != new.get(name) and not _is_page(name):
                self.fault(trial, f"{name} is half-written")
        finished = {p: p.stat().st_mtime_ns for p in self.folder.glob("out/[!.]*/*.fbx")}
        try:
            said = self.run(command.arguments, self.folder)[0]
            if said.count("finished already") != len(finished):
                self.fault(trial, f"{len(finished)} heads were finished, but: {said}")
        except RuntimeError as error:
            self.fault(trial, f"the next run: {error}")
        for path, modified in finished.items():
            if path.stat().st_mtime_ns != modified:
                self.fault(trial, f"{path.name} was finished and is made again")
        self.compare(trial, new)


def compared(folder: Path) -> dict[str, bytes]:
    """{path: what must be equal} below a folder: bytes without the moment they were written at.

    A .blend holds addresses, a page says which run made what: of those, that they are whole.
    """
    found = {}
    for name, content in contents(folder).items():
        suffix = name.rpartition(".")[2]
        if temporaries({name: content}):
            found[name] = content
        elif suffix == "fbx":
            found[name] = re.sub(rb"CreationTimeStamp.*?Creator", b"", content, count=1, flags=re.S)
        elif suffix in ("blend", "html") and content:
            ends = {"blend": _ends_as_blend, "html": lambda text: text.endswith(b"</html>\n")}
            found[name] = b"whole" if ends[suffix](content) else b"half"
        elif name.endswith("batch.json"):
            found[name] = b"%d heads asked" % json.loads(content)["asked"]
        elif suffix == "json" and content != _OLD:
            found[name] = json.dumps(_timeless(json.loads(content)), sort_keys=True).encode()
        else:
            found[name] = content
    return found


def _ends_as_blend(content: bytes) -> bool:
    """Whether it can be unpacked to its last block; Blender writes frames of Zstandard."""
    import zstandard

    if content.startswith(b"\x28\xb5\x2f\xfd"):
        unpacker = zstandard.ZstdDecompressor()
        content = unpacker.stream_reader(content, read_across_frames=True).read()
    return content.startswith(b"BLENDER") and b"ENDB" in content[-64:]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k != "seconds"}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


def _is_page(name: str) -> bool:
    return name in ("out/batch.json", "out/index.html")


def _end_after(process: subprocess.Popen[str], moment: float) -> None:
    _wait(moment, lambda: process.poll() is not None)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _wait(seconds: float, is_over: Callable[[], bool]) -> bool:
    """Whether it was over within so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_over():
            return True
        time.sleep(0.02)
    return is_over()


def _at_work(folder: Path) -> list[int]:
    """Processes that work below a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            place = os.readlink(entry)
        except OSError:  # it has ended, or is another's
            continue
        if f"{place}/".startswith(f"{folder}/"):
            found.append(int(entry.parent.name))
    return found
