"""An ICT-FaceKit of five vertices in the real file format, and the names of the real shapes."""

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from facegen_core.template import InnerPart
from tests.sphere_template import sphere_template

NEUTRAL = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 1]], float)  # cm
SHAPES = ("jawOpen", "mouthSmile_L", "mouthSmile_R")
NUM_MODES = 2

_SIDED = (
    "browDown browInnerUp browOuterUp cheekPuff cheekSquint eyeBlink eyeLookDown eyeLookIn "
    "eyeLookOut eyeLookUp eyeSquint eyeWide mouthDimple mouthFrown mouthLowerDown mouthPress "
    "mouthSmile mouthStretch mouthUpperUp noseSneer"
).split()
_WHOLE = (
    "jawForward jawLeft jawOpen jawRight mouthClose mouthFunnel mouthLeft mouthPucker mouthRight "
    "mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper"
).split()
REAL_SHAPE_NAMES = tuple(sorted([f"{n}_{s}" for n in _SIDED for s in "LR"] + _WHOLE))


def displacement(index: int) -> np.ndarray:
    """(5, 3) cm, of the index-th shape file."""
    return np.random.default_rng(index).normal(size=NEUTRAL.shape).round(3)


def write_toy_facekit(folder: Path) -> Path:
    """A checkout: folder/FaceXModel with a quad and a triangle, two modes and three shapes."""
    model = folder / "FaceXModel"
    model.mkdir(parents=True)
    names = [f"identity{k:03d}" for k in range(NUM_MODES)] + list(SHAPES)
    write_obj(model / "generic_neutral_mesh.obj", NEUTRAL)
    for index, name in enumerate(names):
        write_obj(model / f"{name}.obj", NEUTRAL + displacement(index))
    index = {"expressions": list(SHAPES), "idx_to_landmark_verts": [k % 5 for k in range(68)]}
    (model / "vertex_indices.json").write_text(json.dumps(index))
    return folder


def write_obj(path: Path, vertices: np.ndarray) -> None:
    lines = ["# a comment", *(f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices)]
    lines += ["vt 0.0 0.0", "usemtl M_Face", "f 1/1 2/1 3/1 4/1", "f 3/1 4/1 5/1"]
    path.write_text("\n".join(lines) + "\n")


def pack(folder: Path, path: Path) -> Path:
    """The checkout as an archive, inside a folder of its own like a release."""
    with tarfile.open(path, "w:xz") as archive:
        archive.add(folder, arcname="ict-facekit")
    return path


def prepare_toy_ict(source: Path, out: Path, **arguments) -> None:
    """`training prepare ict` on two people."""
    from training.preparation import prepare

    arguments = {"seed": 3, "num_subjects": 2, "num_workers": 1, "num_compounds": 2} | arguments
    prepare.prepare_ict(source, out, **arguments)


def toy_build():
    """A TemplateBuild of the sphere, with the real names for its shapes."""
    from training.template_building.build_template import TemplateBuild

    template = sphere_template()
    rng = np.random.default_rng(1)
    vertices = template.vertices
    centres = vertices[rng.integers(0, len(vertices), len(REAL_SHAPE_NAMES))]
    near = np.exp(-(((vertices - centres[:, None]) / 25.0) ** 2).sum(axis=2))
    shapes = near[..., None] * rng.normal(scale=3.0, size=(len(centres), 1, 3))
    shapes[:, vertices[:, 1] < -40] = 0.0
    poses = np.zeros((len(centres), 6))
    poses[REAL_SHAPE_NAMES.index("jawOpen")] = [0.4, 0, 0, 0, 0, 0]
    teeth = replace(template.inner_parts[0], name="lower_teeth")
    assert isinstance(teeth, InnerPart)
    template = replace(template, inner_parts=(teeth,))
    return TemplateBuild(template, REAL_SHAPE_NAMES, shapes.astype(np.float32), poses)
