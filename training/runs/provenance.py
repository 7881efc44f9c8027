"""What decides a run's weights beside its settings: code, versions, data."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from facegen_core.json_text import read_json
from facegen_core.template_arrays import template_hash
from training.datasets.training_data import TrainingData

# What decides the weights, beside the data.
TRAINING_CODE = ("training", "facegen_core/models", "facegen_core/conditioning.py")
_PACKAGES = ("numpy", "scipy", "torch", "tqdm", "pyyaml", "tensorboard")


def commit() -> str:
    """The commit of what trains, "-dirty" where it was changed since; 'unknown' outside git."""
    try:
        head = _git("rev-parse", "HEAD")
        changes = _git("status", "--porcelain", "--untracked-files=no", "--", *TRAINING_CODE)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}-dirty" if changes else head


def versions() -> dict[str, str]:
    """Python and the packages a run computes with; those that are not installed are left out."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def session_record(
    stage: str, step: int, seed: int, data_hash: str, device: object, processes: int
) -> dict[str, Any]:
    """What decided a session of a run that began at a stage and step: an entry of run.json."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "from": {"stage": stage, "step": step},
        "seed": seed,
        "data_hash": data_hash,
        "commit": commit(),
        "versions": versions(),
        "device": str(device),
        "processes": processes,
    }


def last_session(folder: Path) -> dict[str, str]:
    """When a run's last session started (`date`, ISO 8601) and with which `commit`, by its
    run.json; 'unknown' without one."""
    path = folder / "run.json"
    if not path.exists():
        return {"date": "unknown", "commit": "unknown"}
    session = read_json(path)[-1]
    return {"date": str(session["started"])[:10], "commit": str(session["commit"])}


def data_hash(data: TrainingData) -> str:
    """A fingerprint of the template and of every sequence: name, marks, neutral, identity, jaw.

    The skin's motion is left out: it would have to be computed, and rounds by machine.
    """
    digest = hashlib.sha256(template_hash(data.template).encode())
    seen: set[str] = set()
    for split in sorted(data.sequences):
        for sequence in data.sequences[split]:
            digest.update(f"{split} {sequence.name} {sequence.num_frames}".encode())
            for part in sequence.components:
                digest.update(np.asarray(part.marks, np.float64).tobytes())
            digest.update(np.asarray(sequence.jaw(), np.float32).tobytes())
            digest.update(np.asarray(sequence.identity, np.float32).tobytes())
            if sequence.subject not in seen:
                seen.add(sequence.subject)
                digest.update(np.asarray(sequence.neutral, np.float32).tobytes())
    return digest.hexdigest()[:16]


def _git(*arguments: str) -> str:
    root = Path(__file__).resolve().parents[2]
    answer = subprocess.run(
        ["git", *arguments],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=True,
    )
    return answer.stdout.strip()
