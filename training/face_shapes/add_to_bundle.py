"""``python -m training add-face-shapes``: ICT-FaceKit's shapes of FACS go into a model bundle.

They take their ARKit names on the way: what ICT-FaceKit has for each side and ARKit for both at
once is added up.
"""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.array_files import read_arrays
from facegen_core.bundle import Bundle, load_bundle, save_bundle, template_from_arrays
from facegen_core.errors import DatasetError, RegistrationFailedError
from facegen_core.face_shapes import ARKIT_NAMES, WHOLE, TemplateShapes
from facegen_core.file_words import reason_of
from facegen_core.json_text import read_json
from facegen_core.mesh import Mesh
from facegen_core.motion import FaceMotion, fit_pose, pose_points
from facegen_core.one_thread import on_one_thread
from facegen_core.progress import Progress, no_progress, subprogress
from facegen_core.registration import register
from facegen_core.registration.alignment import Alignment
from facegen_core.retarget import retarget, retargeter_of
from facegen_core.template import Template
from training.expression_model.export_bundle import DEFAULT_BUNDLE, tell_size
from training.ict4d.ict_facekit import read_ict_facekit
from training.preparation.prepare import READING_SHARE, SOURCE, source_fingerprint
from training.preparation.resumable import on_bar
from training.template_building.build_template import build_template

FloatArray = NDArray[np.floating]

LICENCE = "MIT"
# Shares of the time: reading and remeshing the source; carrying shapes to another topology.
_BUILT = 0.8
_SIDES = {"Left": "_L", "Right": "_R"}


@dataclass(frozen=True, eq=False)
class SourceFace:
    """ICT-FaceKit's mean face as a template, with its K shapes: (K, V, 3) mm and (K, 6) poses."""

    template: Template
    names: tuple[str, ...]
    skin: FloatArray
    jaw: FloatArray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `add-face-shapes`."""
    parser.add_argument(
        "--source",
        type=Path,
        required=True,
        help="ICT-FaceKit: checkout folder, tar archive, or a set that `prepare ict` made of it",
    )
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="bundle to change")
    parser.add_argument("--out", type=Path, help="where to write, instead of over the bundle")


def main(args: argparse.Namespace) -> None:
    """Put the shapes of ICT-FaceKit into a bundle."""
    out = args.out or args.bundle
    with tqdm(total=1.0, desc="Shapes", bar_format="{desc}: {percentage:3.0f}%{postfix}") as bar:
        add_face_shapes(args.source, args.bundle, out, on_bar(bar))
    tell_size(out)


@on_one_thread
def add_face_shapes(
    source: Path, bundle_file: Path, out: Path, progress: Progress = no_progress
) -> Bundle:
    """Write OUT: the bundle with the shapes of SOURCE, replacing any it has; the rest stays.

    On a template of another topology they are carried as motion is carried to any head. The same
    files make the same bytes. Raises DatasetError and BundleError, one sentence.
    """
    bundle = load_bundle(bundle_file)
    face = read_source(source, subprogress(progress, 0.0, _BUILT))
    skin, jaw = on_template(face, bundle.template, subprogress(progress, _BUILT, 1.0))
    skin, jaw = arkit_shapes(face.names, skin), arkit_shapes(face.names, jaw)
    provenance: dict[str, Any] = {
        "source": SOURCE,
        "source_files": _source_files(source),
        "licence": LICENCE,
        "command": "python -m training add-face-shapes",
    }
    shapes = TemplateShapes(
        ARKIT_NAMES, skin.astype(np.float32), jaw.astype(np.float32), provenance
    )
    save_bundle(dataclasses.replace(bundle, face_shapes=shapes), out)
    return load_bundle(out)


def read_source(source: Path, progress: Progress = no_progress) -> SourceFace:
    """Remesh ICT-FaceKit as `prepare` does (a minute), or read what that has left."""
    if (source / "source" / "shapes.npz").exists():
        return _prepared(source)
    model = read_ict_facekit(source, progress=subprogress(progress, 0.0, READING_SHARE))
    build = build_template(model, subprogress(progress, READING_SHARE, 1.0))
    return SourceFace(build.template, build.expression_names, build.expressions, build.jaw_poses)


def arkit_shapes(names: tuple[str, ...], values: FloatArray) -> FloatArray:
    """(S, …) of ARKIT_NAMES from (K, …) of ICT-FaceKit's names: right as it is, or both sides' sum.

    Raises DatasetError for a shape that is missing.
    """
    rows = []
    for name in ARKIT_NAMES:
        if name in WHOLE and name in names:
            wanted = [name]
        elif name in WHOLE:
            wanted = [f"{name}{ending}" for ending in _SIDES.values()]
        else:
            side = next(side for side in _SIDES if name.endswith(side))
            wanted = [name.removesuffix(side) + _SIDES[side]]
        missing = [part for part in wanted if part not in names]
        if missing:
            raise DatasetError(
                f"The source has no shape '{missing[0]}', of which '{name}' is made."
            )
        rows.append(np.sum([values[names.index(part)] for part in wanted], axis=0))
    return np.stack(rows)


def on_template(
    face: SourceFace, template: Template, progress: Progress = no_progress
) -> tuple[FloatArray, FloatArray]:
    """(K, V, 3) mm and (K, 6) jaw poses of the shapes on a template of any topology.

    Raises DatasetError where no face is found in it.
    """
    own = face.template
    if np.array_equal(own.vertices, template.vertices) and np.array_equal(
        own.triangles, template.triangles
    ):
        return face.skin, face.jaw
    try:
        alignment = register(own, Mesh.from_triangles(template.vertices, template.triangles))
    except RegistrationFailedError as error:
        raise DatasetError(
            "No face was found in the template of this bundle, so no shapes can be carried to it."
        ) from error
    motion = FaceMotion(face.skin.astype(np.float32), face.jaw.astype(np.float32))
    skin = retarget(motion, alignment, progress)
    return skin, _poses_on(alignment, motion, template)


def _poses_on(alignment: Alignment, motion: FaceMotion, template: Template) -> FloatArray:
    """(K, 6) what carried poses do to the lower teeth, about the pivot of the template."""
    similarity, retargeter = alignment.fit.similarity, retargeter_of(alignment)
    teeth = np.asarray(template.inner_part("lower_teeth").vertices, np.float64)
    _, poses = retargeter.on_template(motion.skin, motion.jaw)
    moved = pose_points(similarity.apply(teeth), retargeter.jaw_pivot, poses)
    pivot = np.asarray(template.jaw_pivot, np.float64)
    return np.stack([fit_pose(teeth, similarity.apply_inverse(m), pivot) for m in moved])


def _prepared(folder: Path) -> SourceFace:
    try:
        template = template_from_arrays(read_arrays(folder / "template.npz"))
        arrays = read_arrays(folder / "source" / "shapes.npz", kinds="biufU")
        names = tuple(map(str, arrays["names"]))
        return SourceFace(template, names, arrays["displacements"], arrays["jaw_poses"])
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{folder} is not a prepared set: {reason_of(error)}.") from error


def _source_files(source: Path) -> str:
    """Which files of ICT-FaceKit these are; a prepared set remembers it."""
    header = source / "run.json"
    if not header.exists():
        return source_fingerprint(source)
    return str(read_json(header).get("source_files", "unknown"))
