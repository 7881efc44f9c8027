"""The numbers of the report."""

import numpy as np

from facegen_core.measure import CornerMotion, measure_apexes
from facegen_core.pipeline import Clip, correct_parts
from facegen_core.registration import align
from tests.core.face_fixtures import exact_fit, face_template, whole_face


def test_a_head_on_which_nothing_is_skin_has_numbers_too():
    template = face_template(6.0)
    mesh, ranges, _ = whole_face(6.0)
    alignment = align(template, mesh, exact_fit(template))
    moved = np.ones((2, mesh.num_vertices, 3), np.float32)
    clip = Clip(moved, np.full((2, 1), 0.5), 30.0, 1.0)
    (as_skin,) = measure_apexes(alignment, clip, ["happy"])
    assert as_skin.mean_mm > 1.0
    assert as_skin.mouth_corners.up > 0.9
    corrected = correct_parts(alignment, {ranges["skin"].start: "body"})
    (as_body,) = measure_apexes(corrected, clip, ["happy"])
    assert as_body.mean_mm == 0.0
    assert as_body.mouth_corners == CornerMotion(0.0, 0.0, 0.0)
