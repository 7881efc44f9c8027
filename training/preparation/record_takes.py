"""From the frames of one subject and expression to takes on disk, relative to the neutral.

Each frame is checked against the neutral (topology, order, size), laid into the template's frame,
freed of the head's own motion where asked, and kept as displacements.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import DatasetError
from facegen_core.metrics import mean_displacement
from facegen_core.one_thread import on_one_thread
from training.datasets.marks import (
    REST_SECONDS,
    Take,
    cut_take,
    derive_takes,
    marked_take,
)
from training.datasets.mesh_files import EdgeCheck, MeshFile
from training.datasets.recorded import write_take
from training.datasets.source import SourceRecording
from training.preparation.head_motion import (
    RigidMotion,
    fit_rigid,
    head_motion,
    jaw_poses,
    moves_as_a_whole,
)
from training.preparation.read_neutrals import read_shape
from training.preparation.resumable import write_json

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# A frame this much smaller or larger than the neutral is in another unit.
FRAME_SIZE_RATIO = 2.0
# What float32 metres and turning a frame to and fro leave, far below any scanner's noise: without
# it, rest would not be exactly 0.
ROUNDING_MM = 1e-3


@dataclass(frozen=True, eq=False)
class Stage:
    """What every recording is measured with.

    first: the mesh whose topology all share. face: (V,) weights of the region that tells motion;
    still, chin: vertices; pivot: (3,) of the jaw, mm. removes_head_motion: whether the frames are
    laid onto their neutral's skull. has_own_rest: whether every recording begins at rest.
    """

    out: Path
    first: MeshFile
    mm_per_unit: float
    frame_rate: float
    face: FloatArray
    still: IntArray
    chin: IntArray
    pivot: FloatArray
    removes_head_motion: bool
    has_own_rest: bool


@dataclass(frozen=True, eq=False)
class Job:
    """All recordings of one subject and expression, and where the subject is.

    placement: from the subject's files, in mm, to the template's frame; neutral: (V, 3) mm there.
    """

    subject: str
    expression: str
    recordings: tuple[SourceRecording, ...]
    placement: RigidMotion
    neutral: FloatArray

    @property
    def name(self) -> str:
        return f"{self.subject}_{self.expression}"


def note_path(stage_out: Path, name: str) -> Path:
    """The note that says how many takes a job made; written when all are there."""
    return stage_out / "sequences" / f"{name}.json"


@on_one_thread
def record_takes(stage: Stage, job: Job) -> int:
    """Write all takes of a job; returns how many. Raises DatasetError naming the file at fault."""
    folder, count = stage.out / "sequences", 0
    edges = EdgeCheck(job.neutral, stage.first.triangles)
    for recording in job.recordings:
        displacements = _displacements(stage, job, recording, edges)
        numbers = np.arange(recording.numbers[0], recording.numbers[-1] + 1)
        motion = mean_displacement(displacements, stage.face)
        for take in _takes(stage, recording, numbers, motion):
            count += 1
            low, high = take.frames.min(), take.frames.max()
            jaw = jaw_poses(displacements[take.frames], job.neutral, stage.pivot, stage.chin)
            write_take(
                folder,
                f"{job.name}_{count}",
                displacements[low : high + 1],
                (take.frames - low).astype(np.int32),
                take.marks,
                jaw,
            )
    write_json(note_path(stage.out, job.name), {"takes": count})
    return count


def check_frame_size(path: Path, vertices: FloatArray, neutral: FloatArray) -> None:
    """Raise DatasetError where a frame is much smaller or larger than its neutral."""
    ratio = float(np.ptp(vertices, axis=0).max() / np.ptp(neutral, axis=0).max())
    if not 1.0 / FRAME_SIZE_RATIO < ratio < FRAME_SIZE_RATIO:
        raise DatasetError(
            f"{path} is {ratio:.2g} times as large as the neutral: is it in another unit?"
        )


def _displacements(
    stage: Stage, job: Job, recording: SourceRecording, edges: EdgeCheck
) -> NDArray[np.float32]:
    """(T, V, 3) mm from the neutral, a frame for every number from the first to the last."""
    frames = np.empty((len(recording.files), *job.neutral.shape), np.float32)
    placement, neutral = job.placement, job.neutral
    for k, path in enumerate(recording.files):
        shape = read_shape(path, stage.first, stage.mm_per_unit).vertices
        check_frame_size(path, shape, job.neutral)
        edges.check(path, shape)
        if stage.has_own_rest and k == 0:
            placement = fit_rigid(shape, neutral)
            neutral = placement.apply(shape)
        frames[k] = placement.apply(shape)
    if stage.removes_head_motion and moves_as_a_whole(frames, neutral, stage.still):
        for k, frame in enumerate(frames):
            frames[k] = head_motion(frame, neutral, stage.still).apply(frame)
    displacements = frames - neutral.astype(np.float32)
    displacements[np.abs(displacements) < ROUNDING_MM] = 0.0
    return _without_gaps(displacements, recording.numbers)


def _without_gaps(displacements: NDArray[np.float32], numbers: IntArray) -> NDArray[np.float32]:
    """Missing frames as the mean of those around them, by how near they are."""
    wanted = np.arange(numbers[0], numbers[-1] + 1)
    if len(wanted) == len(numbers):
        return displacements
    after = np.clip(np.searchsorted(numbers, wanted), 1, len(numbers) - 1)
    before = after - 1
    share = (wanted - numbers[before]) / (numbers[after] - numbers[before])
    share = share.astype(np.float32)[:, None, None]
    return (1.0 - share) * displacements[before] + share * displacements[after]


def _takes(
    stage: Stage, recording: SourceRecording, numbers: IntArray, motion: FloatArray
) -> tuple[Take, ...]:
    if recording.marks:
        rest = round(REST_SECONDS * stage.frame_rate)
        return tuple(marked_take(recording.name, r, numbers, rest) for r in recording.marks)
    if recording.cuts:
        return tuple(cut_take(recording.name, r, numbers, motion) for r in recording.cuts)
    return derive_takes(recording.name, motion, stage.frame_rate)
