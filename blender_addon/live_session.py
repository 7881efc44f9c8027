"""Live update of one head: a pose at once, the clip a moment later in the background.

What the face shows depends on what `GenerateRequest` reads of the scene, and on nothing else; its
digest tells whether anything changed. The pose is for the eye only and in no clip; the clip is the
one Generate would write, keys and all.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core import pipeline
from facegen_core.errors import FacegenError
from facegen_core.posing import Poser
from facegen_core.progress import Progress

from . import engine, jobs, refusals
from .baking import KEY_MODES
from .operators import generate, match
from .scene import channels, live_key, state

FloatArray = NDArray[np.floating]

# The clip follows when nothing has changed for so long; meanwhile, and while it is made, how often
# to look.
SETTLE_SECONDS, LOOK_AGAIN_SECONDS, TICK_SECONDS = 0.5, 0.1, 0.05
# A slider this far from its curve was moved by hand.
_BY_HAND = 1e-3


class Session:
    """What live update knows of one head between two looks at it.

    note: a sentence for the panel, empty when all is well. is_working: the clip is being made.
    """

    def __init__(self) -> None:
        self.note = ""
        self._matching: match.MatchRequest | None = None
        self._matched: state.Match | None = None
        self._warm: set[str] = set()  # generators that have played on this match
        self._poser: tuple[NDArray[Any] | None, Poser] | None = None
        self._digest = self._clip = self._failed = b""
        self._changed_at = float("-inf")
        self._pose: tuple[Any, ...] = ()
        self._job: jobs.Job | None = None
        self._making: tuple[bytes, generate.GenerateRequest] | None = None

    @property
    def is_working(self) -> bool:
        return self._job is not None

    def look(self, context: bpy.types.Context, target: bpy.types.Object) -> float | None:
        """Let the face follow; returns after how many seconds to look again, None if at rest."""
        self.note = why_waiting(target)
        if self.note:
            self.stop()
            live_key.remove(state.matched_objects(target))
            self._matching = None  # it may come back as another head
            return LOOK_AGAIN_SECONDS if jobs.running() else None
        try:
            return self._follow(context, target)
        except FacegenError as error:
            self.note = str(error)
        except Exception as error:
            refusals.note("Live", error)
            jobs.LOGGER.error("Live update failed", exc_info=error)
            self.note = f"Live update failed, nothing was changed: {error!r}"
        self.stop()
        self._failed = self._digest
        live_key.remove(state.matched_objects(target))
        return None

    def forget_clip(self) -> None:
        """The scene is another one, as after an undo: no clip in it is known."""
        self.stop()
        self._clip = self._failed = b""
        self._matching, self._pose = None, ()

    def stop(self) -> None:
        """Ask the work in the background to end; its result will not be looked at."""
        if self._job is not None:
            self._job.cancel()
            self._job = self._making = None

    def _follow(self, context: bpy.types.Context, target: bpy.types.Object) -> float | None:
        if self._matching is None:
            self._matching = match.request_match(context, target, False)
        request = _request(context, target, self._matching)
        digest = digest_of(request, target.facegen.clip_name)
        if digest != self._digest:
            self._digest, self._changed_at = digest, time.monotonic()
            self.stop()
        by_hand = _moved_by_hand(context, target, request)
        if digest == self._clip and not by_hand.any():
            if self._pose:
                live_key.remove(state.matched_objects(target))
            self._pose = ()
        elif self._matched is not None and request.generator in self._warm:
            self._show(context, target, request, by_hand)
        if digest == self._failed:
            return None
        return self._in_background(context, target)

    # ---- the pose ------------------------------------------------------------------------------

    def _show(
        self,
        context: bpy.types.Context,
        target: bpy.types.Object,
        request: generate.GenerateRequest,
        by_hand: FloatArray,
    ) -> None:
        row = _row(context, request)
        pose = (self._digest, by_hand.tobytes(), row, live_key.times_taken_away())
        if pose == self._pose:
            return
        moved = self._poser_for(request).pose(
            np.clip(request.intensities + by_hand, 0.0, 1.0),
            request.frames_per_second,
            row,
            request.layers,
            request.generator,
            request.variation,
        )
        live_key.show(self._matched.head, moved, target.facegen.clip_name)
        self._pose = pose

    def _poser_for(self, request: generate.GenerateRequest) -> Poser:
        if self._poser is None or not _is_same(self._poser[0], request.mask):
            bundle = state.open_bundle(request.match.bundle_file).bundle
            poser = pipeline.poser(self._matched.alignment, bundle, request.mask)
            self._poser = request.mask, poser
        return self._poser[1]

    # ---- the clip ------------------------------------------------------------------------------

    def _in_background(self, context: bpy.types.Context, target: bpy.types.Object) -> float | None:
        if self._job is not None:
            if not self._job.update():
                return TICK_SECONDS
            job, (digest, request) = self._job, self._making
            self._job = self._making = None
            if job.error is not None:
                raise job.error
            self._finish(context, target, request, job.result)
            self._clip = digest
            return TICK_SECONDS  # look once more: what changed meanwhile waits
        if self._digest == self._clip:
            return None
        is_settled = time.monotonic() >= self._changed_at + SETTLE_SECONDS
        if not is_settled or is_dragging(context):
            return LOOK_AGAIN_SECONDS
        self._matching = match.request_match(context, target, False)
        request = _request(context, target, self._matching)
        self._making = digest_of(request, target.facegen.clip_name), request

        def work(progress: Progress) -> generate.Generated:
            return generate.run_generate(request, progress)

        self._job = jobs.Job(work, is_aside=True)
        self._job.start()
        return TICK_SECONDS

    def _finish(
        self,
        context: bpy.types.Context,
        target: bpy.types.Object,
        request: generate.GenerateRequest,
        generated: generate.Generated,
    ) -> None:
        """Write the clip as Generate does. No undo step of its own: it belongs to the edit."""
        generate.write_generated(context, target, request, generated)
        alignment = generated.match.alignment
        if self._matched is None or self._matched.alignment is not alignment:
            self._warm, self._poser = set(), None
        self._matched = generated.match
        self._warm.add(request.generator)
        self._pose = ()


def _request(
    context: bpy.types.Context, target: bpy.types.Object, matching: match.MatchRequest
) -> generate.GenerateRequest:
    """What the face shows now. Of the built-in engine: a drag ends the work again and again, which
    would start a worker anew every time.
    """
    request = generate.request_generate(context, target, matching=matching)
    return dataclasses.replace(request, engine=engine.BUILT_IN)


def why_waiting(target: bpy.types.Object) -> str:
    """A sentence where live update cannot follow this head now, else empty."""
    if not target.facegen.is_matched:
        return "Live waits: Match first"
    if target.facegen.bake_mode in KEY_MODES:
        return "Live follows Compact and Frames; a driven rig follows its sliders by itself"
    if any(obj.mode != "OBJECT" for obj in state.matched_objects(target)):
        return "Live waits for Object Mode"
    if bpy.app.is_job_running("RENDER"):
        return "Live waits for the render"
    if jobs.running() is not None:
        return "Live waits while Facegen is working"
    data = target.animation_data
    if data is not None and (
        any(not track.mute for track in data.nla_tracks)
        or any(driver.data_path.startswith("facegen.") for driver in data.drivers)
    ):
        return "Live cannot follow drivers or the NLA: press Generate"
    return ""


def is_dragging(context: bpy.types.Context) -> bool:
    """Whether a tool of Blender, such as Move, still has the mouse."""
    return any(
        operator.bl_idname.startswith("TRANSFORM")
        for window in context.window_manager.windows
        for operator in window.modal_operators
    )


def digest_of(request: generate.GenerateRequest, clip_name: str) -> bytes:
    """Of everything a clip depends on; the head by what it is matched under."""
    digest = hashlib.sha1(usedforsecurity=False)
    digest.update(repr((clip_name, request.match.key(str(request.match.bundle_file)))).encode())
    digest.update(repr(sorted(request.match.corrections.items())).encode())
    for field in dataclasses.fields(request):
        if field.name != "match":
            _feed(digest, getattr(request, field.name))
    return digest.digest()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(np.ascontiguousarray(value))
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            _feed(digest, getattr(value, field.name))
    else:
        digest.update(repr(value).encode())
    digest.update(b"|")


def _row(context: bpy.types.Context, request: generate.GenerateRequest) -> int:
    """The row of the current frame, the first or last where it lies outside."""
    nearest = round(context.scene.frame_current_final - float(request.frames[0]))
    return int(np.clip(nearest, 0, len(request.frames) - 1))


def _moved_by_hand(
    context: bpy.types.Context, target: bpy.types.Object, request: generate.GenerateRequest
) -> FloatArray:
    """(C,) how far the sliders are from their curves now: moved, and not keyed yet."""
    frame = context.scene.frame_current_final
    if frame != round(frame) or not request.frames[0] <= frame <= request.frames[-1]:
        return np.zeros(len(request.expressions))
    shown = channels.channels_of(target, request.expressions)
    values = np.array([getattr(target.facegen, channel.attribute) for channel in shown])
    apart = values - request.intensities[_row(context, request)]
    return np.where(np.abs(apart) > _BY_HAND, apart, 0.0)


def _is_same(one: FloatArray | None, other: FloatArray | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)
