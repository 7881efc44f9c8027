"""Random heads from the template's own identity basis: plausible people, and people who are not.

Beyond the basis go local warps of space that move skin, eyes and teeth together: big eyes, flat or
long noses, wide mouths, long chins, big craniums, elf ears, lopsided faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from facegen_core.bundle import Bundle
from facegen_core.template import Template
from facegen_core.topology import adjacency

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

MAX_COEFFICIENT = 4.0
EYES = (np.arange(36, 42), np.arange(42, 48))
EYEBALLS = ("eyeball_right", "eyeball_left")


@dataclass(frozen=True, eq=False)
class Head:
    """skin: (V, 3) mm in the template's topology; inner: {name: (P, 3)}; landmarks: (68, 3)."""

    skin: FloatArray
    inner: dict[str, FloatArray]
    landmarks: FloatArray


class HeadMaker:
    """Makes heads of one bundle: its template's identities, its model's expressions."""

    def __init__(self, bundle: Bundle) -> None:
        self.template: Template = bundle.template
        self._expressions = bundle.weights.get("blendshapes.basis")
        scales = bundle.weights.get("blendshapes.scales")
        self._expression_scales = None if scales is None else np.asarray(scales, np.float64)

    @cached_property
    def smoothing(self) -> sparse.csr_matrix:
        """(V, V) mean of each vertex's neighbours."""
        links = adjacency(self.template.triangles, self.template.num_vertices).astype(np.float64)
        counts = np.asarray(links.sum(axis=1)).ravel()
        return sparse.diags(1.0 / np.maximum(counts, 1.0)) @ links

    @cached_property
    def levels(self) -> list[tuple[IntArray, IntArray]]:
        """Skin vertices and triangles of the finest and two coarser tessellations."""
        template = self.template
        found = [(np.arange(template.num_vertices), np.asarray(template.triangles))]
        for level in template.hierarchy.levels[1:3]:
            rows = cKDTree(template.vertices).query(level.vertices)[1]
            found.append((rows, np.asarray(level.triangles)))
        return found

    def random_head(self, rng: np.random.Generator) -> tuple[Head, set[str]]:
        """A head and the names of what was done to it."""
        done: set[str] = set()
        head = self._identity(rng)
        skin = head.skin
        if self._expressions is not None and rng.random() < 0.4:
            codes = rng.normal(0.0, rng.uniform(0.1, 0.5), len(self._expressions))
            skin = skin + np.tensordot(codes * self._expression_scales, self._expressions, axes=1)
            done.add("expression")
        points = np.concatenate([skin, *head.inner.values()])
        landmarks = self._landmarks(skin)
        if rng.random() < 0.5:
            points = _stylised(points, landmarks, self._ear_middles(skin), rng)
            done.add("stylised")
        points = _lumps(points, landmarks, rng)
        skin, inner = points[: len(skin)], dict[str, FloatArray]()
        start = len(skin)
        for name, part in head.inner.items():
            inner[name] = points[start : start + len(part)]
            start += len(part)
        if rng.random() < 0.35:
            skin = self._smoothed(skin, int(rng.integers(1, 16)))
            done.add("smoothed")
        return Head(skin, inner, self._landmarks(skin)), done

    def _identity(self, rng: np.random.Generator) -> Head:
        template = self.template
        spread = rng.uniform(0.5, 1.9)
        coefficients = rng.normal(0.0, spread, len(template.identity_basis))
        coefficients = coefficients.clip(-MAX_COEFFICIENT, MAX_COEFFICIENT)
        inner = {
            part.name: part.vertices + np.tensordot(coefficients, part.identity_basis, axes=1)
            for part in template.inner_parts
        }
        skin = np.asarray(template.with_identity(coefficients), np.float64)
        return Head(skin, inner, self._landmarks(skin))

    def _landmarks(self, skin: FloatArray) -> FloatArray:
        return self.template.landmarks.positions(skin, self.template.triangles)

    def _smoothed(self, skin: FloatArray, num_steps: int) -> FloatArray:
        for _ in range(num_steps):
            skin = 0.5 * skin + 0.5 * (self.smoothing @ skin)
        return skin

    def _ear_middles(self, skin: FloatArray) -> list[FloatArray]:
        regions = self.template.regions
        return [skin[regions[f"ear_{side}"] > 0.5].mean(axis=0) for side in ("right", "left")]


def _warp(
    points: FloatArray, middle: FloatArray, radius: float, growth: FloatArray, shift: FloatArray
) -> FloatArray:
    """Scale by 1 + growth (3,) about `middle` and move by `shift` (3,), fading with the radius."""
    offsets = points - middle
    near = np.exp(-0.5 * np.sum(offsets**2, axis=1) / radius**2)[:, None]
    return points + near * (offsets * growth + shift)


def _stylised(
    points: FloatArray, marks: FloatArray, ears: list[FloatArray], rng: np.random.Generator
) -> FloatArray:
    """What sculptors do to faces; each with its own chance."""

    def some() -> bool:
        return bool(rng.random() < 0.4)

    if some():  # eyes
        growth, radius = rng.uniform(-0.2, 1.0), rng.uniform(14.0, 26.0)
        for rows in EYES:
            lopsided = growth * rng.uniform(0.85, 1.15)
            points = _warp(
                points, marks[rows].mean(axis=0), radius, np.full(3, lopsided), np.zeros(3)
            )
    if some():  # nose: none, snub, long
        growth = rng.uniform([-0.5, -0.4, -0.8], [0.6, 0.4, 0.9])
        middle = marks[27:36].mean(axis=0) - [0.0, 0.0, 22.0]
        points = _warp(points, middle, rng.uniform(14.0, 24.0), growth, np.zeros(3))
    if some():  # mouth
        growth = np.array([rng.uniform(-0.35, 0.8), rng.uniform(-0.3, 0.5), 0.0])
        points = _warp(
            points, marks[48:60].mean(axis=0), rng.uniform(20.0, 32.0), growth, np.zeros(3)
        )
    if some():  # chin
        shift = np.array([0.0, rng.uniform(-40.0, 12.0), rng.uniform(-14.0, 20.0)])
        points = _warp(points, marks[8], rng.uniform(22.0, 40.0), np.zeros(3), shift)
    if some():  # cranium
        brow = marks[17:27].mean(axis=0)
        high = np.clip((points[:, 1] - brow[1]) / 60.0, 0.0, 1.0)[:, None]
        growth = rng.uniform(-0.15, 0.6) * np.array([1.0, rng.uniform(0.3, 1.3), 1.0])
        points = points + high * (points - [0.0, brow[1], 20.0]) * growth
    if some():  # jaw and cheeks
        out = rng.uniform(-14.0, 22.0)
        for corner, side in ((3, -1.0), (13, 1.0)):
            points = _warp(
                points, marks[corner], 32.0, np.zeros(3), np.array([side * out, 0.0, 0.0])
            )
    if some():  # ears
        shift = rng.uniform([0.0, -10.0, -25.0], [35.0, 60.0, 10.0])
        for middle, side in zip(ears, (-1.0, 1.0), strict=True):
            there = middle + [0.0, 12.0, 0.0]
            points = _warp(
                points, there, rng.uniform(12.0, 20.0), np.full(3, 0.3), shift * [side, 1, 1]
            )
    if some():  # the whole head: wide, tall, flat
        points = points * rng.uniform([0.82, 0.82, 0.82], [1.22, 1.22, 1.22])
    return points


def _lumps(points: FloatArray, marks: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A few smooth bumps anywhere on the face: what neither basis nor taste foresee."""
    for _ in range(int(rng.integers(2, 9))):
        middle = marks[rng.integers(68)] + rng.normal(0.0, 15.0, 3)
        shift = rng.normal(0.0, rng.uniform(0.5, 5.0), 3)
        points = _warp(points, middle, rng.uniform(14.0, 50.0), np.zeros(3), shift)
    return points
