"""What a clip is baked into: keys of its own, a rig, or keys that are on the head already.

Everything here works on arrays, so any thread may call it; `scene.rig_keys` writes what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from facegen_core import pipeline, rig, rigging
from facegen_core.blendshapes import BlendshapeSet
from facegen_core.bundle import Bundle
from facegen_core.errors import FacegenError
from facegen_core.landmark_inference import Variation
from facegen_core.progress import Progress, no_progress, subprogress
from facegen_core.registration.alignment import Alignment
from facegen_core.solving import Accuracy, SolveSettings

from .scene.existing_keys import ExistingKeys

FloatArray = NDArray[np.floating]
BakeMode = Literal["compact", "frames", "rig", "existing", "arkit"]
RigBy = Literal["drivers", "curves"]

# Modes whose keys are not poses of the clip.
KEY_MODES = ("rig", "existing", "arkit")
_MOUTH = rig.REGIONS.index("mouth")


@dataclass(frozen=True, eq=False)
class KeyRequest:
    """What a rig or a solve needs beside the clip, read from the scene.

    rig_by: what plays a rig. existing: the artist's keys to be used, None for a rig.
    settings: how weights are found. factors: (T, R) what layers make of each region.
    leaves_mouth: keys of the mouth belong to speech.
    """

    rig_by: RigBy = "drivers"
    existing: ExistingKeys | None = None
    settings: SolveSettings = field(default_factory=SolveSettings)
    factors: FloatArray | None = None
    leaves_mouth: bool = False


@dataclass(frozen=True, eq=False)
class KeyBake:
    """K keys a clip is played by, beside their shapes and weights.

    names: (K,). is_new: (K,) whether Facegen makes the key. driven_by: (K,) the expression and the
    region whose properties drive each key, empty for curves. accuracy: how far they are from the
    generated clip; mixed: the same where expressions overlap, None where they do not or are not
    simply added. left_out: {key: why it was left alone}.
    """

    mode: BakeMode
    names: tuple[str, ...]
    is_new: NDArray[np.bool_]
    accuracy: Accuracy
    driven_by: tuple[tuple[str, str], ...] = ()
    mixed: Accuracy | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    def figures(self, first_frame: float, num_used: int) -> dict[str, Any]:
        """JSON values for panel and report: frames are the scene's."""
        known: dict[str, Any] = {
            "mode": self.mode,
            "keys": len(self.names),
            "keys_used": num_used,
            "by": "drivers" if self.driven_by else "curves",
            "error_mm": _figures(self.accuracy, first_frame),
            "left_out": self.left_out,
        }
        if self.mixed is not None:
            known["overlap_error_mm"] = _figures(self.mixed, first_frame)
        return known


def bake_clip(
    mode: BakeMode,
    tolerance_mm: float,
    asked: KeyRequest,
    source: RigSource,
    clip: pipeline.Clip,
    progress: Progress = no_progress,
) -> tuple[BlendshapeSet, KeyBake | None]:
    """The shapes and weights of a clip, and for a rig or a solve what they are written as."""
    if mode == "rig":
        return _bake_rig(asked, source, clip, progress)
    if mode in ("existing", "arkit"):
        return _bake_into_keys(mode, asked, source, clip, progress)
    return pipeline.bake(clip, mode, tolerance_mm, progress), None


@dataclass(frozen=True, eq=False)
class RigSource:
    """What makes the shapes of a rig: the match, the model, and the settings of the generator."""

    alignment: Alignment
    bundle: Bundle
    clip_name: str
    mask: FloatArray | None = None
    use_contact: bool = True
    generator: pipeline.Generator = "lstm"
    variation: Variation = field(default_factory=Variation)


def rig_names(clip_name: str, expressions: tuple[str, ...], made: rig.Rig) -> tuple[str, ...]:
    """(K,) names: FG_<clip>_<expression>_<region>, never longer than Blender keeps."""
    names = []
    for channel, region in zip(made.channels, made.regions, strict=True):
        ending = f"{expressions[channel]}_{rig.REGIONS[region]}"
        ending = ending.encode("ascii", "ignore").decode()
        # 63 bytes, less the prefix, two underscores and the mark of an unfinished key.
        room = max(1, 63 - len("FG__~") - len(ending))
        names.append(f"FG_{clip_name[:room]}_{ending}")
    return tuple(names)


def _bake_rig(
    asked: KeyRequest, source: RigSource, clip: pipeline.Clip, progress: Progress
) -> tuple[BlendshapeSet, KeyBake]:
    expressions, alignment = source.bundle.config.expressions, source.alignment
    made = rigging.make_rig(
        alignment,
        source.bundle,
        subprogress(progress, 0.0, 0.9),
        source.mask,
        source.use_contact,
        source.generator,
        source.variation,
    )
    names = rig_names(source.clip_name, expressions, made)
    is_new = np.ones(len(names), bool)
    if asked.rig_by == "curves":
        solving = subprogress(progress, 0.9, 1.0)
        solved = rigging.solve_into(
            alignment, clip, made.shapes, settings=asked.settings, progress=solving
        )
        shapes = _blendshapes(made.shapes, solved.weights, solved.accuracy, clip)
        return shapes, KeyBake("rig", names, is_new, solved.accuracy)
    factors = np.ones((clip.num_frames, len(rig.REGIONS)))
    if asked.factors is not None:
        factors = np.array(asked.factors)
    if asked.leaves_mouth:
        factors[:, _MOUTH] = 0.0
    weights = rig.driven_weights(made, clip.intensities, factors)
    told = rigging.accuracy_of(alignment, clip, made.shapes, weights)
    driven_by = tuple(
        (expressions[c], rig.REGIONS[r]) for c, r in zip(made.channels, made.regions, strict=True)
    )
    mixed = _mixed_accuracy(alignment, clip, made.shapes, weights)
    bake = KeyBake("rig", names, is_new, told, driven_by, mixed)
    return _blendshapes(made.shapes, weights, told, clip), bake


def _mixed_accuracy(
    alignment: Alignment, clip: pipeline.Clip, shapes: FloatArray, weights: FloatArray
) -> Accuracy | None:
    """How far sums of expressions are from what is generated where several are played."""
    rows = np.flatnonzero(rig.is_mixed(clip.intensities))
    if len(rows) == 0:
        return None
    some = pipeline.Clip(
        clip.displacements[rows], clip.intensities[rows], clip.frames_per_second, clip.mm_per_unit
    )
    told = rigging.accuracy_of(alignment, some, shapes, weights[rows])
    return Accuracy(told.mean_mm, told.p95_mm, told.max_mm, int(rows[told.worst_row]), told.missed)


def _bake_into_keys(
    mode: BakeMode, asked: KeyRequest, source: RigSource, clip: pipeline.Clip, progress: Progress
) -> tuple[BlendshapeSet, KeyBake]:
    keys, alignment = asked.existing, source.alignment
    assert keys is not None
    made_names: tuple[str, ...] = ()
    made_shapes = np.zeros((0, *clip.displacements.shape[1:]), np.float32)
    if mode == "arkit":
        making = subprogress(progress, 0.0, 0.7)
        offered = pipeline.face_shapes(alignment, source.bundle, making, source.use_contact)
        missing = [
            k
            for k, name in enumerate(offered.names)
            if name not in keys.names and name not in keys.left_out
        ]
        made_names = tuple(offered.names[k] for k in missing)
        made_shapes = offered.shapes[missing]
    names, shapes = (*keys.names, *made_names), np.concatenate([keys.shapes, made_shapes])
    bounds = np.concatenate([keys.bounds, np.tile([0.0, 1.0], (len(made_names), 1))])
    left_out, spoken = dict(keys.left_out), np.zeros(len(names), bool)
    if asked.leaves_mouth:
        spoken[rig.is_of_mouth(shapes, rig.target_masks(alignment), names)] = True
        left_out |= {names[k]: "left to speech" for k in np.flatnonzero(spoken)}
    if spoken.all():
        raise FacegenError(_nothing_left(left_out))
    # Keys left to speech are made where they are missing, and rest.
    bounds[spoken, 1] = bounds[spoken, 0] = 0.0
    solving = subprogress(progress, 0.7 if mode == "arkit" else 0.0, 1.0)
    solved = rigging.solve_into(alignment, clip, shapes, bounds, asked.settings, solving)
    is_new = np.arange(len(names)) >= len(keys.names)
    kept = np.flatnonzero(is_new | ~spoken)
    bake = KeyBake(
        mode, tuple(names[k] for k in kept), is_new[kept], solved.accuracy, left_out=left_out
    )
    weights = solved.weights[:, kept]
    return _blendshapes(shapes[kept], weights, solved.accuracy, clip), bake


def _nothing_left(left_out: dict[str, str]) -> str:
    if not left_out:
        return "The head has no shape keys of yours to solve into: choose another Bake."
    name, reason = next(iter(left_out.items()))
    return f"No shape key is left to solve into: '{name}' is {reason}, and so on."


def _blendshapes(
    shapes: FloatArray, weights: FloatArray, told: Accuracy, clip: pipeline.Clip
) -> BlendshapeSet:
    poses = weights.argmax(axis=0) if len(weights) and weights.shape[1] else np.zeros(0)
    return BlendshapeSet(
        shapes.astype(np.float32),
        weights.astype(np.float32),
        poses.astype(np.int32),
        told.max_mm / clip.mm_per_unit,
    )


def _figures(told: Accuracy, first_frame: float) -> dict[str, Any]:
    return {
        "mean": told.mean_mm,
        "p95": told.p95_mm,
        "max": told.max_mm,
        "worst_frame": first_frame + told.worst_row,
        "missed": told.missed,
    }
