"""`facegen generate`: its options, and what they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path

from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS, Envelope, parse_event

DEFAULT_FRAMES_PER_SECOND = 30.0


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of `facegen generate`, without those it shares with other commands."""
    command.add_argument(
        "head", type=Path, metavar="HEAD", help="neutral head: .obj, .fbx, .glb, .gltf or .blend"
    )
    _add_clip(command)
    _add_match(command)
    _add_products(command)


def request_of(options: argparse.Namespace) -> object:
    """The request to animate a file. Raises FacegenError where nothing was asked for."""
    from .animate_file import Request
    from .scene.import_head import keeps_frame_rate

    wanted = (*_CLIP_PRODUCTS, *_MATCH_PRODUCTS)
    if not any(getattr(options, name) for name in wanted):
        raise FacegenError("Nothing to write: add -o clip.fbx (or .glb, .blend).")
    fps = options.fps
    if fps is None and not keeps_frame_rate(options.head):
        fps = DEFAULT_FRAMES_PER_SECOND
    bundle = {"bundle_file": options.bundle} if options.bundle else {}
    return Request(
        head=options.head,
        envelopes=envelopes(options.expression),
        outputs=tuple(options.output),
        frames_per_second=fps,
        bake_mode=options.bake,
        tolerance_mm=options.tolerance,
        landmark_file=options.landmarks,
        parts_file=options.parts,
        report_file=options.report,
        picture_file=options.picture,
        landmarks_out=options.landmarks_out,
        parts_out=options.parts_out,
        residual_file=options.residual,
        object_names=tuple(options.object),
        clip_name=options.clip_name,
        mask_group=options.mask or "",
        is_mask_inverted=options.invert_mask,
        use_contact=not options.no_contact,
        **bundle,
    )


def envelopes(texts: list[str]) -> tuple[Envelope, ...]:
    """The events of NAME@A,B,C,D=I texts; an in-between is two."""
    return tuple(envelope for text in texts for envelope in parse_event(text))


# Options that name a file to write: those that need a clip, and those a match is enough for.
_CLIP_PRODUCTS = ("output", "picture", "report")
_MATCH_PRODUCTS = ("landmarks_out", "parts_out", "residual")


def _add_clip(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-e",
        "--expression",
        action="append",
        default=[],
        metavar="NAME@A,B,C,D=I",
        help=f"an expression ({', '.join(EXPRESSIONS)}, or what 'facegen info' lists of another "
        "bundle) with the frames at which it begins, is reached, begins to fade and is over, and "
        "its intensity from 0 to 1; NAME~OTHER:SHARE is an in-between of two; may be repeated",
    )
    command.add_argument("--fps", type=float, help="frames per second (30, or those of a .blend)")
    command.add_argument(
        "--bake",
        choices=("compact", "frames"),
        default="compact",
        help="few shape keys within the tolerance, or one per frame (compact)",
    )
    command.add_argument(
        "--tolerance", type=float, default=0.1, metavar="MM", help="of a compact bake, mm (0.1)"
    )
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


def _add_match(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--object",
        action="append",
        default=[],
        metavar="NAME",
        help="only this mesh object of the file, the first is the head; may be repeated",
    )
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
    command.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="clip to write: .fbx, .glb or .blend; may be repeated",
    )
    command.add_argument("--report", type=Path, metavar="FILE", help="write the figures as JSON")
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
