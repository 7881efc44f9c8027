"""`facegen variations`: its options, and what they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path

from facegen_core.errors import FacegenError
from facegen_core.landmark_inference import MAX_AMOUNT, Variation

from ..generators import VARIED
from . import engine_options, eye_options, generate_options, layer_options


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of `facegen variations`, without those it shares with other commands."""
    generate_options.add_head(command)
    generate_options.add_expressions(command)
    command.add_argument(
        "--variation",
        type=int,
        default=0,
        metavar="SEED",
        help="the first of the nine seeds, which follow one another (0)",
    )
    command.add_argument(
        "--amount",
        type=float,
        default=1.0,
        help=f"how far they stray from the mean motion, 0 to {MAX_AMOUNT:g} (1)",
    )
    layer_options.add_layers(command)
    eye_options.add_eyes(command)
    generate_options.add_match(command)
    engine_options.add_engine(command)
    command.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE.png",
        help="sheet to write; the moving one has the same name with .mp4",
    )


def request_of(options: argparse.Namespace) -> object:
    """The request to draw a sheet. Raises FacegenError where nothing is to be played."""
    from .variations_file import SheetRequest

    if not options.expression:
        raise FacegenError("No expression was asked for: add for example -e happy@1,12,30,45=1.0.")
    if options.out.suffix.lower() != ".png":
        raise FacegenError(f"The sheet is a PNG: name '{options.out.name}' .png.")
    head = generate_options.head_request(
        options,
        generator=VARIED,
        variation=Variation(options.variation, options.amount),
        engine=engine_options.choice_of(options),
    )
    if not any(envelope.intensity for envelope in head.envelopes):
        raise FacegenError("Every expression is at zero: give one an intensity, as in =1.0.")
    return SheetRequest(head, options.out, options.out.with_suffix(".mp4"))
