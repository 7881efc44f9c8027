"""Match: find the face in the target and fit the template to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import bpy
import numpy as np

from facegen_core import pipeline
from facegen_core.errors import FacegenError
from facegen_core.landmarks import check_manual_landmarks
from facegen_core.progress import Progress, no_progress, subprogress
from facegen_core.registration.alignment import Alignment

from .. import jobs
from ..preferences import bundle_path
from ..scene import corrections, heat_map, landmarks, mesh_bridge, state
from ..translations import said
from . import polling

# Share of a match that reading the bundle takes.
_OPENING_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class MatchRequest:
    """All that matching needs, read from the scene; threads may use it.

    landmarks: those the match has to go by, or None. landmark_key: equal when they lie at the same
    places of the head. corrections: {`Part.key`: kind} by the artist. notes: what to tell them.
    wants_residuals: the heat map is on, so work out its values too. is_recorded: go the way a
    recorded match went, `is_pulled` or not (`state.Match`), so that it comes out bit for bit.
    """

    head: mesh_bridge.Head
    landmarks: landmarks.Wanted | None
    landmark_key: str
    bundle_file: Path
    corrections: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    wants_residuals: bool = False
    is_recorded: bool = False
    is_pulled: bool = False

    def key(self, bundle_hash: str, landmark_key: str | None = None) -> tuple[str, ...]:
        """What the match is remembered under; for other landmarks when their key is given."""
        key = self.landmark_key if landmark_key is None else landmark_key
        return (self.head.fingerprint, key, bundle_hash)


def request_match(
    context: bpy.types.Context,
    target: bpy.types.Object,
    is_new_match: bool = True,
    bundle_file: Path | None = None,
) -> MatchRequest:
    """Read a head from the scene. Raises FacegenError with one sentence about what is wrong.

    bundle_file: None is the one chosen in the preferences.
    """
    mesh_bridge.check_objects([target])
    head = mesh_bridge.gather(state.objects_of(context, target, is_new_match))
    wanted = landmarks.wanted(target)
    if wanted is not None and wanted.is_by_hand:
        check_manual_landmarks(wanted.places)
    return MatchRequest(
        head,
        wanted,
        landmarks.landmark_key(target),
        bundle_file or bundle_path(context),
        corrections.read(head),
        (*head.notes, *corrections.outdated(head)),
        heat_map.is_shown(target),
    )


def request_same_match(context: bpy.types.Context, target: bpy.types.Object) -> MatchRequest:
    """The match whose parts are listed, to recall. FacegenError when the head is another now."""
    request = request_match(context, target, is_new_match=False)
    if request.head.fingerprint != target.facegen.fingerprint:
        raise FacegenError(
            f"'{target.name}' changed since it was matched, and its parts with it: Match again."
        )
    return request


def run_match(request: MatchRequest, progress: Progress = no_progress) -> state.Match:
    """Match what was requested, or recall it; touches no Blender data, so any thread may call."""
    progress(0.0, "Opening the model")
    opened = state.open_bundle(request.bundle_file)
    working = subprogress(progress, _OPENING_SHARE, 1.0)
    known = state.recall(request.key(opened.file_hash))
    if request.is_recorded and known is not None and not _went_the_way(known, request):
        known = None
    if known is None:
        match = _matched_anew(request, opened, working)
    elif dict(known.corrections) == dict(request.corrections):
        match = known.for_head(request.head)
    else:
        working(0.2, "Looking at the parts of the head")
        alignment = pipeline.correct_parts(known.alignment, request.corrections)
        match = replace(
            known.for_head(request.head), alignment=alignment, corrections=request.corrections
        )
    if request.wants_residuals:
        state.residuals_of(match)
    return match


def _matched_anew(
    request: MatchRequest, opened: state.OpenBundle, progress: Progress
) -> state.Match:
    """A match that is not remembered; from the one without landmarks where that is."""
    if request.is_recorded:
        return _matched_as_recorded(request, opened, progress)
    wanted = request.landmarks
    unaided = state.recall(request.key(opened.file_hash, landmark_key=""))
    if wanted is not None and not wanted.is_by_hand and unaided is not None:
        # The match may be from where the head stood before.
        pins = {
            number: unaided.head.from_target(request.head.to_target(place))
            for number, place in wanted.places.items()
        }
        alignment = pipeline.move_landmarks(unaided.alignment, pins, progress, request.corrections)
        head = unaided.for_head(request.head).head
        pulled_by = landmarks.Wanted(pins, is_by_hand=False)
        return state.Match(
            head, alignment, opened.file_hash, request.corrections, pulled_by, is_pulled=True
        )
    alignment = _match_head(request, opened, progress)
    return state.Match(request.head, alignment, opened.file_hash, request.corrections, wanted)


def _matched_as_recorded(
    request: MatchRequest, opened: state.OpenBundle, progress: Progress
) -> state.Match:
    """The recorded match again; where pins pulled an earlier one, that one first."""
    wanted, corrected = request.landmarks, request.corrections
    if request.is_pulled:
        searching = subprogress(progress, 0.0, 0.8)
        unaided = pipeline.match(request.head.mesh, opened.bundle, progress=searching)
        pulling = subprogress(progress, 0.8, 1.0)
        alignment = pipeline.move_landmarks(unaided, wanted.places, pulling, corrected)
    else:
        alignment = _match_head(request, opened, progress)
    return state.Match(
        request.head, alignment, opened.file_hash, corrected, wanted, request.is_pulled
    )


def _went_the_way(known: state.Match, request: MatchRequest) -> bool:
    """Whether a remembered match is the one requested bit for bit, corrections aside."""
    same_head = np.array_equal(known.head.mesh.vertices, request.head.mesh.vertices)
    same_way = known.is_pulled == request.is_pulled
    return same_head and same_way and _same_landmarks(known.landmarks, request.landmarks)


def _same_landmarks(a: landmarks.Wanted | None, b: landmarks.Wanted | None) -> bool:
    if a is None or b is None:
        return a is b
    return (
        a.is_by_hand == b.is_by_hand
        and a.places.keys() == b.places.keys()
        and all(np.array_equal(a.places[number], b.places[number]) for number in a.places)
    )


def _match_head(request: MatchRequest, opened: state.OpenBundle, progress: Progress) -> Alignment:
    wanted = request.landmarks
    points = {}
    if wanted is not None:
        points = {"landmarks" if wanted.is_by_hand else "pins": wanted.places}
    return pipeline.match(
        request.head.mesh,
        opened.bundle,
        progress=progress,
        corrections=request.corrections,
        **points,
    )


def remember(request: MatchRequest, match: state.Match) -> None:
    """Keep what was requested for this session; nothing is written on the head."""
    state.remember(request.key(match.bundle_hash), match)


def keep_match(
    context: bpy.types.Context,
    target: bpy.types.Object,
    request: MatchRequest,
    match: state.Match,
) -> None:
    """Remember a match, write its summary on the target, and let what shows it follow."""
    remember(request, match)
    corrections.write(match.head, match.corrections)
    state.store_match(target, match, request.notes)
    target.facegen.landmark_key = request.landmark_key
    landmarks.follow_match(context, target, match.head, match.alignment)
    if request.wants_residuals:
        heat_map.show(match.head, state.residuals_of(match))


def match_head(
    context: bpy.types.Context, target: bpy.types.Object, progress: Progress = no_progress
) -> state.Match:
    """Match a head now: its mesh children and other selected meshes belong to it."""
    request = request_match(context, target)
    match = run_match(request, progress)
    keep_match(context, target, request, match)
    return match


class FACEGEN_OT_match(polling.OnHead, jobs.JobOperator, bpy.types.Operator):
    """Find the face in this head and fit the template to it.
    Other selected meshes and mesh children (eyes, teeth, brows) are taken along"""

    bl_idname = "facegen.match"
    bl_label = "Match"
    bl_options = {"UNDO"}

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        self._target_name = target.name
        self._request = request_match(context, target)
        return lambda progress: run_match(self._request, progress)

    def finish(self, context: bpy.types.Context, match: state.Match) -> str:
        target = state.head_named(self._target_name)
        keep_match(context, target, self._request, match)
        residual = match.alignment.fit.residual
        for sentence in self._request.notes:
            self.report({"WARNING"}, said(sentence))
        return (
            f"Matched '{target.name}': {residual.verdict}, "
            f"{residual.mean_mm:.2f} mm mean, {residual.p95_mm:.2f} mm at 95 %"
        )
