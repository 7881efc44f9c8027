"""The meshes that are measured: the default template's, and a disk of any number of vertices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import Delaunay

from facegen_core.bundle import Bundle, load_bundle
from facegen_core.hierarchy import Hierarchy, Level, build_hierarchy

# Read as the file it is: what the add-on ships is no code of the core.
DEFAULT_BUNDLE = Path(__file__).parents[2] / "blender_addon" / "assets" / "default.facegen"
PAPER_VERTICES = 28_431  # levels 28431, 5687, 1138, 228, 46 (Potamias et al. 2020)


def default_bundle() -> Bundle:
    return load_bundle(DEFAULT_BUNDLE)


def disk_hierarchy(num_vertices: int) -> Hierarchy:
    """Five levels of a bumpy disk; its vertices in random order, the worst there is for caches."""
    rng = np.random.default_rng(0)
    flat = rng.uniform(-100, 100, (num_vertices, 2))
    height = 20 * np.sin(flat[:, :1] / 15) * np.cos(flat[:, 1:] / 20)
    triangles = Delaunay(flat).simplices
    a, b, c = (flat[triangles[:, k]] for k in range(3))
    turned = np.cross(b - a, c - a) < 0
    triangles[turned] = triangles[turned][:, ::-1]
    return build_hierarchy(np.hstack([flat, height]), triangles)


def save_hierarchy(hierarchy: Hierarchy, path: Path) -> None:
    """Write a hierarchy for a child process, which then need not build it again."""
    arrays = {}
    for k, level in enumerate(hierarchy.levels):
        arrays |= {f"vertices_{k}": level.vertices, f"triangles_{k}": level.triangles}
        arrays[f"spirals_{k}"] = level.spirals
    for k, (indices, weights) in enumerate(
        zip(hierarchy.up_indices, hierarchy.up_weights, strict=True)
    ):
        arrays |= {f"up_indices_{k}": indices, f"up_weights_{k}": weights}
    np.savez(path, **arrays)


def load_hierarchy(path: Path) -> Hierarchy:
    with np.load(path, allow_pickle=False) as arrays:
        num_levels = sum(name.startswith("vertices_") for name in arrays.files)
        levels = tuple(
            Level(*(arrays[f"{name}_{k}"] for name in ("vertices", "triangles", "spirals")))
            for k in range(num_levels)
        )
        ups = range(num_levels - 1)
        return Hierarchy(
            levels,
            tuple(arrays[f"up_indices_{k}"] for k in ups),
            tuple(arrays[f"up_weights_{k}"] for k in ups),
        )
