"""The sample head matched: as what it is, without a search, and as the search finds it.

Nothing here may be changed by a test: it is made once for all rooms tested in a process.
"""

from functools import cache

import numpy as np

from facegen_core import pipeline
from facegen_core.bundle import Bundle, load_bundle
from facegen_core.registration import align
from facegen_core.registration.alignment import Alignment, Fit, Residual, Similarity
from tests.core.fit_fixtures import BUNDLE


def aligned_sample_head(bundle: Bundle) -> Alignment:
    """The sample head on the template it is."""
    template = bundle.template
    inner = {part.name: np.asarray(part.vertices) for part in template.inner_parts}
    residual = Residual.from_distances(np.zeros(1))
    here, unbent = Similarity.identity(), np.zeros(len(template.identity_basis))
    fit = Fit(here, unbent, template.vertices, inner, template.landmark_positions, residual)
    return align(template, template.whole_head(), fit)


@cache
def default_bundle() -> Bundle:
    """The bundle that comes with Facegen."""
    return load_bundle(BUNDLE)


@cache
def matched_sample_head() -> Alignment:
    """The sample head with the face that Match finds on it."""
    bundle = default_bundle()
    return pipeline.match(bundle.template.whole_head(), bundle)
