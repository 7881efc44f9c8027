"""Shapes under ARKit names: in a bundle and out, refused when damaged, and on a head."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from facegen_core import pipeline
from facegen_core.bundle import bundle_hash, load_bundle, save_bundle
from facegen_core.bundle_info import read_bundle_info, summary_rows
from facegen_core.errors import BundleError
from facegen_core.face_shapes import ARKIT_NAMES, STEP_MM, TemplateShapes
from facegen_core.gaze import eyeballs_of
from facegen_core.retarget import retargeter_of
from tests.core.bundle_edits import ABSENT, change_header, changed, refusal
from tests.core.fit_fixtures import BUNDLE
from tests.core.model_fixtures import random_bundle
from tests.core.sample_head import default_bundle, matched_sample_head


def random_shapes(template, names=("eyeBlinkLeft", "jawOpen")) -> TemplateShapes:
    generator = np.random.default_rng(3)
    skin = generator.normal(0, 4, (len(names), template.num_vertices, 3)).astype(np.float32)
    jaw = generator.normal(0, 0.1, (len(names), 6)).astype(np.float32)
    return TemplateShapes(names, skin, jaw, {"source": "tests", "licence": "none"})


@pytest.fixture
def saved(tmp_path):
    bundle = random_bundle()
    path = tmp_path / "with_shapes.facegen"
    save_bundle(dataclasses.replace(bundle, face_shapes=random_shapes(bundle.template)), path)
    return path


def test_shapes_come_back_to_half_a_step(saved):
    given, found = random_shapes(random_bundle().template), load_bundle(saved).face_shapes
    assert found.names == given.names
    assert found.provenance == given.provenance
    np.testing.assert_allclose(found.skin, given.skin, atol=0.51 * STEP_MM)
    assert np.linalg.norm(found.skin - given.skin, axis=2).max() < 0.005
    np.testing.assert_array_equal(found.jaw, given.jaw)


def test_saving_what_was_loaded_writes_the_same_bytes(saved, tmp_path):
    again = tmp_path / "again.facegen"
    save_bundle(load_bundle(saved), again)
    assert again.read_bytes() == saved.read_bytes()


def test_a_bundle_without_shapes_is_the_file_it_was(saved, tmp_path):
    paths = tmp_path / "a.facegen", tmp_path / "b.facegen"
    save_bundle(random_bundle(), paths[0])
    save_bundle(dataclasses.replace(load_bundle(saved), face_shapes=None), paths[1])
    assert load_bundle(paths[0]).face_shapes is None
    assert "face_shapes" not in load_bundle(paths[1]).header


def test_shapes_change_the_hash_and_are_named_in_the_info(saved):
    bundle = load_bundle(saved)
    assert bundle_hash(bundle) != bundle_hash(dataclasses.replace(bundle, face_shapes=None))
    info = read_bundle_info(saved)
    assert info.num_face_shapes == 2
    assert ("Face shapes", "2 under ARKit names, from tests") in summary_rows(info)


@pytest.mark.parametrize(
    "damage",
    [
        lambda arrays: arrays.pop("face_shapes/jaw"),
        lambda arrays: arrays.pop("face_shapes/skin"),
        lambda arrays: arrays.pop("face_shapes/skin/scales"),
        lambda arrays: arrays.update({"face_shapes/more": np.zeros(3)}),
        lambda arrays: arrays.update({"face_shapes/jaw": np.full((2, 6), np.nan, np.float32)}),
        lambda arrays: arrays.update({"face_shapes/jaw": np.zeros((3, 6), np.float32)}),
        lambda arrays: arrays.update({"face_shapes/skin": arrays["face_shapes/skin"][:, :-1]}),
    ],
)
def test_damaged_arrays_are_refused_in_one_sentence(saved, damage):
    changed(saved, damage)
    assert "with_shapes.facegen cannot be used" in refusal(saved)


@pytest.mark.parametrize(
    "values",
    [
        {"names": ["jawOpen", "jawOpen"]},
        {"names": ["jawOpen"]},
        {"names": "jawOpen"},
        {"names": ["jawOpen", 3]},
        {"provenance": None},
        {"provenance": ABSENT},
        {"more": 1},
    ],
)
def test_a_damaged_description_is_refused_in_one_sentence(saved, values):
    change_header(saved, "face_shapes", **values)
    assert "with_shapes.facegen cannot be used" in refusal(saved)


@cache
def default_shapes():
    bundle, alignment = default_bundle(), matched_sample_head()
    return bundle, alignment, pipeline.face_shapes(alignment, bundle)


def shape(name):
    """(68, 3) mm of the landmarks, and the shape on all vertices."""
    bundle, _, found = default_shapes()
    moved = found.shapes[found.names.index(name)]
    template = bundle.template
    skin = moved[: template.num_vertices]
    return template.landmarks.positions(skin, template.triangles), moved


def test_the_default_bundle_has_all_of_arkit_but_the_tongue():
    bundle, alignment, found = default_shapes()
    assert found.names == ARKIT_NAMES
    assert len(ARKIT_NAMES) == len(set(ARKIT_NAMES)) == 51
    assert "tongueOut" not in ARKIT_NAMES
    assert found.shapes.shape == (51, alignment.target.num_vertices, 3)
    assert bundle.face_shapes.provenance["licence"] == "MIT"
    assert BUNDLE.stat().st_size < 20_000_000


def test_left_is_the_subject_s_left():
    for side, corner, other in (("Left", 54, 48), ("Right", 48, 54)):
        at, _ = shape(f"mouthSmile{side}")
        assert at[corner, 1] > 3.0 > 3.0 * abs(at[other, 1])


def test_brows_and_cheeks_that_have_no_side_move_on_both():
    at, _ = shape("browInnerUp")
    assert at[[21, 22], 1] == pytest.approx([4.5, 4.5], abs=2.0)
    at, moved = shape("cheekPuff")
    bundle, _, _ = default_shapes()
    outward = moved[: bundle.template.num_vertices, 0] * np.sign(bundle.template.vertices[:, 0])
    left = bundle.template.vertices[:, 0] > 0
    assert outward[left].max() == pytest.approx(outward[~left].max(), rel=0.1)


def test_the_open_jaw_takes_the_lower_teeth_along_rigidly():
    _, alignment, _ = default_shapes()
    at, moved = shape("jawOpen")
    assert at[8, 1] < -15.0
    teeth = next(p.vertex_indices for p in alignment.parts if p.kind == "lower_teeth")
    upper = next(p.vertex_indices for p in alignment.parts if p.kind == "upper_teeth")
    rest = alignment.target.vertices[teeth]
    now = rest + moved[teeth]
    apart = np.linalg.norm(rest[1:] - rest[0], axis=1)
    assert np.linalg.norm(now[1:] - now[0], axis=1) == pytest.approx(apart, abs=1e-3)
    assert moved[teeth, 1].mean() < -12.0
    assert not moved[upper].any()


@pytest.mark.parametrize(
    ("name", "side", "sideways", "up"),
    [
        ("eyeLookOutLeft", "left", 1, 0),
        ("eyeLookInLeft", "left", -1, 0),
        ("eyeLookOutRight", "right", -1, 0),
        ("eyeLookInRight", "right", 1, 0),
        ("eyeLookUpLeft", "left", 0, 1),
        ("eyeLookDownRight", "right", 0, -1),
    ],
)
def test_a_look_turns_its_own_eyeball(name, side, sideways, up):
    _, alignment, _ = default_shapes()
    _, moved = shape(name)
    for own, eyeball in eyeballs_of(alignment).items():
        front = alignment.target.vertices[eyeball.vertices, 2]
        ahead = moved[eyeball.vertices[front > eyeball.centre[2] + 0.95 * eyeball.radius]]
        if own != side:
            assert not ahead.any()
            continue
        way = ahead.mean(axis=0)
        assert np.linalg.norm(way) > 3.0
        assert np.sign(np.round(way[:2], 1)) == pytest.approx([sideways, up])


def test_a_blink_is_shut():
    _, alignment, found = default_shapes()
    retargeter = retargeter_of(alignment)
    rims = retargeter.lid_closing.target_rims
    first = np.unique(retargeter.surface.welded_indices, return_index=True)[1]
    moved = found.shapes[found.names.index("eyeBlinkLeft")][first][:, None]
    widening = rims.widening(rims.change(moved))[rims.columns == 1]
    assert widening.mean() < -0.9


def test_a_shape_that_is_missing_is_named():
    bundle, _, _ = default_shapes()
    with pytest.raises(BundleError, match="lack 'tongueOut'"):
        bundle.face_shapes.rows_of(["tongueOut"])
