"""A coarse head for the fitting tests: the default template one level coarser."""

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from facegen_core.bundle import load_bundle
from facegen_core.landmarks import landmarks_on_mesh
from facegen_core.mesh import Mesh

BUNDLE = Path(__file__).parents[2] / "blender_addon" / "assets" / "default.facegen"


@functools.cache
def full_template():
    """The default template, or skip."""
    if not BUNDLE.exists():
        pytest.skip("blender_addon/assets/default.facegen is missing")
    return load_bundle(BUNDLE).template


@functools.cache
def coarse_template():
    """2.8 k vertices of the default template: the same head, five times faster to fit."""
    full = full_template()
    level = full.hierarchy.levels[1]
    rows = cKDTree(full.vertices).query(level.vertices)[1]  # decimation keeps vertices in place
    mesh = Mesh.from_triangles(level.vertices, level.triangles)
    return replace(
        full,
        vertices=full.vertices[rows],
        triangles=level.triangles,
        landmarks=landmarks_on_mesh(mesh, full.landmark_positions),
        regions={name: weights[rows] for name, weights in full.regions.items()},
        identity_basis=full.identity_basis[:, rows],
    )


def person(seed, template=None):
    """(V, 3) skin of a random identity of the template."""
    template = template or coarse_template()
    coefficients = np.random.default_rng(seed).normal(size=40).clip(-2.0, 2.0)
    return np.asarray(template.with_identity(coefficients), np.float64)


def turned(points, seed, scale=1.0, shift=(0.0, 0.0, 0.0)):
    """(..., 3) points under a random rotation, a scale and a shift."""
    rotation = Rotation.random(random_state=seed).as_matrix()
    return scale * (points @ rotation.T) + np.asarray(shift)


def ball(num_rings=24, radii=(1.0, 1.0, 1.0)):
    """An ellipsoid of quads."""
    polar, around = np.linspace(0.01, np.pi - 0.01, num_rings), np.arange(36) * np.pi / 18
    p, a = np.meshgrid(polar, around, indexing="ij")
    points = np.stack([np.sin(p) * np.cos(a), np.cos(p), np.sin(p) * np.sin(a)], axis=-1)
    rows = np.arange(num_rings * 36).reshape(num_rings, 36)
    right = np.roll(rows, -1, axis=1)
    quads = np.stack([rows[:-1], right[:-1], right[1:], rows[1:]], axis=-1).reshape(-1, 4)
    return Mesh.from_polygons(points.reshape(-1, 3) * radii, quads)
