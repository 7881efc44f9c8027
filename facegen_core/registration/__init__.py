"""Registration: find the template in an artist's head and say how every vertex will follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidMeshError
from ..mesh import Mesh
from ..progress import Progress, no_progress, subprogress
from ..template import Template
from .alignment import KIND_MOTIONS, Alignment, Correspondence, Fit, Part, vertices_moving
from .anatomy import find_parts, near_seals
from .correspondence import CONFIDENT, correspond, looks_inside_out, match_surface
from .fit_template import fit_template, refit_template
from .matching import Matches
from .regions import carry_regions
from .surface import Surface, weld

FloatArray = NDArray[np.floating]

# Share of the progress bar that fitting takes; correspondence and anatomy take the rest.
_FIT_SHARE = 0.8

# Per fit: template and target it is for, and what was found there.
_seen: WeakKeyDictionary[Fit, tuple[Template, Mesh, tuple[Surface, Matches, tuple[Part, ...]]]] = (
    WeakKeyDictionary()
)
# Landmarks put right by less than this do not change what is an eyeball and what is a tooth.
_SAME_ANATOMY_MM = 8.0


def register(
    template: Template,
    target: Mesh,
    landmarks: dict[int, FloatArray] | None = None,
    progress: Progress = no_progress,
    corrections: Mapping[int, str] | None = None,
    pins: Mapping[int, FloatArray] | None = None,
) -> Alignment:
    """Fit the template to the target and work out how each of its M vertices follows.

    landmarks: {number 0–67: (3,)} by hand, in the target's coordinates, 13 or more, which replace
    the search, or None. pins: any number of the same, which pull the head that the search found.
    corrections: {`Part.key`: kind} where the artist knows better what a part is.
    Raises RegistrationFailedError where no face is found, LandmarkError for unusable landmarks.
    """
    if not len(target.triangles):
        raise InvalidMeshError("The mesh has no faces, only points and edges: select the head.")
    fitting = subprogress(progress, 0.0, _FIT_SHARE)
    fit = fit_template(template, target, landmarks, fitting, pins)
    alignment = align(template, target, fit, subprogress(progress, _FIT_SHARE, 1.0), corrections)
    progress(1.0, "Matched")
    return alignment


def refit(
    alignment: Alignment,
    pins: Mapping[int, FloatArray],
    progress: Progress = no_progress,
    corrections: Mapping[int, str] | None = None,
) -> Alignment:
    """The same head matched again from the known fit, pulled by all the pins given.

    pins: {number 0–67: (3,)} in the target's coordinates; none at all is allowed.
    Raises LandmarkError for unusable pins.
    """
    template, target = alignment.template, alignment.target
    fitting = subprogress(progress, 0.0, _FIT_SHARE)
    fit = refit_template(template, target, alignment.fit, pins, fitting)
    moved = np.linalg.norm(_on_target(fit) - _on_target(alignment.fit), axis=1).max()
    seen = _seen.get(alignment.fit)  # parts as found, before any correction
    is_same = seen is not None and moved * fit.similarity.scale < _SAME_ANATOMY_MM
    parts = seen[2][2] if seen is not None and is_same else None
    again = align(template, target, fit, subprogress(progress, _FIT_SHARE, 1.0), corrections, parts)
    progress(1.0, "Matched")
    return again


def _on_target(fit: Fit) -> FloatArray:
    """(68, 3) the landmarks in the target's coordinates."""
    return fit.similarity.apply_inverse(fit.landmarks)


def align(
    template: Template,
    target: Mesh,
    fit: Fit,
    progress: Progress = no_progress,
    corrections: Mapping[int, str] | None = None,
    parts: tuple[Part, ...] | None = None,
) -> Alignment:
    """Correspondence and anatomy of a target for which the fit is known.

    parts: of an earlier alignment of this target, where they still hold.
    """
    progress(0.0, "Looking at the parts of the head")
    surface, matches, parts = _looked_at(template, target, fit, parts)
    parts = _corrected(parts, corrections or {})
    is_skin = surface.is_any_of(vertices_moving(parts, "skin"))
    progress(0.4, "Matching the skin")
    matches, confidences = correspond(template, fit.neutral, surface, matches, is_skin)
    progress(0.8, "Carrying the regions over")
    regions = carry_regions(template, fit, surface, matches, confidences, parts)
    is_sealed = near_seals(template, fit, surface, matches, confidences, is_skin)
    confidences = np.where(is_sealed, np.float32(0.0), confidences)
    parts = tuple(_carried_if_lost(part, surface, confidences) for part in parts)
    welded = surface.welded_indices
    correspondence = Correspondence(
        np.where(confidences > 0, matches.triangle_indices, -1)[welded].astype(np.int32),
        matches.barycentrics[welded],
        confidences[welded],
    )
    return Alignment(template, target, fit, correspondence, parts, regions)


def _looked_at(
    template: Template, target: Mesh, fit: Fit, parts: tuple[Part, ...] | None
) -> tuple[Surface, Matches, tuple[Part, ...]]:
    """The target welded, its matches on the fitted skin, and its parts unless they are given.

    Looked for once and kept as long as the fit lives, so that a correction by the artist costs a
    fraction of a match.
    """
    known = _seen.get(fit)
    if known is not None and known[0] is template and known[1] is target:
        return known[2]
    surface, matches = _outward(template, target, fit)
    if parts is None:
        parts = find_parts(template, fit, target, surface, matches)
    result = surface, matches, parts
    _seen[fit] = template, target, result
    return result


def surface_of(alignment: Alignment) -> Surface:
    """The target welded, in template mm, its triangles wound outwards; as it was aligned."""
    known = _seen.get(alignment.fit)
    if known is not None and known[0] is alignment.template and known[1] is alignment.target:
        return known[2][0]
    return _outward(alignment.template, alignment.target, alignment.fit)[0]


def _outward(template: Template, target: Mesh, fit: Fit) -> tuple[Surface, Matches]:
    """The target welded and, where its polygons are wound inwards, turned; and its matches."""
    surface = weld(target, fit.similarity.apply(target.vertices), fit)
    matches = match_surface(template, fit.neutral, surface)
    if looks_inside_out(matches):
        surface = surface.turned_inside_out()
        matches = match_surface(template, fit.neutral, surface)
    return surface, matches


def _corrected(parts: tuple[Part, ...], corrections: Mapping[int, str]) -> tuple[Part, ...]:
    """The parts with the artist's word put over ours; corrections of unknown parts are ignored."""
    known = {key: kind for key, kind in corrections.items() if str(kind) in KIND_MOTIONS}
    return tuple(p.as_kind(known[p.key]) if p.key in known else p for p in parts)


def _carried_if_lost(part: Part, surface: Surface, confidences: FloatArray) -> Part:
    """A part called skin of which nothing lies on the template rides on the skin beside it."""
    if part.motion != "skin" or part.is_welded:
        return part
    is_lost = not (confidences[surface.welded_indices[part.vertex_indices]] > CONFIDENT).any()
    return replace(part, motion="carried") if is_lost else part
