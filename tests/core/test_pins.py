"""Single landmarks put right by hand: the fit follows, and what is wrong is said."""

import numpy as np
import pytest

from facegen_core.errors import LandmarkError
from facegen_core.mesh import Mesh
from facegen_core.registration.fit_template import fit_template, refit_template

from .fit_fixtures import coarse_template, person, turned


@pytest.fixture(scope="module")
def fitted():
    template = coarse_template()
    head = turned(person(12), 3, 0.02, (4.0, 1.0, -2.0))
    target = Mesh.from_triangles(head, template.triangles)
    truth = template.landmarks.positions(head, template.triangles)
    return template, target, truth, fit_template(template, target)


def on_target(fit):
    return fit.similarity.apply_inverse(fit.landmarks)


def test_a_pin_pulls_its_landmark_and_leaves_the_far_side_alone(fitted):
    template, target, _, fit = fitted
    mm = 1.0 / fit.similarity.scale
    here = on_target(fit)
    along = here[54] - here[48]
    wish = here[48] - 4.0 * mm * along / np.linalg.norm(along)  # the corner, 4 mm farther out
    again = refit_template(template, target, fit, {48: wish})
    moved = np.linalg.norm(on_target(again) - here, axis=1) / mm
    assert np.linalg.norm(on_target(again)[48] - wish) < 1.0 * mm
    assert moved[[36, 45, 27, 16]].max() < 1.0
    assert again.landmark_confidences[48] == 1.0


def test_pins_go_with_the_search_and_a_refit_comes_to_the_same(fitted):
    template, target, truth, fit = fitted
    pins = {number: truth[number] for number in (36, 48, 54)}  # searched for once more
    first = fit_template(template, target, pins=pins)
    second = refit_template(template, target, fit, pins)
    apart = np.linalg.norm(first.landmarks - second.landmarks, axis=1)
    assert apart.max() < 0.5
    assert (first.landmark_confidences[[36, 48, 54]] == 1.0).all()


def test_a_refit_without_pins_stays_where_it_was(fitted):
    template, target, _, fit = fitted
    again = refit_template(template, target, fit, {})
    assert np.linalg.norm(again.landmarks - fit.landmarks, axis=1).max() < 0.3


@pytest.mark.parametrize(
    ("pins", "words"),
    [
        ({70: np.zeros(3)}, "numbered 0 to 67"),
        ({30: np.array([np.nan, 0.0, 0.0])}, "not three finite numbers"),
        ({30: np.zeros(2)}, "not three finite numbers"),
        ({30: np.full(3, 1e3)}, "mm from where the face"),
    ],
)
def test_unusable_pins_are_named(fitted, pins, words):
    template, target, _, fit = fitted
    with pytest.raises(LandmarkError, match=words):
        refit_template(template, target, fit, pins)
