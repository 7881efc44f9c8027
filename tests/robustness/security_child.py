"""A process that opens damaged files of one door, watched: `python -m … DOOR SEED FIRST COUNT`.

For every case one line of JSON: its number before, and after it what came of it and by how many
bytes the process had grown meanwhile. A case that says only its number ended the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.robustness.peak_memory import peak, reset_peak

# Address space a case may take beyond what the process has: enough to notice who asks for more.
ROOM_BYTES = 3 << 30
# A case that takes longer hangs.
SECONDS = 60
# What happens inside Python only where code is run, fetched, or sent.
_BANNED = (
    *("exec", "compile", "import", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
    *("subprocess.Popen", "pickle.find_class", "ctypes.dlopen", "marshal.loads", "code.__new__"),
    *("socket.connect", "socket.getaddrinfo", "socket.bind", "urllib.Request", "webbrowser.open"),
)
_LITERAL = re.compile(rb"\(\d+,\)")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Watch:
    """An audit hook that notes what a reader of files has no business with."""

    def __init__(self, folder: str, ignores: tuple[str, ...] = ()) -> None:
        self._folder, self._on, self.seen = folder, False, list[str]()
        self._banned = set(_BANNED) - set(ignores)
        sys.addaudithook(self._hook)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        self.seen.clear()
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event == "compile" and _LITERAL.fullmatch(arguments[0] or b""):
            return  # NumPy reads the repeats of a type as a literal; no code comes of it
        if event in self._banned:
            self.seen.append(f"{event} {str(arguments[:1])[:80]}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
            path = os.path.realpath(str(arguments[0]))
            if not path.startswith((self._folder, "/proc/", "/dev/null")):
                self.seen.append(f"writes {path[:80]}")


def main(name: str, seed: int, first: int, count: int) -> None:
    from facegen_core.errors import FacegenError
    from tests.robustness.security_doors import DOORS
    from tests.robustness.security_openings import check_sentence

    door = DOORS[name]
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # importers talk
    with tempfile.TemporaryDirectory(prefix="facegen-security-") as folder:
        os.chdir(folder)
        path = Path(folder) / f"case{door.suffix}"
        samples = door.make()
        _warm_up(door.open, samples, path, out)
        watch = Watch(os.path.realpath(folder), door.ignores)
        _limit_memory()
        for number in range(first, first + count):
            print(json.dumps({"case": number}), file=out)
            path.write_bytes(damaged(door, samples, name, seed, number))
            if os.environ.get("FACEGEN_CRASH_AT") == str(number):  # to test who counts crashes
                os.kill(os.getpid(), signal.SIGKILL)
            signal.alarm(SECONDS)
            before = reset_peak()
            try:
                with watch.watching():
                    door.open(path)
                result = {"loaded": True}
            except FacegenError as error:
                result = {"refused": str(error)}
                try:
                    check_sentence(str(error).replace(folder, ""))
                except AssertionError as fault:
                    result = {"fault": f"no sentence: {fault}"}
            except BaseException as error:
                result = {"fault": f"{type(error).__name__}: {str(error)[:200]}"}
            signal.alarm(0)
            if watch.seen:
                result = {"fault": f"ran or wrote: {watch.seen[0]}", "ran": True}
            strangers = [p for p in os.listdir(folder) if p != path.name]
            if strangers:
                result = {"fault": f"left {strangers[0]}", "ran": True}
                os.unlink(os.path.join(folder, strangers[0]))
            print(json.dumps({**result, "grown": max(peak() - before, 0)}), file=out)


def damaged(door: Any, samples: Any, name: str, seed: int, number: int) -> bytes:
    """The file of a case, the same for the same seed and number."""
    rng = Random(f"{name} {seed} {number}")
    return door.damage(rng, samples[rng.randrange(len(samples))])


def _warm_up(opens: Any, samples: Any, path: Path, out: Any) -> None:
    """Open what is whole, so that all that is imported on the way is there."""
    from facegen_core.errors import FacegenError

    for sample in samples:
        path.write_bytes(sample)
        try:
            opens(path)
        except FacegenError as error:
            print(json.dumps({"warm": str(error)}), file=out)
    for strange in (b"", b"\xff{", samples[0][: len(samples[0]) // 2], b"[" * 5000):
        path.write_bytes(strange)
        with contextlib.suppress(FacegenError):
            opens(path)


def _limit_memory() -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM_BYTES, size + ROOM_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
    sys.stderr.flush()
    os._exit(0)  # Blender as a module may wait for itself at the end
