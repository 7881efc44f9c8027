"""Trials of one activity: killed at a moment or at a thing asked of the disk, or refused by it.

Every trial is a process forked from this one, which has all imported, in a copy of one folder.

`python -m tests.robustness.faults.trials SCALE SEED NAME…` in `disk.environment`; prints JSON.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

from build_addon import BuildError
from facegen_core.errors import FacegenError
from facegen_core.files import disk_refusal
from tests.robustness.faults.activities import ACTIVITIES, Activity
from tests.robustness.faults.disk import Disk
from tests.robustness.faults.wholeness import contents, differences, halves, temporaries
from training.__main__ import WORKER_ENDED

KILLS, REFUSALS = 24, 40
PATIENCE_SECONDS = 300.0


@dataclass
class Findings:
    """What came of the trials of an activity. faults: one sentence for every trial that failed."""

    name: str
    num_asked: int = 0
    kills_by_time: int = 0
    kills_by_place: int = 0
    killed: int = 0
    refusals: int = 0
    every_place: bool = False
    sentences: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Ended:
    """A child: whether it was killed, and the error it ended with, by type and text."""

    was_killed: bool
    is_refusal: bool = False
    error: str = ""
    asked: int = 0
    seconds: float = 0.0


class Trials:
    """The folder before the activity (`old`), and after one that nobody disturbed (`new`)."""

    def __init__(self, activity: Activity, room: Path, seed: int) -> None:
        self.activity, self.room, self.disk = activity, room, Disk()
        self.rng = random.Random(f"{seed} {activity.name}")
        self.findings = Findings(activity.name)
        self.master = room / "master"
        self.master.mkdir()
        os.chdir(self.master)
        activity.before(self.master)
        self.old = contents(self.master)
        folder = self.fresh()
        ended = self.child(folder, self.disk.counting(folder))
        if ended.error:
            raise RuntimeError(f"{activity.name} fails undisturbed: {ended.error}")
        self.new, self.asked, self.seconds = contents(folder), ended.asked, ended.seconds
        self.findings.num_asked = self.asked
        if temporaries(self.new):
            self.fault("undisturbed", f"left {temporaries(self.new)[0]}")

    def fresh(self) -> Path:
        folder = self.room / "trial"
        os.chdir(self.room)
        shutil.rmtree(folder, ignore_errors=True)
        return Path(shutil.copytree(self.master, folder))

    def fault(self, trial: str, sentence: str) -> None:
        self.findings.faults.append(f"{trial}: {sentence}")

    def kill_at_times(self, count: int) -> None:
        for _ in range(count):
            moment = self.rng.uniform(0.0, self.seconds)
            self.findings.kills_by_time += 1
            self.killed(f"killed after {moment:.3f} s", lambda _: nullcontext(), moment)

    def kill_at_places(self, count: int) -> None:
        places = self.places(count)
        for place in places:
            self.findings.kills_by_place += 1
            self.killed(f"killed at {place} of {self.asked}",
                        lambda folder, at=place: self.disk.killing(folder, at))  # fmt: skip

    def places(self, count: int) -> list[int]:
        """All of them, or as many by lot."""
        every = range(1, self.asked + 1)
        self.findings.every_place = count >= self.asked
        return list(every) if count >= self.asked else sorted(self.rng.sample(every, count))

    def killed(
        self,
        trial: str,
        disk: Callable[[Path], AbstractContextManager[None]],
        moment: float | None = None,
    ) -> None:
        """Nothing is half, and the next run ends as if nothing had happened."""
        folder = self.fresh()
        ended = self.child(folder, disk(folder), moment)
        self.findings.killed += ended.was_killed
        if ended.error and not ended.is_refusal:
            self.fault(trial, ended.error)
        for name in halves(folder, [self.old, self.new]):
            self.fault(trial, f"{name} is half-written")
        again = self.child(folder, nullcontext())
        if again.error:
            self.fault(trial, f"the next run: {again.error}")
        else:
            for name in differences(self.new, contents(folder)):
                self.fault(trial, f"after the next run {name} is not as of a run nobody killed")

    def refused(
        self, trial: str, disk: AbstractContextManager[None], folder: Path, leaves_all: bool
    ) -> None:
        """One sentence, nothing half, no temporary; and the next run does it.

        leaves_all: temporaries cannot be removed (the disk is read-only).
        """
        self.findings.refusals += 1
        ended = self.child(folder, disk)
        found = contents(folder)
        if ended.error and not ended.is_refusal:
            self.fault(trial, f"no sentence but {ended.error}")
        elif ended.error:
            sentence = ended.error.replace(str(folder), "FOLDER")
            sentence = re.sub(r"[\d.]+ MB", "N MB", sentence)
            self.findings.sentences.setdefault(trial.split(" at ")[0], sentence)
            if "\n" in ended.error:
                self.fault(trial, f"more than a sentence: {ended.error}")
        elif differences(self.new, found):
            self.fault(trial, "no word, and not done")
        for name in halves(folder, [self.old, self.new]):
            self.fault(trial, f"{name} is half-written")
        if temporaries(found) and not leaves_all:
            self.fault(trial, f"left {temporaries(found)[0]}")
        for name in set(self.old) - set(found):
            self.fault(trial, f"{name} is gone")
        if self.rng.random() < 0.2:
            again = self.child(folder, nullcontext())
            if again.error or differences(self.new, contents(folder)):
                self.fault(trial, f"the next run does not mend it {again.error}")

    def refuse(self, count: int) -> None:
        for place in self.places(count):
            folder = self.fresh()
            self.refused(f"disk full at {place}", self.disk.full(folder, place), folder, False)
            folder = self.fresh()
            self.refused(f"disk error at {place}", self.disk.failing(folder, place), folder, False)
        folder = self.fresh()
        self.refused("read-only disk", self.disk.read_only(folder), folder, True)

    def child(
        self, folder: Path, disk: AbstractContextManager[None], moment: float | None = None
    ) -> _Ended:
        """Do it in a forked process, which is killed after `moment` seconds, if given."""
        reader, writer = os.pipe()
        sys.stdout.flush()
        process = os.fork()
        if process == 0:
            os.close(reader)
            _act(self.activity, folder, disk, self.disk, writer)
        os.close(writer)
        if moment is not None:
            time.sleep(moment)
            os.kill(process, signal.SIGKILL)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(process, 0)
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            is_ours = number == signal.SIGKILL
            return _Ended(is_ours, error="" if is_ours else f"ended by signal {number}")
        return _Ended(False, **json.loads(said or b'{"error": "it said nothing"}'))


def _act(
    activity: Activity,
    folder: Path,
    disk: AbstractContextManager[None],
    counter: Disk,
    writer: int,
) -> None:
    """In the child: do it, tell what came of it, and end without any of the parent's clean-up."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    signal.alarm(int(PATIENCE_SECONDS))
    os.chdir(folder)
    told: dict[str, object] = {}
    started = time.perf_counter()
    try:
        with disk:
            activity.act(folder)
    except (FacegenError, BuildError) as error:
        told = {"is_refusal": True, "error": str(error)}
    except BrokenExecutor:  # the one that was killed is a worker
        told = {"is_refusal": True, "error": WORKER_ENDED}
    except OSError as error:  # said by the commands, wherever it was met
        refusal = disk_refusal(error)
        told = {"is_refusal": refusal is not None, "error": str(refusal or repr(error))}
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        told = {"error": f"{error!r} ({Path(place.filename).name}:{place.lineno})"}
    told |= {"asked": counter.asked, "seconds": time.perf_counter() - started}
    os.write(writer, json.dumps(told).encode())
    os._exit(0)


def try_activity(activity: Activity, scale: float, seed: int) -> Findings:
    share = scale * activity.weight
    memory = Path("/dev/shm")  # bringing a file to a real disk takes most of a trial's time
    place = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="faults-", dir=place) as room:
        trials = Trials(activity, Path(room).resolve(), seed)
        trials.kill_at_times(max(1, round(KILLS * share)))
        trials.kill_at_places(max(1, round(REFUSALS * share)))
        trials.refuse(max(1, round(REFUSALS * share)))
        os.chdir("/")
    return trials.findings


def main(arguments: list[str]) -> None:
    import torch

    torch.set_num_threads(1)
    scale, seed, names = float(arguments[0]), int(arguments[1]), arguments[2:]
    real = os.dup(1)
    os.dup2(2, 1)  # progress of what prepares goes to the other stream
    found = [
        asdict(try_activity(activity, scale, seed))
        for activity in ACTIVITIES
        if not names or activity.name in names
    ]
    os.write(real, json.dumps(found).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
