"""`facegen generate`: its options, and what they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from facegen_core.eases import EASES
from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS, Envelope, parse_event
from facegen_core.landmark_inference import MAX_AMOUNT, Variation
from facegen_core.pipeline import Generator

from ..generators import STEADY, VARIED
from . import bake_options, engine_options, export_options, eye_options, layer_options

DEFAULT_FRAMES_PER_SECOND = 30.0


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of `facegen generate`, without those it shares with other commands."""
    add_head(command)
    add_expressions(command)
    add_clip(command)
    add_variation(command)
    layer_options.add_layers(command)
    eye_options.add_eyes(command)
    add_match(command)
    _add_products(command)
    engine_options.add_engine(command)
    export_options.add_export(command)


def request_of(options: argparse.Namespace) -> object:
    """The request to animate a file. Raises FacegenError where nothing was asked for."""
    wanted = (*_CLIP_PRODUCTS, *_MATCH_PRODUCTS)
    if not any(getattr(options, name) for name in wanted):
        raise FacegenError("Nothing to write: add -o clip.fbx (or .glb, .blend, .abc, .usdc).")
    return head_request(
        options,
        outputs=tuple(options.output),
        bake_mode=options.bake,
        bake_settings=bake_options.bake_settings(options),
        tolerance_mm=options.tolerance,
        report_file=options.report,
        picture_file=options.picture,
        landmarks_out=options.landmarks_out,
        parts_out=options.parts_out,
        residual_file=options.residual,
        record_file=options.record,
        clip_name=options.clip_name,
        mask_group=options.mask or "",
        is_mask_inverted=options.invert_mask,
        use_contact=not options.no_contact,
        generator=generator_of(options),
        variation=variation_of(options),
        engine=engine_options.choice_of(options),
        **export_options.export_of(options),
    )


def head_request(options: argparse.Namespace, outputs: tuple[Path, ...] = (), **more: Any) -> Any:
    """A request of a head and what it plays, and of more."""
    from ..scene.import_head import keeps_frame_rate
    from .animate_file import Request

    fps = options.fps
    if fps is None and not keeps_frame_rate(options.head):
        fps = DEFAULT_FRAMES_PER_SECOND
    if options.bundle:
        more["bundle_file"] = options.bundle
    return Request(
        head=options.head,
        envelopes=envelopes(options.expression),
        outputs=outputs,
        frames_per_second=fps,
        landmark_file=options.landmarks,
        parts_file=options.parts,
        object_names=tuple(options.object),
        layers={**layer_options.layer_settings(options), **eye_options.eye_settings(options)},
        **more,
    )


def generator_of(options: argparse.Namespace) -> Generator:
    """The generator asked for. Raises FacegenError for a variation of the one that has none."""
    asks_to_vary = options.variation is not None or options.amount is not None
    if options.generator == STEADY and asks_to_vary:
        raise FacegenError(
            f"--generator {STEADY} has one motion: leave out --variation and --amount, or choose "
            f"{VARIED}."
        )
    return options.generator or (VARIED if asks_to_vary else STEADY)


def variation_of(options: argparse.Namespace) -> Variation:
    """The variation asked for, seed 0 in full where nothing is said."""
    said = {"seed": options.variation, "amount": options.amount}
    return Variation(**{name: value for name, value in said.items() if value is not None})


def envelopes(texts: list[str]) -> tuple[Envelope, ...]:
    """The events of NAME@A,B,C,D=I texts; an in-between is two."""
    return tuple(envelope for text in texts for envelope in parse_event(text))


# Options that name a file to write: those that need a clip, and those a match is enough for.
_CLIP_PRODUCTS = ("output", "picture", "report", "record")
_MATCH_PRODUCTS = ("landmarks_out", "parts_out", "residual")


def add_head(command: argparse.ArgumentParser) -> None:
    """The file to read."""
    command.add_argument(
        "head", type=Path, metavar="HEAD", help="neutral head: .obj, .fbx, .glb, .gltf or .blend"
    )


def add_expressions(command: argparse.ArgumentParser) -> None:
    """What the face is to play, and how fast."""
    command.add_argument(
        "-e",
        "--expression",
        action="append",
        default=[],
        metavar="NAME@A,B,C,D=I/EASE",
        help=f"an expression ({', '.join(EXPRESSIONS)}, or what 'facegen info' lists of another "
        "bundle) with the frames at which it begins, is reached, begins to fade and is over, and "
        "its intensity from 0 to 1; NAME~OTHER:SHARE is an in-between of two; EASE is how it comes "
        f"and goes ({', '.join(EASES)}), EASE/EASE where these differ; may be repeated",
    )
    command.add_argument("--fps", type=float, help="frames per second (30, or those of a .blend)")


def add_clip(command: argparse.ArgumentParser) -> None:
    """How the clip is baked and written."""
    bake_options.add_bake(command)
    command.add_argument(
        "--clip-name", default="clip", help="shape keys are FG_<name>_01, … (clip)"
    )
    command.add_argument(
        "--no-contact",
        action="store_true",
        help="leave lips, lids and teeth where the motion puts them, even in each other",
    )
    command.add_argument(
        "--mask",
        metavar="GROUP",
        help="vertex group of the head's file (.blend) whose weights multiply the motion",
    )
    command.add_argument("--invert-mask", action="store_true", help="weight 1 rests, 0 moves fully")


def add_variation(command: argparse.ArgumentParser) -> None:
    """Which generator plays, and which of its motions."""
    command.add_argument(
        "--generator",
        choices=(STEADY, VARIED),
        help=f"{STEADY}: the expected motion, always the same; {VARIED}: a motion as this face "
        f"might make it ({STEADY}; {VARIED} with --variation or --amount)",
    )
    command.add_argument(
        "--variation", type=int, metavar="SEED", help="which of its motions, a whole number (0)"
    )
    command.add_argument(
        "--amount",
        type=float,
        help=f"how far it strays from the mean motion, 0 to {MAX_AMOUNT:g} (1)",
    )


def add_objects(command: argparse.ArgumentParser) -> None:
    """Which objects of a file are the head."""
    command.add_argument(
        "--object",
        action="append",
        default=[],
        metavar="NAME",
        help="only this mesh object of the file, the first is the head; may be repeated",
    )


def add_outputs(command: argparse.ArgumentParser) -> None:
    """The files to write a clip to."""
    command.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="clip to write: .fbx, .glb, .blend, .abc or .usdc; may be repeated",
    )


def add_match(command: argparse.ArgumentParser) -> None:
    """Which objects are the head, and corrections of what is found on it."""
    add_objects(command)
    command.add_argument(
        "--landmarks",
        type=Path,
        metavar="FILE",
        help="JSON with 13 or more landmarks by hand, where the face is not found by itself; in "
        "the file's own coordinates for .obj and .glb, in Blender's world for .fbx and .blend",
    )
    command.add_argument(
        "--parts",
        type=Path,
        metavar="FILE",
        help="JSON that says what parts are, where they were taken for something else: write it "
        "with --parts-out, change a kind, give it back",
    )


def _add_products(command: argparse.ArgumentParser) -> None:
    add_outputs(command)
    command.add_argument("--report", type=Path, metavar="FILE", help="write the figures as JSON")
    command.add_argument(
        "--record",
        type=Path,
        metavar="FILE.json",
        help="write everything that decided the clip: facegen replay makes it again, bit for bit",
    )
    command.add_argument("--picture", type=Path, metavar="FILE", help="render a contact sheet, PNG")
    command.add_argument(
        "--landmarks-out",
        type=Path,
        metavar="FILE",
        help="write the 68 landmarks that were found, with a confidence each, as JSON that "
        "--landmarks reads; needs no expression",
    )
    command.add_argument(
        "--parts-out",
        type=Path,
        metavar="FILE",
        help="write what every part of the head was taken for, as JSON; needs no expression",
    )
    command.add_argument(
        "--residual",
        type=Path,
        metavar="FILE.ply",
        help="write the head coloured by its distance from the fitted face, PLY; needs no "
        "expression",
    )
