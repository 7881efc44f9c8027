"""`add-face-shapes`: ICT-FaceKit's shapes take their ARKit names and a template of any topology."""

from __future__ import annotations

import numpy as np
import pytest

from facegen_core.bundle import load_bundle
from facegen_core.errors import DatasetError
from facegen_core.face_shapes import ARKIT_NAMES, SIDED, WHOLE
from facegen_core.motion import pose_points
from tests.core.fit_fixtures import BUNDLE, coarse_template
from training.face_shapes.add_to_bundle import SourceFace, arkit_shapes, on_template

ICT_NAMES = tuple(
    sorted(
        [f"{name}_{side}" for name in (*SIDED, "browInnerUp", "cheekPuff") for side in "LR"]
        + [name for name in WHOLE if name not in ("browInnerUp", "cheekPuff")]
    )
)


def test_sides_keep_their_shape_and_what_has_none_is_the_sum():
    values = np.arange(len(ICT_NAMES), dtype=float)[:, None]
    found = dict(zip(ARKIT_NAMES, arkit_shapes(ICT_NAMES, values)[:, 0], strict=True))
    row = {name: float(k) for k, name in enumerate(ICT_NAMES)}
    assert found["eyeBlinkLeft"] == row["eyeBlink_L"]
    assert found["mouthSmileRight"] == row["mouthSmile_R"]
    assert found["jawLeft"] == row["jawLeft"]
    assert found["mouthRight"] == row["mouthRight"]
    assert found["browInnerUp"] == row["browInnerUp_L"] + row["browInnerUp_R"]
    assert found["cheekPuff"] == row["cheekPuff_L"] + row["cheekPuff_R"]


def test_a_missing_shape_is_named():
    names = tuple(name for name in ICT_NAMES if name != "jawOpen")
    with pytest.raises(DatasetError, match="jawOpen"):
        arkit_shapes(names, np.zeros((len(names), 1)))


def source_face(bundle, names):
    shapes = bundle.face_shapes
    rows = shapes.rows_of(names)
    return SourceFace(bundle.template, names, shapes.skin[rows], shapes.jaw[rows])


def test_the_bundle_s_own_topology_gets_them_as_they_are():
    bundle = load_bundle(BUNDLE)
    face = source_face(bundle, ("jawOpen",))
    skin, jaw = on_template(face, bundle.template)
    assert skin is face.skin
    assert jaw is face.jaw


def test_another_topology_gets_them_carried_jaw_and_all():
    """The coarse template's vertices are some of the fine one's: what they do is known."""
    bundle, coarse = load_bundle(BUNDLE), coarse_template()
    face = source_face(bundle, ("browInnerUp", "jawOpen"))
    skin, jaw = on_template(face, coarse)
    fine = bundle.template.landmarks.positions(face.skin, bundle.template.triangles)
    found = coarse.landmarks.positions(skin, coarse.triangles)
    brows, chin = slice(19, 25), slice(7, 10)
    for shape, where in ((0, brows), (1, chin)):
        off = np.linalg.norm(found[shape, where] - fine[shape, where], axis=1)
        assert off.mean() < 0.15 * np.linalg.norm(fine[shape, where], axis=1).mean()
    teeth = np.asarray(coarse.inner_part("lower_teeth").vertices, np.float64)
    wanted = pose_points(teeth, bundle.template.jaw_pivot, face.jaw)
    carried = pose_points(teeth, coarse.jaw_pivot, jaw)
    assert np.linalg.norm(carried - wanted, axis=2).max() < 1.0
    assert np.linalg.norm(wanted[1] - teeth, axis=1).max() > 10.0
