"""The doors of Facegen: every kind of file or message it takes from others, and what opens it.

A door has samples that open, a way to damage them, and `open`, which either returns or raises
FacegenError. What it returns is used as the product uses it.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from tests.robustness import security_mutations as damage

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Door:
    """cases: how many damaged files are asked for. kind: "bundles", "meshes", "messages", "texts".

    samples: makes files that open. needs: a module without which there is no such door.
    ignores: audit events of its own making.
    """

    kind: str
    suffix: str
    cases: int
    samples: Callable[[], Sequence[bytes]]
    damage: damage.Mutate
    open: Callable[[Path], object]
    needs: str = "numpy"
    ignores: tuple[str, ...] = ()


# ---- bundles -------------------------------------------------------------------------------------


def _bundles() -> list[bytes]:
    from facegen_core.bundle import save_bundle
    from tests.core.model_fixtures import random_bundle, random_landmark_bundle

    return [_saved(save_bundle, made) for made in (random_bundle(), random_landmark_bundle())]


def _saved(save: Callable[..., None], value: object) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.file"
        save(value, path)
        return path.read_bytes()


def _default_bundle() -> list[bytes]:
    return [(ROOT / "blender_addon" / "assets" / "default.facegen").read_bytes()]


def _open_bundle(path: Path) -> None:
    """Load it, and let what loads move a face."""
    from facegen_core.bundle import load_bundle
    from facegen_core.inference import Engine
    from facegen_core.landmark_inference import LandmarkEngine, Variation

    bundle = load_bundle(path)
    intensities = np.linspace(0.0, 1.0, 12)[:, None] * np.ones(bundle.config.num_expressions)
    motion = Engine(bundle).generate(intensities, 30.0)
    assert np.isfinite(motion.skin).all()
    if bundle.landmark_model is not None:
        motion = LandmarkEngine(bundle).generate(intensities, 30.0, variation=Variation(1))
        assert np.isfinite(motion.skin).all()


def _load_bundle(path: Path) -> None:
    from facegen_core.bundle import load_bundle

    load_bundle(path)


def _describe_bundle(path: Path) -> None:
    from facegen_core import bundle_info

    info = bundle_info.read_bundle_info(path)
    bundle_info.summary_rows(info)
    bundle_info.error_sentence(info)
    bundle_info.error_table(info)
    json.dumps(bundle_info.info_as_json(info))


# ---- meshes --------------------------------------------------------------------------------------


def _grid() -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.arange(6.0), np.arange(5.0))
    vertices = np.stack([x, y, 0.1 * x * y], axis=-1).reshape(-1, 3)
    corner = (np.arange(4)[:, None] * 6 + np.arange(5)).ravel()
    first = np.stack([corner, corner + 1, corner + 6], axis=1)
    return vertices, np.concatenate([first, first + [1, 6, 0]])


def _ply_files() -> list[bytes]:
    vertices, triangles = _grid()
    head = (
        f"ply\nformat {{}} 1.0\nelement vertex {len(vertices)}\nproperty float x\n"
        "property float y\nproperty float z\n"
        f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = [" ".join(f"{v:g}" for v in row) for row in vertices]
    rows += ["3 " + " ".join(map(str, row)) for row in triangles]
    files = [head.format("ascii").encode() + "\n".join(rows).encode() + b"\n"]
    for order, name in (("<", "binary_little_endian"), (">", "binary_big_endian")):
        faces = np.zeros(len(triangles), [("count", "u1"), ("corners", f"{order}i4", 3)])
        faces["count"], faces["corners"] = 3, triangles
        data = vertices.astype(f"{order}f4").tobytes() + faces.tobytes()
        files.append(head.format(name).encode() + data)
    return files


def _obj_files() -> list[bytes]:
    vertices, triangles = _grid()
    points = [f"v {x:g} {y:g} {z:g}" for x, y, z in vertices]
    plain = [f"f {a} {b} {c}" for a, b, c in triangles + 1]
    slashed = [f"f {a}/{a}/1 {b}/{b}/1 {c}/{c}/1" for a, b, c in triangles + 1]
    texture = [f"vt {x / 6:g} {y / 5:g}" for x, y, _ in vertices]
    rich = ["mtllib a.mtl", "o head", "g face", *points, *texture, "vn 0 0 1", "s 1", "usemtl skin"]
    return ["\n".join([*lines, ""]).encode() for lines in ([*points, *plain], [*rich, *slashed])]


def _read_mesh(path: Path) -> None:
    from training.datasets.mesh_files import EdgeCheck, read_mesh_file

    mesh = read_mesh_file(path)
    assert np.isfinite(mesh.vertices).all()
    assert mesh.triangles.min() >= 0
    assert mesh.triangles.max() < len(mesh.vertices)
    EdgeCheck(mesh.vertices, mesh.triangles)


def _read_in_blender(path: Path) -> None:
    """As `facegen generate` reads a head: by Blender's importer, then as the core's mesh."""
    from blender_addon.scene import import_head, mesh_bridge

    import_head.read_file(path)
    head = mesh_bridge.gather(import_head.head_of_scene(path.name))
    assert np.isfinite(head.mesh.vertices).all()


# ---- messages ------------------------------------------------------------------------------------


def _messages() -> list[bytes]:
    """One of every kind, both ways, arrays small."""
    from facegen_core import worker_protocol as protocol

    values = {str: "head.facegen", int: 3, float: 24.0}
    streams = []
    for known in (protocol.TO_WORKER, protocol.TO_HOST):
        for kind, form in known.items():
            fields = {name: values[of] for name, of in form.fields.items()}
            arrays = {n: np.zeros([s or 4 for s in shape]) for n, shape in form.arrays.items()}
            stream = io.BytesIO()
            protocol.write_message(stream, protocol.Message(kind, fields, arrays))
            streams.append(stream.getvalue())
    return [*streams, b"".join(streams)]


def _read_messages(path: Path) -> None:
    """As both sides read them: until the pipe ends or something is no message."""
    from facegen_core import worker_protocol as protocol

    with path.open("rb") as stream:
        while True:
            try:
                message = protocol.read_message(stream, protocol.TO_WORKER | protocol.TO_HOST)
            except protocol.StreamEndedError:
                return
            for array in message.arrays.values():
                assert array.dtype == np.float32


# ---- texts ---------------------------------------------------------------------------------------


def _presets() -> list[bytes]:
    folder = ROOT / "blender_addon" / "assets" / "presets"
    drawn = {
        "facegen_preset": 1,
        "name": "Drawn",
        "curves": {"happy": [[0.0, 0.0], [0.4, 1.0], [1.2, 0.0]]},
        "layers": {"asymmetry": [[0.0, 0.0], [1.0, 0.5]], "mouth": 0.5},
        "shifts": {"eyes": 0.1},
    }
    shipped = sorted(folder.glob("*.json"))[:3]
    return [*(path.read_bytes() for path in shipped), json.dumps(drawn).encode()]


def _play_preset(path: Path) -> None:
    from facegen_core.intensity import EXPRESSIONS
    from facegen_core.presets import content_of, preset_of, read_preset, sample_preset

    preset = read_preset(path)
    preset_of(json.loads(json.dumps(content_of(preset))), "again")
    if set(preset.expressions) <= set(EXPRESSIONS):
        intensities, _ = sample_preset(preset, 24.0, EXPRESSIONS)
        assert np.isfinite(intensities).all()


def _landmark_files() -> list[bytes]:
    places = {str(k): [float(k), k * 0.5, -k / 3] for k in range(68)}
    return [json.dumps({"version": 1, "landmarks": places}).encode()]


def _read_landmarks(path: Path) -> None:
    from facegen_core.landmarks import read_landmark_file

    for place in read_landmark_file(path).values():
        assert np.isfinite(place).all()


def _checkpoints() -> list[bytes]:
    from training.runs.checkpoint import Checkpoint, save_checkpoint

    arrays = {"a.weight": np.ones((3, 4), np.float32), "a.bias": np.zeros(3, np.float32)}
    state = {"0/exp_avg": np.ones(3, np.float32), "0/step": np.array(3.0, np.float32)}
    progress = {"stage": "motion", "step": 3, "settings": {"seed": 1}, "metrics": {}}
    history = {"motion": np.ones((3, 2))}
    return [_saved(save_checkpoint, Checkpoint(arrays, arrays, state, history, progress))]


def _load_checkpoint(path: Path) -> None:
    from training.runs.checkpoint import load_checkpoint

    load_checkpoint(path)


def _dataset_settings() -> list[bytes]:
    text = (
        "name: set\nunit: mm\nframe_rate: 60\nneutral: neutral.obj\nexpressions: [smile, fear]\n"
        "labels: {smile: happy}\nsplit:\n  train: [anna, berta]\n  val: [carl]\nlicence: CC0\n"
    )
    bombs = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
        for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
    )
    return [text.encode(), (text + "name: &a x\nlicence: *a\n").encode(), bombs.encode()]


def _read_settings(path: Path) -> None:
    from training.datasets.sequence_folder import read_settings
    from training.expression_model.train_config import read_config

    for read in (read_settings, read_config):
        _or_sentence(read, path)


def _or_sentence(read: Callable[[Path], object], path: Path) -> None:
    from facegen_core.errors import FacegenError

    try:
        read(path)
    except FacegenError as error:
        check_sentence(str(error))


def _marks() -> list[bytes]:
    rows = "subject,expression,onset,apex,apex_end,offset\nanna,happy,1,12,30,45\nb,sad,3,9,20,40\n"
    return [
        rows.encode(),
        b"subject,expression,from,to\nanna,happy,1,12\n",
        b"a_happy_from_1_to_9\n",
    ]


def _read_marks(path: Path) -> None:
    from training.datasets.marks import read_cuts, read_marks

    _or_sentence(read_marks, path)
    _or_sentence(lambda p: read_cuts(p, ("happy", "sad")), path)


def _archives() -> list[bytes]:
    """A tar of an ICT-FaceKit with one mode and one shape."""
    vertices, triangles = _grid()
    lines = [f"v {x:g} {y:g} {z:g}" for x, y, z in np.tile(vertices, (3, 1))]
    obj = "\n".join(lines + [f"f {a}/1 {b}/1 {c}/1" for a, b, c in triangles + 1]).encode()
    index = {"expressions": ["jawOpen"], "idx_to_landmark_verts": list(range(68))}
    files = {n: obj for n in ("generic_neutral_mesh.obj", "identity000.obj", "jawOpen.obj")}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in {**files, "vertex_indices.json": json.dumps(index).encode()}.items():
            entry = tarfile.TarInfo(f"ICT/FaceXModel/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return [stream.getvalue()]


def _read_archive(path: Path) -> None:
    from training.ict4d.ict_facekit import read_ict_facekit

    assert np.isfinite(read_ict_facekit(path).expressions).all()


# ---- what the command and the scene read ---------------------------------------------------------


def _job_lists() -> list[bytes]:
    rows = [
        {"head": "a.obj", "expressions": ["happy@1,12,30,45=0.8", "sad~fear:0.4@1,5,6,9"]},
        {"head": "b/c.fbx", "expressions": ["sad@1,12,30,45"], "name": "../b"},
    ]
    csv = b"head,expressions,name\na.obj,happy@1,12,30,45;sad@1,2,3,4,a\n"
    return [json.dumps(rows).encode(), csv.replace(b"1,12,30,45;sad@1,2,3,4", b'"x"')]


def _read_jobs(path: Path) -> None:
    from blender_addon.command.batch_jobs import jobs_of

    is_json = path.read_bytes()[:1] in b"[{"
    named = path.with_suffix(".json" if is_json else ".csv")
    named.write_bytes(path.read_bytes())
    try:
        for job in jobs_of([named], ["happy@1,2,3,4"]):
            assert is_safe_name(job.name), job.name
            job.source.is_file()
    finally:
        named.unlink()


def is_safe_name(name: str) -> bool:
    """Whether every system takes a name for one file in the folder it is put in."""
    reserved = {"con", "prn", "aux", "nul", *(f"{n}{k}" for n in ("com", "lpt") for k in range(10))}
    letters = name.replace("_", "").replace("-", "")
    is_plain = name.isascii() and letters.isalnum() and not name.startswith("-")
    return is_plain and name.lower() not in reserved and len(name) <= 100


def _records() -> list[bytes]:
    """Two records: of a motion drawn as curves, and of arrays that are packed."""
    from tests.robustness.security_record import record_text

    return [record_text(is_packed).encode() for is_packed in (False, True)]


def _read_record(path: Path) -> None:
    from blender_addon import clip_record

    record = clip_record.read_file(path)
    clip_record.words(record)
    clip_record.request_fields(record)


def _damage_message(rng: Random, content: bytes) -> bytes:
    """Its prefix and arrays as bytes, its header as JSON, with the old length or the new."""
    length = int.from_bytes(content[8:12], "little")
    if rng.random() < 0.4:
        return damage.damage_bytes(rng, content)
    header = damage.damage_json(rng, content[12 : 12 + length])
    told = length if rng.random() < 0.2 else min(len(header), 0xFFFFFFFF)
    return content[:8] + told.to_bytes(4, "little") + header + content[12 + length :]


# Blender sets itself back with scripts of its own before it reads a file.
_BLENDERS = ("exec", "compile", "import", "ctypes.dlopen", "marshal.loads", "code.__new__")

DOORS: dict[str, Door] = {
    "bundle": Door("bundles", ".facegen", 2500, _bundles, damage.damage_archive, _open_bundle),
    "bundle panel": Door(
        "bundles", ".facegen", 800, _bundles, damage.damage_archive, _describe_bundle
    ),
    "default bundle": Door(
        "bundles", ".facegen", 60, _default_bundle, damage.damage_bytes, _load_bundle
    ),
    "PLY": Door("meshes", ".ply", 2000, _ply_files, damage.damage_lines, _read_mesh, "trimesh"),
    "OBJ": Door("meshes", ".obj", 1500, _obj_files, damage.damage_lines, _read_mesh, "trimesh"),
    "OBJ in Blender": Door(
        "meshes", ".obj", 1000, _obj_files, damage.damage_lines, _read_in_blender, "bpy", _BLENDERS
    ),
    "worker message": Door("messages", ".bin", 4000, _messages, _damage_message, _read_messages),
    "preset": Door("texts", ".json", 1500, _presets, damage.damage_json, _play_preset),
    "landmarks": Door("texts", ".json", 500, _landmark_files, damage.damage_json, _read_landmarks),
    "clip record": Door("texts", ".json", 1500, _records, damage.damage_json, _read_record, "bpy"),
    "job list": Door("texts", ".txt", 700, _job_lists, damage.damage_lines, _read_jobs, "bpy"),
    "checkpoint": Door(
        "bundles", ".npz", 500, _checkpoints, damage.damage_archive, _load_checkpoint, "torch"
    ),
    "training settings": Door(
        "texts", ".yaml", 600, _dataset_settings, damage.damage_lines, _read_settings, "yaml"
    ),
    "marks": Door("texts", ".csv", 400, _marks, damage.damage_lines, _read_marks, "trimesh"),
    "data pack": Door(
        "meshes", ".tar", 300, _archives, damage.damage_bytes, _read_archive, "trimesh"
    ),
}


def check_sentence(text: str) -> None:
    """AssertionError unless a person can be shown this: one line, one end, no novel."""
    assert text.strip() == text, f"blanks around {text!r}"
    assert text.endswith("."), f"no sentence: {text[-80:]!r}"
    assert len(text) <= 600, f"{len(text)} letters: {text[:80]!r}"
    assert not set(text) & set("\n\r\0"), f"several lines: {text[:80]!r}"
