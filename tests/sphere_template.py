"""A template small enough for tests: a sphere with an open bottom for a head, made in code."""

import numpy as np

from facegen_core.hierarchy import build_hierarchy
from facegen_core.landmarks import NUM_LANDMARKS, Landmarks
from facegen_core.template import REGIONS, InnerPart, Template

RADIUS = 80.0  # mm, about a head


def open_sphere(num_rings: int = 13, num_sectors: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """(V, 3) vertices, mm, and (F, 3) outward triangles; pole on top, open below like a neck."""
    polar = np.linspace(0.0, 0.85 * np.pi, num_rings + 1)[1:]
    around = 2 * np.pi * np.arange(num_sectors) / num_sectors
    # A slight squash and twist, so that no two paths or angles are equal by symmetry.
    rows = [
        np.stack(
            [
                np.sin(p) * np.sin(around + 0.1 * p),
                np.full(num_sectors, np.cos(p)),
                1.1 * np.sin(p) * np.cos(around + 0.1 * p),
            ],
            axis=1,
        )
        for p in polar
    ]
    vertices = RADIUS * np.concatenate([[[0.0, 1.0, 0.0]], *rows])
    triangles = [[0, 1 + s, 1 + (s + 1) % num_sectors] for s in range(num_sectors)]
    for r in range(num_rings - 1):
        for s in range(num_sectors):
            a, b = 1 + r * num_sectors + s, 1 + r * num_sectors + (s + 1) % num_sectors
            triangles += [[a, a + num_sectors, b], [b, a + num_sectors, b + num_sectors]]
    return vertices, np.array(triangles, np.int32)


def sphere_template(num_levels: int = 5, factor: int = 3) -> Template:
    """A Template on the open sphere: 261 vertices, every region, three identities, a tongue."""
    vertices, triangles = open_sphere()
    nose = int(vertices[:, 2].argmax())
    hierarchy = build_hierarchy(vertices, triangles, num_levels, factor, reference_vertex=nose)
    rng = np.random.default_rng(7)
    faces = rng.permutation(len(triangles))[:NUM_LANDMARKS].astype(np.int32)
    frontal = np.clip(vertices[:, 2] / RADIUS, 0, 1).astype(np.float32)
    tongue = InnerPart(
        "tongue",
        (0.2 * vertices[:40]).astype(np.float32),
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        rng.normal(size=(3, 40, 3)).astype(np.float32),
    )
    return Template(
        vertices=vertices.astype(np.float32),
        triangles=triangles,
        landmarks=Landmarks(faces, np.full((NUM_LANDMARKS, 3), 1 / 3, np.float32)),
        regions={name: frontal for name in REGIONS},
        identity_basis=rng.normal(size=(3, len(vertices), 3)).astype(np.float32),
        inner_parts=(tongue,),
        jaw_pivot=np.array([0.0, 0.0, -10.0], np.float32),
        hierarchy=hierarchy,
    )
