"""The recipe in one page; the only thing the add-on calls.

alignment = match(head, bundle)                        # once per head
clip      = generate(alignment, intensities, 30, bundle)
shapes    = bake(clip, "compact", max_error_mm=0.1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import preview
from .asking import BakeMode, check_bake, check_clip, check_sheet
from .blendshapes import BlendshapeSet, compress, one_shape_per_frame
from .bundle import Bundle
from .contact import resolve_clip
from .contact.report import ContactReport
from .eye_layer import add_gaze
from .head_shapes import FaceShapes, shapes_on_head
from .intensity import check_intensities
from .landmark_inference import MEAN_MOTION, Variation, landmark_model_of
from .layered_motion import Asked, layered, person_of
from .layers import Layers, eyes_of
from .mesh import Mesh
from .motion import FaceMotion
from .motion_engine import Generator, MotionEngine, check_rate
from .one_thread import on_one_thread
from .posing import Poser
from .progress import Progress, no_progress, subprogress
from .registration import align, refit, register
from .registration.alignment import Alignment
from .registration.masking import check_mask
from .retarget import retarget, retargeter_of

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# The default tolerance of a compact bake: a tenth of a millimetre cannot be seen on a face.
DEFAULT_MAX_ERROR_MM = 0.1
# Where on the progress bar inference ends, and retargeting; contact takes the rest.
_INFERENCE_SHARE, _RETARGET_SHARE = 0.35, 0.75


@dataclass(frozen=True, eq=False)
class Clip:
    """A moving face on the artist's own mesh.

    displacements: (T, M, 3) float32 from the neutral, in the target's coordinates and unit.
    intensities: (T, C) in [0, 1], what was asked for.
    frames_per_second: of the T frames.
    mm_per_unit: size of the target's unit on a head of real size.
    contact: how deep lips, lids and teeth were before and after, None where it was off.
    """

    displacements: FloatArray
    intensities: FloatArray
    frames_per_second: float
    mm_per_unit: float
    contact: ContactReport | None = None

    @property
    def num_frames(self) -> int:
        return len(self.displacements)


@on_one_thread
def match(
    head: Mesh,
    bundle: Bundle,
    landmarks: dict[int, FloatArray] | None = None,
    progress: Progress = no_progress,
    corrections: Mapping[int, str] | None = None,
    pins: Mapping[int, FloatArray] | None = None,
) -> Alignment:
    """Find the face in `head`, fit the template to it and say how every part will move.

    landmarks: {number 0–67: (3,)} placed by hand in the head's coordinates, 13 or more, which
    replace the search, or None. pins: any number of the same, which pull what the search found.
    corrections: {`Part.key`: kind} for parts that were taken for something else.
    Raises RegistrationFailedError, with a sentence that asks for landmarks, where no face is found.
    """
    return register(bundle.template, head, landmarks, progress, corrections, pins)


@on_one_thread
def move_landmarks(
    alignment: Alignment,
    pins: Mapping[int, FloatArray],
    progress: Progress = no_progress,
    corrections: Mapping[int, str] | None = None,
) -> Alignment:
    """The same head matched again, pulled by {number 0–67: (3,)} in the head's coordinates.

    Starts from the known match: a fraction of its time. `pins` are all that hold, not only the last
    one moved; without any the head is matched as the surface alone asks for.
    """
    return refit(alignment, pins, progress, corrections)


@on_one_thread
def correct_parts(alignment: Alignment, corrections: Mapping[int, str]) -> Alignment:
    """The same match with other parts: {`Part.key`: kind}. Takes a fraction of a match."""
    return align(alignment.template, alignment.target, alignment.fit, corrections=corrections)


@on_one_thread
def generate(
    alignment: Alignment,
    intensities: FloatArray,
    frames_per_second: float,
    bundle: Bundle,
    progress: Progress = no_progress,
    mask: FloatArray | None = None,
    contact: bool = True,
    generator: Generator = "lstm",
    variation: Variation = MEAN_MOTION,
    layers: Layers | None = None,
    engine: MotionEngine | None = None,
) -> Clip:
    """Move the matched head by (T, C) intensities; where they are all 0 it rests exactly.

    mask: (M,) in [0, 1], how much of the motion each vertex of the target takes; None is all.
    contact: whether lips, lids and teeth are kept out of each other afterwards.
    generator and variation: which motion; the first generator knows no variation.
    layers: changes to regions, sides and strength over the same T frames; None changes nothing.
    engine: who generates the motion, `worker_client.Worker.engine` for example; None is NumPy here.
    Raises IntensityError for curves that are empty, not finite or outside [0, 1], InvalidMeshError
    for such a mask, and BundleError where the bundle lacks the generator.
    """
    intensities = check_intensities(intensities, bundle.config.num_expressions)
    if mask is not None:
        mask = check_mask(mask, alignment.target.num_vertices)
    frames_per_second = check_rate(frames_per_second)
    check_clip(alignment, len(intensities), frames_per_second, bundle, generator)
    progress(0.0, "Generating the motion")
    asked = Asked(alignment, intensities, frames_per_second, bundle, layers)
    generating = subprogress(progress, 0.0, _INFERENCE_SHARE)
    (motion,) = layered(asked, generator, [variation], None, engine, generating)
    progress(_INFERENCE_SHARE, "Carrying the motion to this head")
    carrying = subprogress(progress, _INFERENCE_SHARE, _RETARGET_SHARE if contact else 1.0)
    displacements = retarget(motion, alignment, carrying, mask)
    add_gaze(displacements, alignment, eyes_of(layers), mask)
    report = None
    if contact:
        resolving = subprogress(progress, _RETARGET_SHARE, 1.0)
        displacements, report = resolve_clip(alignment, displacements, mask, resolving)
    scale = alignment.fit.similarity.scale
    return Clip(displacements, np.array(intensities), float(frames_per_second), scale, report)


def poser(alignment: Alignment, bundle: Bundle, mask: FloatArray | None = None) -> Poser:
    """Poses of single frames of this head, in milliseconds: `Poser.pose`."""

    def moves(
        intensities: FloatArray,
        frames_per_second: float,
        generator: Generator,
        variation: Variation,
        layers: Layers | None,
        rows: IntArray,
    ) -> FaceMotion:
        intensities = check_intensities(intensities, bundle.config.num_expressions)
        frames_per_second = check_rate(frames_per_second)
        asked = Asked(alignment, intensities, frames_per_second, bundle, layers)
        (motion,) = layered(asked, generator, [variation], rows)
        return motion

    return Poser(alignment, moves, mask)


@on_one_thread
def variations(
    alignment: Alignment,
    intensities: FloatArray,
    frames_per_second: float,
    bundle: Bundle,
    seeds: Sequence[int] = range(9),
    amount: float = 1.0,
    progress: Progress = no_progress,
    num_pixels: int = preview.NUM_PIXELS,
    layers: Layers | None = None,
    engine: MotionEngine | None = None,
) -> preview.Pictures:
    """Moving pictures of the motions that S seeds make of (T, C) intensities, to choose one by.

    (S, N, num_pixels, num_pixels, 4) sRGB and cover, the first row at the top: N frames that
    `preview.picture_frames` names, on the template fitted to the head. engine and what is raised:
    as in `generate`.
    """
    intensities = check_intensities(intensities, bundle.config.num_expressions)
    frames_per_second = check_rate(frames_per_second)
    chosen = [Variation(seed, amount) for seed in seeds]
    check_sheet(len(chosen), num_pixels)
    landmark_model_of(bundle)  # refuses a bundle without
    progress(0.0, "Preparing this head")
    person = person_of(alignment)
    retargeter = retargeter_of(alignment, person)
    sitter = preview.sit(alignment, retargeter.jaw_pivot, num_pixels)
    frames = preview.picture_frames(intensities, frames_per_second)
    asked = Asked(alignment, intensities, frames_per_second, bundle, layers)
    generating = subprogress(progress, 0.0, 1 / (len(chosen) + 1))
    motions = layered(asked, "lm4dgan", chosen, frames, engine, generating)
    sheet = []
    for k in range(len(chosen)):
        progress((k + 1) / (len(chosen) + 1), f"Drawing variation {k + 1} of {len(chosen)}")
        motion = next(motions)
        sheet.append(sitter.pictures(*retargeter.on_template(motion.skin, motion.jaw)))
    return np.stack(sheet)


@on_one_thread
def face_shapes(
    alignment: Alignment,
    bundle: Bundle,
    progress: Progress = no_progress,
    contact: bool = True,
) -> FaceShapes:
    """The bundle's shapes under their ARKit names, on the matched head: all but tongueOut.

    contact: whether lips, lids and teeth are kept apart in each; in mouthClose, which only takes
    back what jawOpen does to the lips, they never are. Raises BundleError where there are none.
    """
    return shapes_on_head(bundle.face_shapes, alignment, person_of(alignment), contact, progress)


@on_one_thread
def bake(
    clip: Clip,
    mode: BakeMode = "compact",
    max_error_mm: float = DEFAULT_MAX_ERROR_MM,
    progress: Progress = no_progress,
) -> BlendshapeSet:
    """The clip as blendshapes: few within `max_error_mm`, or one per frame ("frames", exact)."""
    tolerance = check_bake(mode, max_error_mm)
    if mode == "frames":
        return one_shape_per_frame(clip.displacements)
    return compress(clip.displacements, tolerance / clip.mm_per_unit, progress=progress)
