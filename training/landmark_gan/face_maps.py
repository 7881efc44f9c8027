"""How the landmarks of every face of a set move where those of the mean face move.

Deformation transfer of a basis to every neutral takes a second a face; what the landmarks show of
it is kept in a file beside the set, and read back where that is of the same faces and basis.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.array_files import TRAINING_BYTES, read_arrays
from facegen_core.bundle import write_arrays
from facegen_core.deformation_transfer import BasisTransfer
from facegen_core.errors import WriteError
from facegen_core.models.landmark_config import FRAME_SIZE
from facegen_core.models.neutral_reading import landmark_map, seen_by_landmarks
from facegen_core.template import Template
from facegen_core.template_arrays import template_hash
from training.datasets.training_data import TrainingData

FloatArray = NDArray[np.floating]


def face_maps(data: TrainingData, basis: FloatArray | None) -> dict[str, NDArray[np.float32]]:
    """{subject: (204, 204)} of all splits, as `neutral_reading.landmark_map` makes them.

    basis: (K, V, 3) blendshapes of the mean face; None: every face moves as the mean face does.
    """
    neutrals = {s.subject: s.neutral for split in data.sequences.values() for s in split}
    if basis is None:
        return {name: np.eye(FRAME_SIZE, dtype=np.float32) for name in neutrals}
    root = getattr(data.dataset, "root", None)
    cache = root / f"landmark_bases_{_key(data.template, basis, neutrals)}.npz" if root else None
    shown = _read(cache, set(neutrals)) if cache else None
    if shown is None:
        shown = _carried(data.template, basis, neutrals)
        if cache:
            _write(cache, shown)
    mean = seen_by_landmarks(data.template, basis)
    return {name: landmark_map(mean, of_face) for name, of_face in shown.items()}


def _carried(
    template: Template, basis: FloatArray, neutrals: Mapping[str, FloatArray]
) -> dict[str, NDArray[np.float32]]:
    transfer = BasisTransfer(template.vertices, template.triangles, basis)
    bar = tqdm(sorted(neutrals.items()), desc="Carrying to faces", unit="face", mininterval=2.0)
    return {name: seen_by_landmarks(template, transfer.to(neutral)) for name, neutral in bar}


def _key(template: Template, basis: FloatArray, neutrals: Mapping[str, FloatArray]) -> str:
    digest = hashlib.sha256(template_hash(template).encode())
    digest.update(np.ascontiguousarray(basis, "<f4").tobytes())
    for name in sorted(neutrals):
        digest.update(name.encode() + np.ascontiguousarray(neutrals[name], "<f4").tobytes())
    return digest.hexdigest()[:16]


def _read(path: Path, names: set[str]) -> dict[str, NDArray[np.float32]] | None:
    try:
        arrays = read_arrays(path, largest=TRAINING_BYTES)
        return arrays if set(arrays) == names else None
    except (OSError, ValueError):
        return None


def _write(path: Path, shown: Mapping[str, NDArray[np.float32]]) -> None:
    """A set that cannot be written beside is carried again the next time."""
    try:
        write_arrays(path, shown)
    except WriteError:
        return
