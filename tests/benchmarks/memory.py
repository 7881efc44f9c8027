"""Peak memory of a training step, each decoder in a process of its own.

A peak belongs to a whole process and never falls again, so that one process can tell one peak. It
is the most memory the system ever gave to the process (VmHWM on Linux, else ru_maxrss), less what
it held with the model built: tensors, gradients and what the allocator keeps between them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from facegen_core.hierarchy import Hierarchy
from tests.benchmarks.decoders import (
    DECODERS,
    REFERENCES,
    TrainingStep,
    bundle_on,
    random_signal,
    torch_model,
)
from tests.benchmarks.hierarchies import load_hierarchy, save_hierarchy

STATUS = Path("/proc/self/status")
FORGET_PEAK = Path("/proc/self/clear_refs"), "5"  # sets VmHWM to VmRSS
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class PeakMemory:
    """MB (10^6 bytes): of the whole process, and what the training steps added to the model."""

    process_mb: float
    added_mb: float


@dataclass(frozen=True)
class MemoryResults:
    """Two training steps by decoder, and the smaller reference over ours."""

    sizes: tuple[int, ...]
    num_frames: int
    peaks: dict[str, PeakMemory]
    ratio_to_smaller: float


def measure(hierarchy: Hierarchy, num_frames: int) -> MemoryResults:
    """Peaks of two training steps of `num_frames` frames (Adam allocates in the first)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hierarchy.npz"
        save_hierarchy(hierarchy, path)
        peaks = {name: _of_child(path, name, num_frames) for name in DECODERS}
    smaller = min(peaks[name].added_mb for name in REFERENCES)
    ratio = smaller / peaks["fused"].added_mb
    return MemoryResults(hierarchy.sizes, num_frames, peaks, ratio)


def _of_child(path: Path, variant: str, num_frames: int) -> PeakMemory:
    command = [sys.executable, "-m", "tests.benchmarks.memory", str(path), variant, str(num_frames)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if child.returncode:
        raise RuntimeError(f"The process that measures memory failed: {child.stderr.strip()}")
    return PeakMemory(**json.loads(child.stdout))


def _measure_here(path: Path, variant: str, num_frames: int) -> PeakMemory:
    bundle = bundle_on(load_hierarchy(path))
    model, neutral = torch_model(bundle, variant), bundle.template.vertices
    step = TrainingStep(model, random_signal(1, num_frames), neutral)
    if STATUS.is_file():
        FORGET_PEAK[0].write_text(FORGET_PEAK[1])  # building the model took more than keeping it
    before = _held_bytes()
    for _ in range(2):
        step()
    peak = _peak_bytes()
    return PeakMemory(peak / 1e6, (peak - before) / 1e6)


def _held_bytes() -> int:
    return _status_bytes("VmRSS") if STATUS.is_file() else _peak_bytes()


def _peak_bytes() -> int:
    # ru_maxrss of a child counts its parent on Linux, VmHWM does not.
    if STATUS.is_file():
        return _status_bytes("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _status_bytes(name: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError(f"{STATUS} has no {name}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hierarchy", type=Path)
    parser.add_argument("variant", choices=list(DECODERS))
    parser.add_argument("num_frames", type=int)
    options = parser.parse_args()
    print(json.dumps(asdict(_measure_here(options.hierarchy, options.variant, options.num_frames))))


if __name__ == "__main__":
    main()
