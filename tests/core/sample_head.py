"""The sample head as its own match, without searching for the face that it is."""

import numpy as np

from facegen_core.bundle import Bundle
from facegen_core.registration import align
from facegen_core.registration.alignment import Alignment, Fit, Residual, Similarity


def aligned_sample_head(bundle: Bundle) -> Alignment:
    """The sample head on the template it is."""
    template = bundle.template
    inner = {part.name: np.asarray(part.vertices) for part in template.inner_parts}
    residual = Residual.from_distances(np.zeros(1))
    here, unbent = Similarity.identity(), np.zeros(len(template.identity_basis))
    fit = Fit(here, unbent, template.vertices, inner, template.landmark_positions, residual)
    return align(template, template.whole_head(), fit)
