"""Pictures of presets, on the template's own face: a preset is for any head, not for one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .bundle import Bundle
from .inference import Engine
from .layers import combine, plays_of
from .mesh import Mesh
from .motion import FaceMotion
from .one_thread import on_one_thread
from .presets import Preset, sample_preset
from .preview import NUM_PIXELS, Pictures, Sitter, apex_picture, sit
from .registration.alignment import Alignment, Correspondence, Fit, Residual, Similarity
from .template import Template

_FRAMES_PER_SECOND = 30.0


@on_one_thread
def preset_picture(bundle: Bundle, preset: Preset, num_pixels: int = NUM_PIXELS) -> Pictures:
    """(num_pixels, num_pixels, 4) sRGB and cover, the first row at the top: a preset's apex.

    Raises IntensityError for an expression that the bundle does not have.
    """
    engine = _engine(bundle)
    intensities, layers = sample_preset(preset, _FRAMES_PER_SECOND, bundle.config.expressions)
    rows = np.array([apex_picture(intensities)])

    def run(curves: np.ndarray) -> FaceMotion:
        return engine.generate(curves, _FRAMES_PER_SECOND, frames=rows)

    plays = plays_of(layers, intensities, _FRAMES_PER_SECOND)
    motion = combine(layers, plays, run, bundle.template, rows)
    return _sitter(bundle.template, num_pixels).picture(motion.skin[0], motion.jaw[0])


@lru_cache(maxsize=1)
def _engine(bundle: Bundle) -> Engine:
    return Engine(bundle)


@lru_cache(maxsize=1)
def _sitter(template: Template, num_pixels: int) -> Sitter:
    """The template as if it had been found on itself."""
    inner = {part.name: np.asarray(part.vertices) for part in template.inner_parts}
    exact, unbent = Residual.from_distances(np.zeros(1)), np.zeros(len(template.identity_basis))
    fit = Fit(
        Similarity.identity(),
        unbent,
        template.vertices,
        inner,
        template.landmark_positions,
        exact,
    )
    nowhere = Correspondence(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    head = Mesh.from_triangles(template.vertices, template.triangles)
    return sit(Alignment(template, head, fit, nowhere, ()), template.jaw_pivot, num_pixels)
