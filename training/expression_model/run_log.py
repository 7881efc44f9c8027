"""What a run tells while it goes on: a progress bar, TensorBoard, and run.json in its folder."""

from __future__ import annotations

import json
import time
from typing import Any

from tqdm import tqdm

from facegen_core.files import write_text
from facegen_core.json_text import read_json
from facegen_core.models.expression_model import ExpressionModel
from training.expression_model.objective import LOSS_NAMES
from training.expression_model.run import Run
from training.runs.provenance import session_record

# Steps between two points of a TensorBoard curve; each is the mean of the steps since the last.
SCALAR_INTERVAL = 10


class RunLog:
    """Speaks for the first process of a run; the others are silent."""

    def __init__(self, run: Run, started: float) -> None:
        """started: when the session did, by time.monotonic(); reading the data counts."""
        self.started = started
        self._is_silent = not run.processes.is_first
        self._bar: tqdm | None = None
        self._writer: Any = None
        self._steps_before = 0
        self._last_written = time.monotonic()
        if self._is_silent:
            return
        self._path = run.config.out / "run.json"
        goes_on = run.left_over is not None and self._path.exists()
        earlier = read_json(self._path) if goes_on else []
        self._sessions = [*earlier, _describe(run)]
        self._write_sessions()
        if run.config.tensorboard:
            self._writer = _tensorboard(run)

    def start_stage(self, run: Run, num_steps: int) -> None:
        self._steps_before = sum(
            len(rows) for stage, rows in run.history.items() if stage != run.stage
        )
        self._bar = tqdm(
            total=num_steps,
            initial=run.step,
            desc=f"Stage {run.stage}",
            unit="step",
            mininterval=2.0,
            disable=self._is_silent,
        )
        self._last_written = time.monotonic()

    def step(self, run: Run, losses: list[float], rate: float) -> None:
        """After every step; losses: LOSS_NAMES."""
        self._bar.set_postfix(loss=f"{losses[0]:.4f}", refresh=False)
        self._bar.update()
        if self._writer is None or run.step % SCALAR_INTERVAL:
            return
        rows = run.history[run.stage][-SCALAR_INTERVAL:]
        place = self._steps_before + run.step
        for name, values in zip(LOSS_NAMES, zip(*rows, strict=True), strict=True):
            self._writer.add_scalar(f"loss/{name}", sum(values) / len(values), place)
        self._writer.add_scalar("learning_rate", rate, place)
        now = time.monotonic()
        seconds, self._last_written = now - self._last_written, now
        self._writer.add_scalar("steps_per_second", len(rows) / max(seconds, 1e-9), place)

    def validation(self, run: Run, entry: dict[str, Any], model: ExpressionModel) -> None:
        """After a validation; entry: stage, step and errors in mm; model: the one measured."""
        errors = entry["model_mm"]
        tqdm.write(f"{entry['stage']} {entry['step']}: {errors['total']:.3f} mm on unseen faces")
        if self._writer is None:
            return
        place = self._steps_before + run.step
        for name, value in errors.items():
            self._writer.add_scalar(f"validation_mm/{name}", value, place)
        picture = _picture(run, model)
        if picture is not None:
            self._writer.add_image("held_out_faces", picture, place, dataformats="HWC")
        self._writer.flush()
        self._write_sessions()
        self._last_written = time.monotonic()

    def end_stage(self) -> None:
        self._bar.close()

    def close(self) -> float:
        """Write how long it took; returns the seconds of all sessions of the run."""
        if self._is_silent:
            return 0.0
        if self._writer is not None:
            self._writer.close()
        self._write_sessions()
        return round(sum(session["seconds"] for session in self._sessions), 1)

    def _write_sessions(self) -> None:
        """run.json: what decided each session of the run, and the seconds it took so far."""
        self._sessions[-1]["seconds"] = round(time.monotonic() - self.started, 1)
        text = json.dumps(self._sessions, indent=1) + "\n"
        write_text(self._path, text)


def _describe(run: Run) -> dict[str, Any]:
    return session_record(
        run.stage, run.step, run.config.seed, run.data_hash, run.device, run.processes.size
    )


def _tensorboard(run: Run) -> Any:
    """The writer into OUT/tensorboard, None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        tqdm.write("TensorBoard is not installed: no curves are written.")
        return None
    folder = run.config.out / "tensorboard"
    if run.left_over is None:  # curves of a run that is replaced would be drawn over these
        for path in folder.glob("events.out.tfevents.*"):
            path.unlink()
    done = sum(len(rows) for rows in run.history.values())
    return SummaryWriter(str(folder), purge_step=done + 1)


def _picture(run: Run, model: ExpressionModel) -> Any:
    """(H, W, 3) apexes of held-out faces, None where the drawing room is not there."""
    try:
        from training.expression_model.held_out_faces import draw_held_out_faces
    except ImportError:
        return None
    return draw_held_out_faces(run, model)
