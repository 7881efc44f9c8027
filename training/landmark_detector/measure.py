"""How far off the detector is on pictures it has not seen, in all and per augmentation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.landmark_detector.pictures import NAMES, Pictures

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class Row:
    """num: faces; mean_mm, p95_mm: over landmarks of them, on a head of real size; flat_mm: in the
    picture's plane; expected_mm: what the network expects; found: share of faces scored above a
    half; false: share of what is no face scored above a half, NaN where none is counted."""

    name: str
    num: int
    mean_mm: float
    p95_mm: float
    flat_mm: float
    expected_mm: float
    found: float
    false: float


@dataclass(frozen=True, eq=False)
class Measured:
    """errors_mm (N, 68), flat_mm (N, 68), expected_mm (N, 68), scores (N,) of `pictures`."""

    pictures: Pictures
    errors_mm: FloatArray
    flat_mm: FloatArray
    expected_mm: FloatArray
    scores: FloatArray

    def overall(self) -> Row:
        return self._row("all", np.ones(len(self.scores), bool))

    def table(self) -> list[Row]:
        """All, then every augmentation by name; "front" is a face in a nearly right pose."""
        bits = self.pictures.names
        rows = [self.overall()]
        near = (bits >> NAMES.index("far pose")) & 1 == 0
        rows.append(self._row("near pose", near))
        plain = near & (bits == (bits & (1 << NAMES.index("eyes"))))
        rows.append(self._row("plain", plain))
        for k, name in enumerate(NAMES):
            rows.append(self._row(name, (bits >> k) & 1 == 1))
        return [row for row in rows if row.num]

    def _row(self, name: str, chosen: NDArray[np.bool_]) -> Row:
        face = chosen & self.pictures.is_face
        if not face.any():
            return Row(name, 0, *[float("nan")] * 6)
        other = chosen & ~self.pictures.is_face
        return Row(
            name,
            int(face.sum()),
            round(float(self.errors_mm[face].mean()), 2),
            round(float(np.percentile(self.errors_mm[face], 95)), 2),
            round(float(self.flat_mm[face].mean()), 2),
            round(float(self.expected_mm[face].mean()), 2),
            round(float((self.scores[face] > 0.5).mean()), 4),
            round(float((self.scores[other] > 0.5).mean()), 4) if other.any() else float("nan"),
        )


def measure(
    pictures: Pictures, scores: FloatArray, places: FloatArray, errors: FloatArray
) -> Measured:
    """Compare (N, 68, 3) places and (N, 68) expected errors, in half crops, with the truth."""
    offsets = (places - pictures.landmarks) * pictures.millimetres[:, None, None]
    return Measured(
        pictures,
        np.linalg.norm(offsets, axis=-1),
        np.linalg.norm(offsets[..., :2], axis=-1),
        errors * pictures.millimetres[:, None],
        scores,
    )


def as_text(rows: list[Row]) -> str:
    """The table in Markdown."""
    lines = ["| faces | n | mean mm | p95 mm | in plane mm | expected mm | found | false |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        cells = (row.mean_mm, row.p95_mm, row.flat_mm, row.expected_mm)
        numbers = " | ".join(f"{value:.2f}" for value in cells)
        shares = " | ".join(
            "–" if value != value else f"{value:.1%}" for value in (row.found, row.false)
        )
        lines.append(f"| {row.name} | {row.num} | {numbers} | {shares} |")
    return "\n".join(lines) + "\n"
