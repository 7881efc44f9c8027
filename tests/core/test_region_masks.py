"""The soft masks of brows, eyes and mouth: they cover the face and show no seam."""

import numpy as np
import pytest

from facegen_core.bundle import load_bundle
from facegen_core.region_masks import REGIONS, region_masks
from facegen_core.template import Template
from tests.core.face_fixtures import face_template
from tests.core.fit_fixtures import BUNDLE


@pytest.fixture(scope="module", params=["default", "small"])
def template(request) -> Template:
    return load_bundle(BUNDLE).template if request.param == "default" else face_template()


def at_landmarks(template, shares, *numbers):
    """(N,) values of (V,) shares at landmarks."""
    spread = np.repeat(np.asarray(shares, np.float64)[:, None], 3, axis=1)
    return template.landmarks.positions(spread, template.triangles)[list(numbers), 0]


def test_the_regions_cover_the_skin_between_them(template):
    masks = region_masks(template)
    assert masks.regions.shape == (len(REGIONS), template.num_vertices)
    assert masks.regions.min() >= 0.0
    assert masks.regions.max() <= 1.0
    np.testing.assert_allclose(masks.regions.sum(axis=0), 1.0, atol=1e-6)


def test_each_region_is_where_its_name_says(template):
    brows, eyes, mouth = region_masks(template).regions
    assert at_landmarks(template, brows, *range(17, 27)).min() > 0.55
    assert at_landmarks(template, eyes, 37, 38, 40, 41, 43, 44, 46, 47).min() > 0.7
    assert at_landmarks(template, mouth, *range(48, 68), 8).min() > 0.95


def test_lips_and_rims_of_the_lids_are_wholly_of_one_region():
    template = load_bundle(BUNDLE).template
    brows, eyes, mouth = region_masks(template).regions
    is_lip = template.regions["upper_lip"] > 0.99
    assert (mouth[is_lip] == 1.0).all()
    is_rim = (template.regions["upper_lid_left"] > 0.99) & (template.regions["upper_lip"] == 0)
    assert is_rim.any()
    assert (eyes[is_rim] == 1.0).all()
    assert not brows[is_rim].any()


def test_no_share_jumps_along_an_edge():
    """Steeper than a tenth per millimetre would show as a crease when one region moves 10 mm."""
    template = load_bundle(BUNDLE).template
    masks = region_masks(template)
    a, b = np.concatenate([template.triangles[:, [0, 1]], template.triangles[:, [1, 2]]]).T
    lengths = np.linalg.norm(template.vertices[a] - template.vertices[b], axis=1)
    for shares in (*masks.regions, masks.left):
        assert (np.abs(shares[a] - shares[b]) / np.maximum(lengths, 0.5)).max() < 0.1


def test_left_is_the_subjects_left_and_mirrors_right():
    template = load_bundle(BUNDLE).template
    left = region_masks(template).left
    assert (left[template.vertices[:, 0] > 25.0] == 1.0).all()
    assert not left[template.vertices[:, 0] < -25.0].any()
    assert at_landmarks(template, left, 30, 51, 57, 8) == pytest.approx(0.5, abs=0.02)


def test_the_chin_lies_on_the_jaw_and_the_nose_does_not(template):
    jaw = region_masks(template).jaw
    assert at_landmarks(template, jaw, 7, 8, 9, 57).min() > 0.8
    assert at_landmarks(template, jaw, 27, 30, 37, 44).max() < 0.2


def test_the_masks_of_a_template_are_worked_out_once(template):
    assert region_masks(template) is region_masks(template)
