"""The sample head as its own match, so that Match recalls it instead of searching for its face.

For stories of what comes after a match: the search is most of its time, and has stories of its own
(`artist_flow`, `heat_map`, `landmarks_shown`, `modifiers`, `parts_list`, `several_objects`).
"""

from __future__ import annotations

import bpy
import numpy as np
from harness import addon

registration, rigid = addon("facegen_core.registration"), addon("facegen_core.registration.rigid")
alignment = addon("facegen_core.registration.alignment")
match, state = addon("operators.match"), addon("scene.state")


def know_sample_head() -> None:
    """Remember what the active object is matched to: it must be a sample head as it was added."""
    request = match.request_match(bpy.context, bpy.context.active_object)
    opened = state.open_bundle(request.bundle_file)
    if state.recall(request.key(opened.file_hash)) is not None:
        return
    template, mesh = opened.bundle.template, request.head.mesh
    skin = mesh.vertices[: template.num_vertices]  # its own eyes, teeth and tongue come after it
    here = rigid.fit_similarity(skin, template.vertices)
    assert np.abs(here.apply(skin) - template.vertices).max() < 1e-3, "this is no sample head"
    fit = alignment.Fit(
        here,
        np.zeros(len(template.identity_basis)),
        template.vertices,
        {part.name: np.asarray(part.vertices) for part in template.inner_parts},
        template.landmark_positions,
        alignment.Residual.from_distances(np.zeros(1)),
    )
    aligned = registration.align(template, mesh, fit)
    match.remember(request, state.Match(request.head, aligned, opened.file_hash))
