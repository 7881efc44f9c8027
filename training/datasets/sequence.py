"""`Sequence`: one recording of one subject showing one expression, in the template's topology."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import DatasetError

FloatArray = NDArray[np.floating]

SEQUENCE_VERSION = 1
_FIELDS = ("version", "activations", "jaw", "marks", "extremeness", "variant")


@dataclass(frozen=True, eq=False)
class Sequence:
    """A sequence kept as what it is made of: activations of the subject's own shapes.

    subject: its name; expression: one of EXPRESSIONS; take: counted from 1.
    marks: (4,) frames of onset start, apex start, apex end, offset end.
    neutral: (V, 3) float32 mm, the subject at rest.
    shapes: (K, V, 3) mm, memory-mapped; activations: (T, K); jaw_poses: (T, 6) rad and mm.
    extremeness and variant: how it was made, for reports; a model must not see them.
    """

    subject: str
    expression: str
    take: int
    marks: FloatArray
    neutral: NDArray[np.float32]
    activations: NDArray[np.float32]
    jaw_poses: NDArray[np.float32]
    extremeness: float
    variant: str
    shapes: FloatArray = field(repr=False)

    @property
    def num_frames(self) -> int:
        return len(self.activations)

    def displacements(self) -> NDArray[np.float32]:
        """(T, V, 3) of the skin from the subject's neutral, mm; exactly 0 at rest."""
        used = np.flatnonzero(self.activations.any(axis=0))
        shapes = np.asarray(self.shapes[used], np.float32)
        flat = self.activations[:, used] @ shapes.reshape(len(used), -1)
        return flat.reshape(self.num_frames, *shapes.shape[1:])

    def jaw(self) -> NDArray[np.float32]:
        """(T, 6) pose of the lower jaw: rotation vector (radians), then translation (mm)."""
        return self.jaw_poses


def write_sequence(path: Path, arrays: dict[str, NDArray]) -> None:
    """Write the per-take arrays (activations, jaw, marks, extremeness, variant), atomically."""
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, version=np.array(SEQUENCE_VERSION), **arrays)
    partial.replace(path)


def read_sequence(path: Path, neutral: NDArray[np.float32], shapes: FloatArray) -> Sequence:
    """Read ``S001_happy_1.npz`` given the subject's neutral (V, 3) and shapes (K, V, 3).

    Raises DatasetError naming the file and what is wrong with it.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            _check_fields(path, sorted(arrays.files))
            content = {name: arrays[name] for name in _FIELDS}
        subject, expression, take = path.stem.split("_")
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DatasetError(f"{path} is not a readable sequence: {error}.") from error
    if content["version"] != SEQUENCE_VERSION:
        raise DatasetError(f"{path} has version {content['version']}, expected {SEQUENCE_VERSION}.")
    if content["activations"].ndim != 2 or content["activations"].shape[1] != len(shapes):
        raise DatasetError(
            f"{path}: activations: expected (T, {len(shapes)}), got {content['activations'].shape}."
        )
    return Sequence(
        subject=subject,
        expression=expression,
        take=int(take),
        marks=content["marks"],
        neutral=neutral,
        activations=content["activations"],
        jaw_poses=content["jaw"],
        extremeness=float(content["extremeness"]),
        variant=str(content["variant"]),
        shapes=shapes,
    )


def _check_fields(path: Path, names: list[str]) -> None:
    missing, extra = sorted(set(_FIELDS) - set(names)), sorted(set(names) - set(_FIELDS))
    if missing:
        raise DatasetError(f"{path} lacks the field '{missing[0]}'.")
    if extra:
        raise DatasetError(f"{path} has an unknown field '{extra[0]}'.")
