"""What people wear and what grows on them: made in code around the sample head."""

import numpy as np
import pytest

from facegen_core.motion import FaceMotion
from facegen_core.registration import align
from facegen_core.retarget import retarget
from tests.core.face_fixtures import ball, exact_fit, joined, lower_lip
from tests.core.fit_fixtures import full_template

JAW_OPEN = np.array([0.2, 0.0, 0.0, 0.0, -2.0, 1.0])


@pytest.fixture(scope="module")
def template():
    return full_template()


def shell(template, is_covered, thickness_mm):
    """The skin of some vertices once more, this far over it."""
    triangles = template.triangles[is_covered[template.triangles].all(axis=1)]
    used, corners = np.unique(triangles, return_inverse=True)
    points = template.vertices + thickness_mm * template.mesh.vertex_normals
    return points[used], corners.reshape(-1, 3)


def ring(centre, radii, tube_mm, around=24, axis=2):
    """A torus about a centre, its axis along x, y or z."""
    a, b = np.meshgrid(np.linspace(0, 2 * np.pi, around, endpoint=False),
                       np.linspace(0, 2 * np.pi, 6, endpoint=False), indexing="ij")  # fmt: skip
    reach = 1.0 + tube_mm * np.cos(b) / min(radii)
    flat = [radii[0] * reach * np.cos(a), radii[1] * reach * np.sin(a), tube_mm * np.sin(b)]
    order = {2: (0, 1, 2), 0: (2, 1, 0)}[axis]
    points = np.stack([flat[k] for k in order], axis=-1).reshape(-1, 3) + centre
    grid = np.arange(around * 6).reshape(around, 6)
    right, up = np.roll(grid, -1, axis=0), np.roll(grid, -1, axis=1)
    both = np.roll(right, -1, axis=1)
    return points, np.stack([grid, right, both, grid, both, up], axis=-1).reshape(-1, 3)


def box(low, high):
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in sides for t in ((a, b, c), (a, c, d))]
    # Finer than a box of eight corners, which would be a marker.
    points = np.asarray(low) + corners * (np.asarray(high) - np.asarray(low))
    middles = points[np.array(triangles)].mean(axis=1)
    split = [
        (a, b, 8 + k)
        for k, t in enumerate(triangles)
        for a, b in zip(t, np.roll(t, -1), strict=True)
    ]
    return np.concatenate([points, middles]), np.array(split)


def together(*shapes):
    mesh, _ = joined(*shapes)
    return mesh.vertices, mesh.triangles


def accessories(template):
    """{name: (expected kinds, (vertices, triangles))}."""
    points, marks = np.asarray(template.vertices, np.float64), template.landmark_positions
    regions = template.regions
    eyes = {s: np.mean(template.inner_part(f"eyeball_{s}").vertices, axis=0)
            for s in ("left", "right")}  # fmt: skip
    front = marks[27, 2] + 4.0
    rims = [ring([e[0], e[1] - 2.0, front], (23.0, 18.0), 1.5) for e in eyes.values()]
    bridge = box([-9.0, eyes["left"][1], front - 1.0], [9.0, eyes["left"][1] + 2.0, front + 1.0])
    side = points[:, 0].max()
    temple = box([side, eyes["left"][1], -10.0], [side + 3.0, eyes["left"][1] + 4.0, front])
    glass, faces = ball(np.zeros(3), 1.0)
    glass = glass * [21.0, 16.0, 0.5] + [eyes["left"][0], eyes["left"][1] - 2.0, front]
    face, height = regions["face"] > 0.5, points[:, 1]
    is_outside = regions["mouth_bag"] < 0.01
    is_beard = face & is_outside & (height < marks[57, 1] - 4.0)
    is_lip = face & is_outside & (np.abs(points[:, 0]) < 24.0) & (height < marks[33, 1] - 3.0)
    is_moustache = is_lip & (height > marks[51, 1] + 2.0) & (points[:, 2] > marks[48, 2])
    ear = points[regions["ear_left"] > 0.5]
    lobe = ear[ear[:, 1].argmin()]
    body, body_faces = ball(np.zeros(3), 1.0)
    return {
        "frame": ("glasses", together(*rims, bridge)),
        "temple": ("glasses", temple),
        "glass": ("glasses", (glass, faces)),
        "beard": ("beard", shell(template, is_beard, 5.0)),
        "moustache": ("beard", shell(template, is_moustache, 3.0)),
        "hair cap": ("hair", shell(template, regions["scalp"] > 0.7, 6.0)),
        "earring": ("jewellery", ring(lobe - [0.0, 12.0, 0.0], (9.0, 9.0), 1.0, axis=0)),
        "shirt": ("clothes", (body * [190, 120, 90] + [0.0, -270.0, -30.0], body_faces)),
    }


@pytest.fixture(scope="module")
def dressed(template):
    head = template.whole_head()
    things = accessories(template)
    mesh, ranges = joined((head.vertices, head.triangles), *(shape for _, shape in things.values()))
    alignment = align(template, mesh, exact_fit(template))
    return alignment, dict(zip(things, ranges[1:], strict=True))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("frame", "glasses"),
        ("temple", "glasses"),
        ("glass", "glasses"),
        ("beard", "beard"),
        ("moustache", "beard"),
        ("hair cap", "hair"),
        ("earring", "jewellery"),
        ("shirt", "clothes"),
    ],
)
def test_what_is_worn_is_known(dressed, name, kind):
    alignment, ranges = dressed
    part = next(p for p in alignment.parts if p.key == ranges[name].start)
    assert part.kind == kind
    assert 0.0 < part.confidence <= 1.0


def test_glasses_stay_and_a_beard_goes_with_the_chin(template, dressed):
    alignment, ranges = dressed
    is_chin = (template.regions["face"] > 0.5) & (
        template.vertices[:, 1] < template.landmark_positions[57, 1]
    )
    skin = np.zeros((1, template.num_vertices, 3), np.float32)
    skin[0, :, 1] = -12.0 * np.maximum(lower_lip(template), is_chin)
    moved = retarget(FaceMotion(skin, JAW_OPEN[None].astype(np.float32)), alignment)[0]
    assert not moved[ranges["frame"]].any()
    assert not moved[ranges["shirt"]].any()
    np.testing.assert_allclose(np.median(moved[ranges["beard"], 1]), -12.0, atol=0.5)
    assert np.abs(moved[ranges["hair cap"]]).max() < 1.0
