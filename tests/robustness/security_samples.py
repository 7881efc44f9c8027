"""Files and messages that open: what the damaged ones are made of."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]


def bundles() -> list[bytes]:
    from facegen_core.bundle import save_bundle
    from tests.core.model_fixtures import random_bundle, random_landmark_bundle

    return [saved(save_bundle, made) for made in (random_bundle(), random_landmark_bundle())]


def saved(save: Callable[..., None], value: object) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.file"
        save(value, path)
        return path.read_bytes()


def default_bundle() -> list[bytes]:
    return [(ROOT / "blender_addon" / "assets" / "default.facegen").read_bytes()]


def grid() -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.arange(6.0), np.arange(5.0))
    vertices = np.stack([x, y, 0.1 * x * y], axis=-1).reshape(-1, 3)
    corner = (np.arange(4)[:, None] * 6 + np.arange(5)).ravel()
    first = np.stack([corner, corner + 1, corner + 6], axis=1)
    return vertices, np.concatenate([first, first + [1, 6, 0]])


def ply_files() -> list[bytes]:
    vertices, triangles = grid()
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


def obj_files() -> list[bytes]:
    vertices, triangles = grid()
    points = [f"v {x:g} {y:g} {z:g}" for x, y, z in vertices]
    plain = [f"f {a} {b} {c}" for a, b, c in triangles + 1]
    slashed = [f"f {a}/{a}/1 {b}/{b}/1 {c}/{c}/1" for a, b, c in triangles + 1]
    texture = [f"vt {x / 6:g} {y / 5:g}" for x, y, _ in vertices]
    rich = ["mtllib a.mtl", "o head", "g face", *points, *texture, "vn 0 0 1", "s 1", "usemtl skin"]
    return ["\n".join([*lines, ""]).encode() for lines in ([*points, *plain], [*rich, *slashed])]


def messages() -> list[bytes]:
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


def presets() -> list[bytes]:
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


def landmark_files() -> list[bytes]:
    places = {str(k): [float(k), k * 0.5, -k / 3] for k in range(68)}
    return [json.dumps({"version": 1, "landmarks": places}).encode()]


def parts_files() -> list[bytes]:
    parts = [{"object": "head", "vertex": 7, "kind": "tongue", "confidence": 0.5}]
    parts += [{"object": "teeth", "vertex": 3, "kind": "upper_teeth", "welded": True}]
    return [json.dumps({"version": 1, "kinds": ["tongue"], "parts": parts}).encode()]


def checkpoints() -> list[bytes]:
    from training.runs.checkpoint import Checkpoint, save_checkpoint

    arrays = {"a.weight": np.ones((3, 4), np.float32), "a.bias": np.zeros(3, np.float32)}
    state = {"0/exp_avg": np.ones(3, np.float32), "0/step": np.array(3.0, np.float32)}
    progress = {"stage": "motion", "step": 3, "settings": {"seed": 1}, "metrics": {}}
    history = {"motion": np.ones((3, 2))}
    return [saved(save_checkpoint, Checkpoint(arrays, arrays, state, history, progress))]


def dataset_settings() -> list[bytes]:
    text = (
        "name: set\nunit: mm\nframe_rate: 60\nneutral: neutral.obj\nexpressions: [smile, fear]\n"
        "labels: {smile: happy}\nsplit:\n  train: [anna, berta]\n  val: [carl]\nlicence: CC0\n"
    )
    bombs = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
        for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
    )
    return [text.encode(), (text + "name: &a x\nlicence: *a\n").encode(), bombs.encode()]


def marks() -> list[bytes]:
    rows = "subject,expression,onset,apex,apex_end,offset\nanna,happy,1,12,30,45\nb,sad,3,9,20,40\n"
    return [
        rows.encode(),
        b"subject,expression,from,to\nanna,happy,1,12\n",
        b"a_happy_from_1_to_9\n",
    ]


def archives() -> list[bytes]:
    """A tar of an ICT-FaceKit with one mode and one shape."""
    vertices, triangles = grid()
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


def job_lists() -> list[bytes]:
    rows = [
        {"head": "a.obj", "expressions": ["happy@1,12,30,45=0.8", "sad~fear:0.4@1,5,6,9"]},
        {"head": "b/c.fbx", "expressions": ["sad@1,12,30,45"], "name": "../b"},
    ]
    csv = b"head,expressions,name\na.obj,happy@1,12,30,45;sad@1,2,3,4,a\n"
    return [json.dumps(rows).encode(), csv.replace(b"1,12,30,45;sad@1,2,3,4", b'"x"')]


def records() -> list[bytes]:
    """Two records: of a motion drawn as curves, and of arrays that are packed."""
    from tests.robustness.security_record import record_text

    return [record_text(is_packed).encode() for is_packed in (False, True)]
