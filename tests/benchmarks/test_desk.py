"""The head that the desk is measured on."""

from pathlib import Path

import numpy as np

from facegen_core.bundle import load_bundle
from facegen_core.topology import edges_of
from tests.benchmarks.desk_benchmark import BUNDLE
from tests.benchmarks.refined_head import refined_head


def euler_characteristic(mesh) -> int:
    return mesh.num_vertices - len(edges_of(mesh.triangles)) + len(mesh.triangles)


def test_a_refined_head_has_the_vertices_asked_for_and_no_gaps():
    template = load_bundle(Path(BUNDLE)).template
    whole, refined = template.whole_head(), refined_head(template, 21_000)
    assert refined.num_vertices == 21_000
    assert euler_characteristic(refined) == euler_characteristic(whole)
    uses = np.bincount(np.unique(np.sort(_sides(refined), axis=1), axis=0, return_inverse=True)[1])
    assert uses.max() == 2
    area, before = (_area(mesh) for mesh in (refined, whole))
    np.testing.assert_allclose(area, before, rtol=1e-6)


def _sides(mesh) -> np.ndarray:
    return np.concatenate([mesh.triangles[:, [k, (k + 1) % 3]] for k in range(3)])


def _area(mesh) -> float:
    a, b, c = (np.asarray(mesh.vertices, np.float64)[mesh.triangles[:, k]] for k in range(3))
    return float(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())
