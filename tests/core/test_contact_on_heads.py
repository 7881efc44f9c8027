"""Clips on whole heads: what touches is pushed out, what does not is not touched."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from facegen_core.contact import resolve_clip
from facegen_core.contact.head_contact import prepare_head
from facegen_core.mesh import Mesh
from facegen_core.registration import align
from facegen_core.registration.alignment import Part, Similarity
from facegen_core.retarget import retargeter_of
from tests.core.face_fixtures import exact_fit, lower_lip
from tests.core.fit_fixtures import coarse_template

FRAMES = np.linspace(0.0, 1.0, 9)[:, None, None]


@pytest.fixture(scope="module")
def template():
    return coarse_template()


@pytest.fixture(scope="module")
def head(template):
    return align(template, template.whole_head(), exact_fit(template))


def skin_motion(template, alignment, field):
    """(9, M, 3) float32 in the target's unit: a (V, 3) field of the skin in mm, growing."""
    moved = np.zeros((alignment.target.num_vertices, 3))
    moved[: template.num_vertices] = field
    moved = alignment.fit.similarity.inverse_vectors(moved)
    return (FRAMES * moved).astype(np.float32)


@pytest.fixture(scope="module")
def lids_down(template):
    """The upper lids go straight down, through the eyeballs."""
    lids = np.clip(template.regions["upper_lid_left"] + template.regions["upper_lid_right"], 0, 1)
    return lids[:, None] * [0.0, -7.0, 0.0]


@pytest.fixture(scope="module")
def lip_up(template):
    """The lower lip goes up, into the upper one."""
    return lower_lip(template)[:, None] * [0.0, 1.8, 0.5]


@pytest.fixture(scope="module")
def lips_back(template):
    """Both lips go back, and the teeth come through."""
    lips = np.clip(template.regions["upper_lip"] + template.regions["lower_lip"], 0, 1)
    return lips[:, None] * [0.0, 0.0, -5.0]


def deepest_in_eye(alignment, template, displacements):
    """mm of the worst lid vertex within the eyeball, seen from its vertices; independent."""
    worst = 0.0
    positions = alignment.fit.similarity.apply(alignment.target.vertices + displacements)
    for side in ("left", "right"):
        eye = np.asarray(template.inner_part(f"eyeball_{side}").vertices, np.float64)
        centre = 0.5 * (eye.min(axis=0) + eye.max(axis=0))
        lid = np.flatnonzero(template.regions[f"upper_lid_{side}"] > 0.6)
        radii = np.linalg.norm(eye - centre, axis=1)
        offsets = positions[lid] - centre
        lengths = np.linalg.norm(offsets, axis=1)
        nearest = cKDTree((eye - centre) / radii[:, None]).query(offsets / lengths[:, None])[1]
        is_front = offsets[:, 2] > 0
        worst = max(worst, float((radii[nearest] - lengths)[is_front].max()))
    return worst


def test_a_face_at_rest_stays_as_it_is(head):
    still = np.zeros((3, head.target.num_vertices, 3), np.float32)
    resolved, report = resolve_clip(head, still)
    assert resolved is still
    assert not resolved.any()
    assert set(vars(report.before).values()) == set(vars(report.after).values()) == {0.0}


def test_motion_that_touches_nothing_comes_back_untouched(head, template):
    forehead = (template.vertices[:, 1] > template.landmark_positions[27, 1] + 25)[:, None]
    clip = skin_motion(template, head, forehead * [0.0, 3.0, 0.0])
    assert resolve_clip(head, clip)[0] is clip
    lips_apart = np.clip(template.regions["lower_lip"], 0, 1)[:, None] * [0.0, -6.0, 0.0]
    clip = skin_motion(template, head, lips_apart)
    assert resolve_clip(head, clip)[1].before.lip_penetration_mm == 0.0


def test_lids_slide_over_the_eyeballs(head, template, lids_down):
    clip = skin_motion(template, head, lids_down)
    resolved, report = resolve_clip(head, clip)
    assert report.before.lid_penetration_mm > 1.0
    assert report.after.lid_penetration_mm < 0.1
    assert deepest_in_eye(head, template, clip[-1]) > 1.0
    assert deepest_in_eye(head, template, resolved[-1]) < 0.2
    assert not resolved[0].any()
    # Only around the eyes: 40 mm away from both nothing changes.
    eyes = template.landmark_positions[36:48]
    far = cKDTree(eyes).query(head.target.vertices)[0] > 40
    np.testing.assert_array_equal(resolved[:, far], clip[:, far])


def test_lifting_the_lids_does_not_open_the_eyes(head, template, lids_down):
    clip = skin_motion(template, head, lids_down)
    resolved, _ = resolve_clip(head, clip)
    retargeter = retargeter_of(head)
    rims = retargeter.lid_closing.target_rims
    change = rims.change((resolved - clip).transpose(1, 0, 2)[: retargeter.surface.num_vertices])
    upright = change[:, -1, 1]
    pushed = np.linalg.norm((resolved - clip)[-1], axis=1).max()
    assert pushed > 1.0
    assert np.abs(upright).mean() < 0.25 * pushed


def test_heads_wound_inwards_are_pushed_as_those_wound_outwards(
    head, template, lids_down, lip_up, lips_back
):
    mesh = Mesh.from_triangles(head.target.vertices, head.target.triangles[:, ::-1])
    inwards = align(template, mesh, exact_fit(template))
    clip = skin_motion(template, head, lids_down + lip_up + lips_back)
    pushed, expected = (resolve_clip(a, clip)[0] for a in (inwards, head))
    assert np.abs(expected - clip).max() > 1.0
    np.testing.assert_allclose(pushed, expected, atol=0.05)


def test_no_lid_is_pushed_out_farther_than_it_moved(head, template):
    """Where the eyeball juts out beside a lid, a twitch does not throw the lid over it."""
    retargeter = retargeter_of(head)
    lids = next(a for a in prepare_head(head, retargeter).areas if hasattr(a, "resolver")).resolver
    radii = lids.obstacle.eye.radii.copy()
    radii[:, : radii.shape[1] // 2] += 4.0
    eye = replace(lids.obstacle.eye, radii=radii)
    folded = replace(lids, obstacle=type(lids.obstacle).of(lids.zone, eye, True))
    moved = np.zeros((len(lids.zone.vertices), 1, 3))
    moved[..., 1] = -0.5
    pushed = np.linalg.norm(folded.resolve(moved).moved - moved, axis=2).max()
    assert 0.0 < pushed < 1.5


def test_lips_meet(head, template, lip_up):
    clip = skin_motion(template, head, lip_up)
    resolved, report = resolve_clip(head, clip)
    assert report.before.lip_penetration_mm > 1.0
    assert report.after.lip_penetration_mm < 0.2
    push = (resolved - clip)[-1, : template.num_vertices, 1]
    upper, lower = (template.regions[name] > 0.5 for name in ("upper_lip", "lower_lip"))
    assert push[upper].max() > 0.3
    assert push[lower].min() < -0.3


def test_teeth_stay_behind_the_lips(head, template, lips_back):
    report = resolve_clip(head, skin_motion(template, head, lips_back))[1]
    assert report.before.teeth_outside_mm > 1.0
    assert report.after.teeth_outside_mm < 0.4 * report.before.teeth_outside_mm


@pytest.mark.parametrize("name", ["lids_down", "lip_up", "lips_back"])
def test_corrections_do_not_jump(head, template, name, request):
    """From one small step to the next, skin that is pushed moves by little more than the step."""
    field = request.getfixturevalue(name)
    fine = np.linspace(0.3, 0.8, 26)[:, None, None]
    clip = (fine * skin_motion(template, head, field)[-1]).astype(np.float32)
    correction = resolve_clip(head, clip)[0] - clip
    step = 0.02 * np.linalg.norm(field, axis=1).max()
    jumps = np.linalg.norm(np.diff(correction, axis=0), axis=2).max(axis=1)
    assert jumps.max() < 0.2 + 2.5 * step


def test_frames_do_not_know_of_one_another(head, template, lip_up, lids_down):
    clip = skin_motion(template, head, lip_up + lids_down)
    resolved, _ = resolve_clip(head, clip)
    alone, _ = resolve_clip(head, clip[5:6])
    np.testing.assert_allclose(alone[0], resolved[5], atol=1e-4)
    np.testing.assert_array_equal(resolve_clip(head, clip)[0], resolved)


def test_unit_and_place_of_the_head_do_not_matter(head, template, lip_up, lids_down):
    turn = Rotation.from_euler("xyz", [80, 20, -130], degrees=True).as_matrix()
    similarity = Similarity(1000.0, turn, np.array([3.0, -200.0, 15.0]))
    mesh = template.whole_head()
    placed = mesh.with_vertices(similarity.apply_inverse(mesh.vertices))
    other = align(template, placed, exact_fit(template, similarity))
    field = lip_up + lids_down
    here, there = (resolve_clip(a, skin_motion(template, a, field))[0] for a in (head, other))
    np.testing.assert_allclose(similarity.apply_vectors(there), here, atol=2e-2)


def test_a_mask_holds_what_it_excludes(head, template, lids_down):
    mask = np.ones(head.target.num_vertices)
    is_left = head.target.vertices[:, 0] > 0
    mask[is_left] = 0.0
    clip = skin_motion(template, head, lids_down) * mask[:, None].astype(np.float32)
    resolved, report = resolve_clip(head, clip, mask)
    assert not resolved[:, is_left].any()
    assert report.after.lid_penetration_mm < 0.1 < report.before.lid_penetration_mm


def test_lashes_follow_the_lids_that_were_lifted(template, lids_down):
    """A strip of lashes along the left upper lid."""
    head = template.whole_head()
    rim = template.landmark_positions[42:46]
    rim = np.concatenate([rim[:-1] * (1 - s) + rim[1:] * s for s in (0.0, 0.5)])
    rim = rim[rim[:, 0].argsort()] + [0.0, 0.0, 0.3]
    strip = np.concatenate([rim, rim + [0.0, 1.0, 6.0]])
    count = len(rim)
    quads = [[k, k + 1, count + k + 1, count + k] for k in range(count - 1)]
    triangles = np.array([t for q in quads for t in (q[:3], [q[0], q[2], q[3]])])
    start = head.num_vertices
    mesh = Mesh.from_triangles(
        np.concatenate([head.vertices, strip]), np.concatenate([head.triangles, triangles + start])
    )
    alignment = align(template, mesh, exact_fit(template))
    lashes = np.arange(start, start + len(strip), dtype=np.int32)
    others = tuple(p for p in alignment.parts if start not in p.vertex_indices)
    index = int(mesh.loose_parts[start])
    parts = (*others, Part(index, "lashes", "carried", lashes))
    alignment = replace(alignment, parts=parts)
    clip = skin_motion(template, alignment, lids_down)
    followed = (resolve_clip(alignment, clip)[0] - clip)[-1]
    lid = template.regions["upper_lid_left"] > 0.9
    assert np.linalg.norm(followed[: template.num_vertices][lid], axis=1).max() > 1.0
    roots = followed[start : start + count]
    under = cKDTree(template.vertices).query(rim)[1]
    # At the corners the nearest vertex may be one of the other lid.
    assert np.median(np.linalg.norm(roots - followed[under], axis=1)) < 0.5
    assert np.linalg.norm(roots, axis=1).mean() > 0.2


@pytest.mark.parametrize("kept", [("upper_teeth",), ("eyeball_left",), ()])
def test_heads_with_parts_missing(template, lids_down, lip_up, lips_back, kept):
    meshes = [(template.vertices, template.triangles)]
    meshes += [(p.vertices, p.triangles) for p in template.inner_parts if p.name in kept]
    starts = np.cumsum([0, *[len(v) for v, _ in meshes]])
    mesh = Mesh.from_triangles(
        np.concatenate([v for v, _ in meshes]),
        np.concatenate([t + s for (_, t), s in zip(meshes, starts, strict=False)]),
    )
    alignment = align(template, mesh, exact_fit(template))
    clip = skin_motion(template, alignment, lids_down + lip_up + lips_back)
    resolved, report = resolve_clip(alignment, clip)
    assert np.isfinite(resolved).all()
    assert np.abs(resolved - clip).max() < 12.0
    assert report.after.lid_penetration_mm < 0.2  # the template's eyeballs stand in
    if "upper_teeth" not in kept:
        assert report.before.teeth_outside_mm == 0.0


def test_lips_that_are_one_are_left_alone(head):
    """Where no side of the mouth is known there is no slit."""
    retargeter = retargeter_of(head)
    sealed = replace(retargeter, sides=retargeter.sides * [0.0, 1.0, 1.0])
    assert len(prepare_head(head, sealed).areas) == 2
    assert len(prepare_head(head, retargeter).areas) == 3


def test_what_was_prepared_goes_with_the_head(template, lip_up):
    alignment = align(template, template.whole_head(), exact_fit(template))
    retargeter_of(alignment)
    resolve_clip(alignment, skin_motion(template, alignment, lip_up))
    kept = weakref.ref(alignment), weakref.ref(alignment.fit)
    del alignment
    gc.collect()
    assert [reference() for reference in kept] == [None, None]
