"""What the decoder is taught on: some frames of every take, face by face, in memory.

Meshes and carried bases are kept as float16: 0.1 GB for ten faces with their frames.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.bundle import load_bundle
from facegen_core.errors import TopologyMismatchError
from facegen_core.models.neutral_reading import NeutralReader, Offsets
from facegen_core.template import Template
from training.datasets.sequence import Sequence
from training.expression_model.face_bases import FaceBases
from training.runs.checkpoint import CheckpointError, load_checkpoint

BASIS = "blendshapes.basis"


@dataclass(frozen=True, eq=False)
class Face:
    """A training subject.

    shapes: (K, V, 3) the blendshapes as this face shows them; landmark_basis: (K, 204) the same at
    its landmarks. Of N frames: skin (N, V, 3) and landmarks (N, 68, 3) mm from the neutral,
    coefficients (N, K) that come nearest to the skin, jaw (N, 6) rad and mm.
    """

    subject: str
    offsets: Offsets
    shapes: NDArray[np.float16]
    landmark_basis: NDArray[np.float32]
    skin: NDArray[np.float16]
    landmarks: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    jaw: NDArray[np.float32]


def read_basis(path: Path, template: Template) -> NDArray[np.float32]:
    """(K, V, 3) blendshapes of a bundle, or of the run in a folder.

    Raises CheckpointError or TopologyMismatchError where there are none that fit the template.
    """
    path = Path(path)
    is_run = path.is_dir()
    weights = load_checkpoint(path / "checkpoint.npz").weights if is_run else _of_bundle(path)
    if BASIS not in weights:
        raise CheckpointError(f"{path} holds a model without blendshapes: choose another one.")
    basis = np.asarray(weights[BASIS], np.float32)
    if basis.shape[1] != template.num_vertices:
        raise TopologyMismatchError(
            f"{path} has blendshapes of {basis.shape[1]} vertices, the data has "
            f"{template.num_vertices}: train the expression model on this data first."
        )
    return basis


def _of_bundle(path: Path) -> dict[str, NDArray[np.float32]]:
    return load_bundle(path).weights


def read_faces(
    sequences: Rows[Sequence],
    template: Template,
    bases: FaceBases,
    reader: NeutralReader,
    frames_per_take: int,
    seed: int,
) -> list[Face]:
    """All subjects of the sequences, in the order they come in; about a second each."""
    takes: dict[str, list[Sequence]] = {}
    for sequence in sequences:
        takes.setdefault(sequence.subject, []).append(sequence)
    bar = tqdm(takes.items(), desc="Reading faces", unit="face", mininterval=2.0)
    return [
        _read_face(
            own, template, bases, reader, frames_per_take, np.random.default_rng([seed, index])
        )
        for index, (_, own) in enumerate(bar)
    ]


def _read_face(
    takes: list[Sequence],
    template: Template,
    bases: FaceBases,
    reader: NeutralReader,
    frames_per_take: int,
    rng: np.random.Generator,
) -> Face:
    neutral = takes[0].neutral
    basis = bases.of(neutral)
    frames = [moving_frames(take, frames_per_take, rng) for take in takes]
    skin = np.concatenate([t.displacements(f) for t, f in zip(takes, frames, strict=True)])
    jaw = np.concatenate([np.asarray(t.jaw())[f] for t, f in zip(takes, frames, strict=True)])
    return Face(
        takes[0].subject,
        reader.offsets(neutral),
        basis.shapes.astype(np.float16),
        reader.landmark_basis(basis.shapes),
        skin.astype(np.float16),
        template.landmarks.positions(skin, template.triangles).astype(np.float32),
        basis.project(skin),
        jaw.astype(np.float32),
    )


def moving_frames(take: Sequence, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Up to `count` frames of a take between the first onset and the last offset, sorted."""
    first = int(min(part.marks[0] for part in take.components)) + 1
    last = int(max(part.marks[3] for part in take.components))
    moving = np.arange(min(first, take.num_frames - 1), min(last, take.num_frames - 1) + 1)
    return np.sort(rng.choice(moving, min(count, len(moving)), replace=False))
