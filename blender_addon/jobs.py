"""Long work off the main thread: progress and errors come back through a queue, ESC cancels.

Only arrays cross: the work must not touch `bpy`. What reads or writes the scene happens before
and after it, on the main thread.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

import bpy

from facegen_core.errors import CancelledError, FacegenError
from facegen_core.progress import Progress

from . import refusals
from .translations import said

Work = Callable[[Progress], Any]

LOGGER = logging.getLogger(__name__)
# How often a running job is looked at; ten times a second reads as live.
TICK_SECONDS = 0.1
# The longest that unregistering or quitting waits for a worker to notice its cancel.
JOIN_SECONDS = 30.0
STILL_WORKING = "Facegen is still working: wait, or press ESC"

_alive: set[Job] = set()
# What running operators show, to be taken away also when Blender throws them out half-way.
_shown: list[_Shown] = []


class Job:
    """One piece of work in a thread of its own.

    is_aside: it goes on beside whatever the artist does, and keeps no button grey.
    act: the identifier of the operator whose work it is.
    """

    def __init__(self, work: Work, is_aside: bool = False, act: str = "") -> None:
        self.is_aside, self.act = is_aside, act
        self.fraction, self.message = 0.0, "Starting"
        self.result: Any = None
        self.error: Exception | None = None
        self._work = work
        self._why_interrupted = CancelledError().args[0]
        self._reports: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="facegen", daemon=True)

    def start(self) -> None:
        _alive.add(self)
        self._thread.start()

    def cancel(self, why: str = "") -> None:
        """Ask the work to stop; it does so at its next progress report. why: for the artist."""
        self._why_interrupted = why or self._why_interrupted
        self._cancelled.set()

    @property
    def interruption(self) -> CancelledError | None:
        """Why the work was asked to stop, or None where it was not."""
        return CancelledError(self._why_interrupted) if self._cancelled.is_set() else None

    def join(self, seconds: float = JOIN_SECONDS) -> None:
        self._thread.join(seconds)
        _alive.discard(self)

    def update(self) -> bool:
        """Take in the latest report; True once the work has ended."""
        is_done = not self._thread.is_alive()
        while not self._reports.empty():
            self.fraction, self.message = self._reports.get()
        if is_done:
            _alive.discard(self)
        return is_done

    def _run(self) -> None:
        try:
            self.result = self._work(self._report)
        except Exception as error:
            self.error = error

    def _report(self, fraction: float, message: str) -> None:
        if self._cancelled.is_set():
            raise CancelledError
        self._reports.put((fraction, message))


def running() -> Job | None:
    """A job that has not ended, was not cancelled and is not aside, or None."""
    return next((j for j in _alive if not (j.is_aside or j._cancelled.is_set())), None)


def cancel_all() -> None:
    """Stop every worker and wait for it; Blender must not unload code that still runs.

    Blender forgets operators of an add-on that is switched off without a word to them, so what
    they show is taken away here.
    """
    for job in list(_alive):
        job.cancel()
    for job in list(_alive):
        job.join()
    for shown in list(_shown):
        shown.take_away()


def interrupt(why: str) -> None:
    """Stop the jobs of running operators, because what they read of the scene is no longer so."""
    for shown in _shown:
        shown.job.cancel(why)


class _Shown:
    """The ticking timer, the progress at the pointer and the status text of one running job."""

    def __init__(self, context: bpy.types.Context, job: Job) -> None:
        self.job = job
        self._timer = context.window_manager.event_timer_add(TICK_SECONDS, window=context.window)
        context.window_manager.progress_begin(0, 100)
        _shown.append(self)

    def take_away(self) -> None:
        if self not in _shown:
            return
        _shown.remove(self)
        manager = bpy.context.window_manager
        manager.event_timer_remove(self._timer)
        manager.progress_end()
        for window in manager.windows:
            window.workspace.status_text_set(None)
        _redraw(bpy.context)


class JobOperator:
    """Operator whose work runs in a Job: modal in a window, blocking in background mode.

    Subclasses read the scene in `begin`, which returns the work, and write it in `finish`, which
    returns the sentence to report. Both may raise FacegenError; nothing is written before `finish`.
    warnings: sentences that `finish` leaves to be told after its own, which they would else vanish
    behind.
    """

    warnings: Sequence[str] = ()

    def begin(self, context: bpy.types.Context) -> Work:
        raise NotImplementedError

    def finish(self, context: bpy.types.Context, result: Any) -> str:
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.progress_begin(0, 100)
        try:
            work = self.begin(context)
            result = work(
                lambda fraction, _: context.window_manager.progress_update(100 * fraction)
            )
        except Exception as error:
            return self._refuse(error)
        finally:
            context.window_manager.progress_end()
        return self._finish_or_refuse(context, result)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        try:
            if running() is not None:  # clicked in a second window
                raise FacegenError(f"{STILL_WORKING}.")
            self._job = Job(self.begin(context), act=type(self).bl_idname)
        except Exception as error:
            return self._refuse(error)
        self._job.start()
        self._shown = _Shown(context, self._job)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC" and event.value == "PRESS":
            self.cancel(context)
            return self._refuse(CancelledError())
        if event.type != "TIMER":
            return {"PASS_THROUGH"} if _only_looks(event) else {"RUNNING_MODAL"}
        is_done = self._job.update()
        _show(context, self._job)
        if not is_done:
            return {"RUNNING_MODAL"}
        self._shown.take_away()
        error = self._job.interruption or self._job.error
        if error is not None:
            return self._refuse(error)
        return self._finish_or_refuse(context, self._job.result)

    def cancel(self, context: bpy.types.Context) -> None:
        """Also called by Blender when it quits while the job runs."""
        self._job.cancel()
        self._shown.take_away()

    def _finish_or_refuse(self, context: bpy.types.Context, result: Any) -> set[str]:
        try:
            sentence = self.finish(context, result)
        except Exception as error:
            return self._refuse(error)
        self.report({"INFO"}, said(sentence))
        for warning in self.warnings:
            self.report({"WARNING"}, said(warning))
        return {"FINISHED"}

    def _refuse(self, error: Exception) -> set[str]:
        if isinstance(error, CancelledError):
            self.report({"WARNING"}, said(str(error)))
        elif isinstance(error, FacegenError):
            return refusals.refused(self, error)
        else:
            refusals.note(self.bl_label, error)
            LOGGER.error("%s failed", self.bl_label, exc_info=error)
            why = f"{self.bl_label} failed, nothing was changed: {error!r}"
            self.report({"ERROR"}, said(f"{why}; Copy Report, and send it to us"))
        return {"CANCELLED"}


def _only_looks(event: bpy.types.Event) -> bool:
    """Moving the view is welcome while a job runs; everything else could change the scene."""
    return event.type in {
        "MOUSEMOVE",
        "INBETWEEN_MOUSEMOVE",
        "MIDDLEMOUSE",
        "WHEELUPMOUSE",
        "WHEELDOWNMOUSE",
        "TRACKPADPAN",
        "TRACKPADZOOM",
        "NDOF_MOTION",
        "WINDOW_DEACTIVATE",
    }


def _show(context: bpy.types.Context, job: Job) -> None:
    context.window_manager.progress_update(100 * job.fraction)
    percent = round(100 * job.fraction)
    text = f"Facegen: {job.message} ({percent} %)    ESC: cancel"
    context.workspace.status_text_set(said(text))
    _redraw(context)


def _redraw(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()
