"""Match: find the face in the target and fit the template to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy
from numpy.typing import NDArray

from facegen_core import pipeline
from facegen_core.landmarks import check_manual_landmarks
from facegen_core.progress import Progress, no_progress, subprogress

from .. import jobs
from ..preferences import bundle_path
from ..scene import landmarks, mesh_bridge, state
from . import polling

# Share of a match that reading the bundle takes.
_OPENING_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class MatchRequest:
    """All that matching needs, read from the scene; threads may use it.

    landmark_places: {landmark number: (3,)} in the core's axes, or None.
    landmark_key: equal when the landmarks lie at the same places of the head.
    """

    head: mesh_bridge.Head
    landmark_places: dict[int, NDArray] | None
    landmark_key: str
    bundle_file: Path

    def key(self, bundle_hash: str) -> tuple[str, ...]:
        return (self.head.fingerprint, self.landmark_key, bundle_hash)


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
    places = landmarks.landmark_positions(target)
    if places is not None:
        check_manual_landmarks(places)
    key = landmarks.landmark_key(target)
    return MatchRequest(head, places, key, bundle_file or bundle_path(context))


def run_match(request: MatchRequest, progress: Progress = no_progress) -> state.Match:
    """Match what was requested, or recall it; touches no Blender data, so any thread may call."""
    progress(0.0, "Opening the model")
    opened = state.open_bundle(request.bundle_file)
    recalled = state.recall(request.key(opened.file_hash))
    if recalled is not None:
        return recalled.for_head(request.head)
    alignment = pipeline.match(
        request.head.mesh,
        opened.bundle,
        request.landmark_places,
        subprogress(progress, _OPENING_SHARE, 1.0),
    )
    return state.Match(request.head, alignment, opened.file_hash)


def keep_match(target: bpy.types.Object, request: MatchRequest, match: state.Match) -> None:
    """Remember a match and write its summary on the target."""
    state.remember(request.key(match.bundle_hash), match)
    state.store_match(target, match)


def match_head(
    context: bpy.types.Context, target: bpy.types.Object, progress: Progress = no_progress
) -> state.Match:
    """Match a head now: its mesh children and other selected meshes belong to it."""
    request = request_match(context, target)
    match = run_match(request, progress)
    keep_match(target, request, match)
    return match


class FACEGEN_OT_match(jobs.JobOperator, bpy.types.Operator):
    """Find the face in this head and fit the template to it.
    Other selected meshes and mesh children (eyes, teeth, brows) are taken along"""

    bl_idname = "facegen.match"
    bl_label = "Match"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return polling.head_is_ready(cls, context)

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        self._target_name = target.name
        self._request = request_match(context, target)
        return lambda progress: run_match(self._request, progress)

    def finish(self, context: bpy.types.Context, match: state.Match) -> str:
        target = state.head_named(self._target_name)
        keep_match(target, self._request, match)
        residual = match.alignment.fit.residual
        return (
            f"Matched '{target.name}': {residual.verdict}, "
            f"{residual.mean_mm:.2f} mm mean, {residual.p95_mm:.2f} mm at 95 %"
        )
