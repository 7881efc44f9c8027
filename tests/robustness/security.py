"""Files and messages from strangers: thousands of damaged ones, each opened in a watched process.

python -m tests.robustness security [--scale 0.1] [--seed 0]
python -m tests.robustness.security_child "preset" 0 17 1     one case again, by its number
"""

from __future__ import annotations

import importlib.util
import json
import os
import selectors
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.robustness import security_links
from tests.robustness.peak_memory import up_to
from tests.robustness.report import Case, Chapter, Line
from tests.robustness.security_doors import DOORS

ROOT = Path(__file__).parents[2]
COMMAND = "python -m tests.robustness security"
# A child that says nothing for so long is stuck where no signal reaches it.
_SILENT_SECONDS = 240
# What one file may cost at most while it is opened.
MEMORY_BYTES = 512 << 20
ASKED = 10_000

THREATS = [
    "What comes from strangers: model bundles, heads (.obj, .fbx, .glb, .gltf, .blend), presets, "
    "landmarks, parts, lists of heads, records of clips, scenes; for training recordings, data "
    "packs, settings, checkpoints; and what the worker answers. Facegen runs nothing that it "
    "reads: no pickle, no eval, no shell, no import by a name from a file; a .blend is opened with "
    "its scripts off. Counts in a file are held against the bytes that are there before memory is "
    "asked for; archives are read, never unpacked to disk; names that become files are reduced to "
    "letters, digits, '-' and '_'. What cannot be used is refused in one sentence. Nothing is "
    "sent or fetched unless the user presses the button that says so. What Facegen cannot promise "
    "is what Blender's own importers do with .fbx, .glb and .blend.",
    "Each file is damaged by a seed: bits, lengths, ends; values, kinds and keys of its JSON; "
    "shapes, types and claims of its arrays; entries and lists of its zip; numbers and lines of "
    "its text. A process with an audit hook opens it and uses what opened; imports, compiled code, "
    "programs, connections and files elsewhere count as code run.",
]


@dataclass
class Tally:
    """What came of the cases of one door. grown: bytes, the most of any case."""

    loaded: int = 0
    refused: int = 0
    grown: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)
    ran: int = 0
    crashes: int = 0
    hangs: int = 0
    sentences: Counter[str] = field(default_factory=Counter)

    @property
    def cases(self) -> int:
        return self.loaded + self.refused + len(self.faults)


def run(scale: float, seed: int) -> Chapter:
    tallies = {}
    for name, door in DOORS.items():
        if importlib.util.find_spec(door.needs.split(".")[0]) is None:
            continue
        tallies[name] = tally_of(name, max(2, round(scale * door.cases)), seed)
        print(f"  {name}: {_words(tallies[name])}", flush=True)
    return chapter_of(tallies, security_links.cases())


def chapter_of(tallies: dict[str, Tally], links: Sequence[Case] = ()) -> Chapter:
    total = sum(tally.cases for tally in tallies.values())
    lines = [_counted(tallies, total)]
    for asked, number in (
        ("no code runs", sum(tally.ran for tally in tallies.values())),
        ("no crash", sum(tally.crashes for tally in tallies.values())),
        ("no hang", sum(tally.hangs for tally in tallies.values())),
        ("a valid object, or one sentence", sum(len(t.faults) for t in tallies.values())),
    ):
        lines.append(Line(asked, f"{number} of {total} cases otherwise", number == 0))
    most = max((tally.grown for tally in tallies.values()), default=0)
    asked = f"memory bounded: no file takes more than {MEMORY_BYTES >> 20} MB"
    lines.append(Line(asked, up_to(most), most <= MEMORY_BYTES))
    if links:
        bad = sum(not case.ok for case in links)
        asked = "links and shared folders: nothing read aloud, written or removed elsewhere"
        lines.append(Line(asked, f"{bad} of {len(links)} cases otherwise", bad == 0))
    cases = [_case(name, tally) for name, tally in tallies.items()]
    faults = [
        Case("Faults", f"{name}, case {number}", text, False)
        for name, tally in tallies.items()
        for number, text in tally.faults
    ]
    return Chapter("security", COMMAND, lines, [*cases, *links, *faults], THREATS)


def _counted(tallies: dict[str, Tally], total: int) -> Line:
    kinds: Counter[str] = Counter()
    for name, tally in tallies.items():
        kinds[DOORS[name].kind] += tally.cases
    told = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    asked = f"{ASKED} mutated bundles, OBJ/PLY files and worker messages"
    wanted = sum(number for kind, number in kinds.items() if kind != "texts")
    return Line(asked, f"{wanted}, of {total} in all: {told}", wanted >= ASKED)


def _case(name: str, tally: Tally) -> Case:
    """A door, how its cases ended, and the sentence that is most often read."""
    common = tally.sentences.most_common(1)
    said = f"; most often: {common[0][0]}" if common else ""
    return Case("Doors", name, f"{_words(tally)}{said}", not tally.faults)


def _words(tally: Tally) -> str:
    return (
        f"{tally.cases} damaged: {tally.refused} refused, {tally.loaded} opened, "
        f"{len(tally.faults)} faults; memory {up_to(tally.grown)}"
    )


def tally_of(name: str, count: int, seed: int) -> Tally:
    """Open so many damaged files at a door; a process that ends is counted and goes on anew."""
    tally, first = Tally(), 0
    while first < count:
        before = first
        first, ended = _run_child(name, seed, first, count - first, tally)
        if ended is None:
            break
        if first == before and ended.startswith("start"):
            tally.faults.append((first, ended))
            break
        tally.faults.append((first, ended))
        tally.hangs += "hangs" in ended
        tally.crashes += "hangs" not in ended
        first += 1
    return tally


def _run_child(
    name: str, seed: int, first: int, count: int, tally: Tally
) -> tuple[int, str | None]:
    """The number of the case that ended the process, and how; None where all went through."""
    command = [sys.executable, "-m", "tests.robustness.security_child", name]
    process = subprocess.Popen(
        [*command, *map(str, (seed, first, count))],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    number, is_open = first, False
    try:
        for line in _lines(process):
            said = json.loads(line)
            if "case" in said:
                number, is_open = said["case"], True
            elif "warm" not in said:
                is_open = False
                _count(tally, number, said)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return number, "hangs"
    error = process.stderr.read().decode(errors="replace") if process.stderr else ""
    code = process.wait()
    if code == 0:
        return number, None
    if code == -signal.SIGALRM:
        return number, "hangs"
    last = (error.strip().splitlines() or [""])[-1][:200]
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
    return number, f"{'ends' if is_open else 'start fails'} with {how}: {last}"


def _lines(process: subprocess.Popen[bytes]) -> Sequence[bytes]:
    """Lines as they come. Raises TimeoutError where none does for long."""
    assert process.stdout is not None
    selector, rest = selectors.DefaultSelector(), b""
    selector.register(process.stdout, selectors.EVENT_READ)
    while True:
        if not selector.select(_SILENT_SECONDS):
            raise TimeoutError
        found = os.read(process.stdout.fileno(), 1 << 16)
        if not found:
            return
        *whole, rest = (rest + found).split(b"\n")
        yield from whole


def _count(tally: Tally, number: int, said: dict[str, object]) -> None:
    tally.grown = max(tally.grown, int(said["grown"]))
    if "fault" in said:
        tally.faults.append((number, str(said["fault"])))
        tally.ran += bool(said.get("ran"))
    elif "refused" in said:
        tally.refused += 1
        tally.sentences[_general(str(said["refused"]))] += 1
    else:
        tally.loaded += 1


def _general(sentence: str) -> str:
    """A sentence without the folder of its case."""
    return " ".join(word.rpartition("/")[2] if "facegen-security" in word else word
                    for word in sentence.split())  # fmt: skip
