"""Options of the eyes: --blinks, --gaze, --eye-seed; and --leave-mouth."""

from __future__ import annotations

import argparse

from facegen_core.eye_motion import MAX_BLINKS_PER_MINUTE, MAX_GAZE_AMOUNT, EyeSettings


def add_eyes(command: argparse.ArgumentParser) -> None:
    """Blinks and gaze over the expressions, and whose the mouth is."""
    command.add_argument(
        "--blinks",
        type=float,
        metavar="PER_MINUTE",
        help=f"natural blinks, so many a minute in the mean, 0 to {MAX_BLINKS_PER_MINUTE:g}",
    )
    command.add_argument(
        "--gaze",
        type=float,
        metavar="AMOUNT",
        help=f"how far the eyes wander, 0 to {MAX_GAZE_AMOUNT:g}",
    )
    command.add_argument(
        "--eye-seed", type=int, metavar="SEED", help="of blinks and gaze, 0, 1, 2, … (0)"
    )
    command.add_argument(
        "--leave-mouth", action="store_true", help="mouth and jaw belong to speech: not moved"
    )


def eye_settings(options: argparse.Namespace) -> dict[str, float]:
    """{property of `object.facegen`: value} of what was said. Raises FacegenError."""
    said = {
        "blinks_per_minute": options.blinks,
        "gaze_amount": options.gaze,
        "eye_seed": options.eye_seed,
    }
    settings: dict[str, float] = {k: value for k, value in said.items() if value is not None}
    if settings:
        # What is not said is off, but a seed alone asks for the ordinary eyes.
        if options.blinks is not None or options.gaze is not None:
            settings = {"blinks_per_minute": 0.0, "gaze_amount": 0.0, **settings}
        EyeSettings(
            int(settings.get("eye_seed", 0)),
            settings.get("blinks_per_minute", 0.0),
            settings.get("gaze_amount", 0.0),
        )
        settings["use_eyes"] = True
    if options.leave_mouth:
        settings["leaves_mouth"] = True
    return settings
