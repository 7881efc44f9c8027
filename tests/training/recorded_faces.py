"""Recordings made in code and written in the formats that real data sets come in.

Faces of the default bundle, decimated, play its expressions: real motion, small files.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from facegen_core.bundle import Bundle, load_bundle
from facegen_core.decimation import decimate
from facegen_core.inference import Engine
from facegen_core.template import Template

BUNDLE = Path(__file__).parent.parent.parent / "blender_addon" / "assets" / "default.facegen"
NUM_VERTICES = 800
EYE_RINGS, EYE_SECTORS, EYE_RADIUS = 16, 34, 12.0  # 546 vertices, as FLAME's eyeballs have
FLAME_HEAD_VERTICES = 3931


@dataclass(frozen=True, eq=False)
class Actor:
    """vertices: (V, 3) mm at rest; triangles: (F, 3); rows: (V,) of the bundle's template, -1 for
    eyeballs, which keep still."""

    vertices: np.ndarray
    triangles: np.ndarray
    rows: np.ndarray


@lru_cache(maxsize=1)
def default_bundle() -> Bundle:
    return load_bundle(BUNDLE)


@lru_cache(maxsize=4)
def small_skin(num_vertices: int) -> tuple[np.ndarray, np.ndarray]:
    """(V,) rows of the bundle's template and (F, 3) triangles among them."""
    template = default_bundle().template
    small = decimate(template.vertices, template.triangles, [num_vertices])[0]
    return small.kept, small.triangles


def actor(seed: int, num_vertices: int = NUM_VERTICES, has_eyeballs: bool = False) -> Actor:
    """A person by seed, always in the same topology."""
    template = default_bundle().template
    rows, triangles = small_skin(num_vertices)
    coefficients = np.random.default_rng(seed).normal(size=30)
    vertices = template.with_identity(coefficients)[rows].astype(np.float64)
    if not has_eyeballs:
        return Actor(vertices, triangles, rows)
    parts, faces, base = [vertices], [triangles], len(vertices)
    sphere, sphere_faces = eyeball()
    for name in ("eyeball_left", "eyeball_right"):
        part = template.inner_part(name)
        basis = part.identity_basis[: len(coefficients)]
        centre = (part.vertices + np.tensordot(coefficients, basis, axes=1)).mean(axis=0)
        parts.append(sphere + centre)
        faces.append(sphere_faces + base)
        base += len(sphere)
    still = np.full(base - len(rows), -1)
    return Actor(np.concatenate(parts), np.concatenate(faces), np.concatenate([rows, still]))


def eyeball() -> tuple[np.ndarray, np.ndarray]:
    """(546, 3) vertices and outward triangles of a closed sphere."""
    polar = np.pi * np.arange(1, EYE_RINGS + 1) / (EYE_RINGS + 1)
    around = 2 * np.pi * np.arange(EYE_SECTORS) / EYE_SECTORS
    rings = [
        np.stack([np.sin(p) * np.cos(around), np.full(EYE_SECTORS, np.cos(p)),
                  -np.sin(p) * np.sin(around)], axis=1)
        for p in polar
    ]  # fmt: skip
    vertices = EYE_RADIUS * np.concatenate([[[0.0, 1, 0]], *rings, [[0.0, -1, 0]]])
    last, faces = len(vertices) - 1, []
    for s in range(EYE_SECTORS):
        t = (s + 1) % EYE_SECTORS
        faces.append([0, 1 + s, 1 + t])
        faces.append([last, last - EYE_SECTORS + t, last - EYE_SECTORS + s])
        for r in range(EYE_RINGS - 1):
            a, b = 1 + r * EYE_SECTORS + s, 1 + r * EYE_SECTORS + t
            faces += [[a, a + EYE_SECTORS, b], [b, a + EYE_SECTORS, b + EYE_SECTORS]]
    return vertices, np.array(faces)


@lru_cache(maxsize=32)
def _motion(expression: str, curve: tuple[float, ...]) -> np.ndarray:
    bundle = default_bundle()
    intensities = np.zeros((len(curve), bundle.config.num_expressions))
    intensities[:, bundle.config.expressions.index(expression)] = curve
    return Engine(bundle).generate(intensities, 30.0).skin


def play(
    person: Actor, expression: str, curve: np.ndarray, head_motion_seed: int | None = None
) -> np.ndarray:
    """(T, V, 3) mm of a person playing an expression of the bundle by (T,) intensities.

    head_motion_seed: where given, the head turns and moves as a whole, from rest on.
    """
    motion = _motion(expression, tuple(float(x) for x in curve))
    frames = np.repeat(person.vertices[None], len(curve), axis=0)
    is_skin = person.rows >= 0
    frames[:, is_skin] += motion[:, person.rows[is_skin]]
    if head_motion_seed is None:
        return frames
    rng = np.random.default_rng(head_motion_seed)
    turn, shift = 0.08 * rng.normal(size=3), 8.0 * rng.normal(size=3)
    for t, frame in enumerate(frames):
        share = np.sin(np.pi * t / (len(frames) - 1))
        frames[t] = Rotation.from_rotvec(share * turn).apply(frame) + share * shift
    return frames


def there_and_back(num_frames: int = 24) -> np.ndarray:
    """(T,) intensities that rise, stay and return."""
    marks = np.array([0.12, 0.4, 0.6, 0.88]) * (num_frames - 1)
    return np.interp(np.arange(num_frames), marks, [0.0, 1.0, 1.0, 0.0])


def template() -> Template:
    return default_bundle().template


# ---- the formats ----------------------------------------------------------------------------


def write_ply(path: Path, vertices: np.ndarray, triangles: np.ndarray, form: str = "ascii") -> None:
    """form: "ascii", "binary_little_endian" or "binary_big_endian", float and uchar/int lists."""
    header = (
        f"ply\nformat {form} 1.0\ncomment made by a test\nelement vertex {len(vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "ascii":
        rows = [" ".join(f"{x:.7g}" for x in vertex) for vertex in vertices]
        rows += ["3 " + " ".join(map(str, face)) for face in triangles]
        path.write_text(header + "\n".join(rows) + "\n")
        return
    order = "<" if form == "binary_little_endian" else ">"
    faces = np.empty(len(triangles), [("size", "u1"), ("corners", f"{order}i4", 3)])
    faces["size"], faces["corners"] = 3, triangles
    points = np.asarray(vertices, f"{order}f4")
    path.write_bytes(header.encode() + points.tobytes() + faces.tobytes())


def write_obj(path: Path, vertices: np.ndarray, polygons, texture: bool = False) -> None:
    """Polygons of any size; with texture coordinates, as scanners' software writes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["# made by a test", "mtllib scan.mtl", "o head"]
    lines += ["v " + " ".join(f"{x:.6f}" for x in vertex) for vertex in vertices]
    if texture:
        lines += ["vt 0.1 0.2", "vt 0.3 0.4", "vn 0 0 1", "usemtl skin"]
    tail = "/{}/1" if texture else ""
    for k, polygon in enumerate(polygons):
        corners = [f"{i + 1}{tail.format(1 + (k + i) % 2)}" for i in polygon]
        lines.append("f " + " ".join(corners))
    path.write_text("\n".join(lines) + "\n")


PLY_FORMS = ("binary_little_endian", "ascii", "binary_big_endian")
COMA_SUBJECTS = (
    "FaceTalk_170725_00137_TA",
    "FaceTalk_170728_03272_TA",
    "FaceTalk_170731_00024_TA",
    "FaceTalk_170809_00138_TA",
    "FaceTalk_170811_03274_TA",
)
# What the bundle's expressions stand in for.
COMA_EXPRESSIONS = {"bareteeth": "happy", "mouth_open": "surprise", "eyebrow": "angry"}


def write_coma(
    folder: Path,
    subjects: tuple[str, ...] = COMA_SUBJECTS,
    expressions: dict[str, str] = COMA_EXPRESSIONS,
    num_vertices: int = NUM_VERTICES,
    has_eyeballs: bool = False,
    num_frames: int = 24,
) -> Path:
    """CoMA's layout: SUBJECT/EXPRESSION/EXPRESSION.000001.ply in metres, heads 1.5 m up."""
    for k, subject in enumerate(subjects):
        person = actor(k, num_vertices, has_eyeballs)
        for j, (name, played) in enumerate(expressions.items()):
            frames = play(person, played, there_and_back(num_frames), head_motion_seed=10 * k + j)
            form = PLY_FORMS[(k + j) % len(PLY_FORMS)]
            for t, frame in enumerate(0.001 * frames + [0.0, 1.5, 0.0]):
                path = folder / subject / name / f"{name}.{t + 1:06d}.ply"
                write_ply(path, frame, person.triangles, form)
    return folder


SCANNED = ("anna", "boris", "chen", "dora", "emil")


def write_sequence_folder(
    folder: Path,
    subjects: tuple[str, ...] = SCANNED,
    expressions: dict[str, str] | None = None,
    num_frames: int = 20,
    suffix: str = ".obj",
    num_vertices: int = NUM_VERTICES,
) -> Path:
    """SUBJECT/EXPRESSION/frame_0001.obj in mm, starting at rest."""
    for k, subject in enumerate(subjects):
        person = actor(50 + k, num_vertices)
        for name, played in (expressions or {"smile": "happy", "surprise": "surprise"}).items():
            for t, frame in enumerate(play(person, played, there_and_back(num_frames))):
                path = folder / subject / name / f"frame_{t + 1:04d}{suffix}"
                if suffix == ".obj":
                    write_obj(path, frame, person.triangles, texture=True)
                else:
                    write_ply(path, frame, person.triangles, "binary_little_endian")
    return folder


def with_template_of(prepared: Path, out: Path) -> Path:
    """A folder in which the template is built already, as after a kill."""
    (out / "subjects").mkdir(parents=True)
    shutil.copy(prepared / "template.npz", out)
    for path in (prepared / "subjects").iterdir():
        shutil.copy(path, out / "subjects")
    return out


def marked(folder: Path, *rows: str) -> Path:
    """The folder with a marks.csv of these rows."""
    lines = ["subject,expression,onset,apex,apex_end,offset", *rows]
    (folder / "marks.csv").write_text("\n".join(lines) + "\n")
    return folder
