"""What opens each kind of file or message: either returns or raises FacegenError.

What a file gives is used as the product uses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.robustness.inputs.judging import programmers_words

# ---- bundles -------------------------------------------------------------------------------------


def open_bundle(path: Path) -> None:
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


def load_bundle(path: Path) -> None:
    from facegen_core.bundle import load_bundle

    load_bundle(path)


def describe_bundle(path: Path) -> None:
    from facegen_core import bundle_info

    info = bundle_info.read_bundle_info(path)
    bundle_info.summary_rows(info)
    bundle_info.error_sentence(info)
    bundle_info.error_table(info)
    json.dumps(bundle_info.info_as_json(info))


# ---- meshes --------------------------------------------------------------------------------------


def read_mesh(path: Path) -> None:
    from training.datasets.mesh_files import EdgeCheck, read_mesh_file

    mesh = read_mesh_file(path)
    assert np.isfinite(mesh.vertices).all()
    assert mesh.triangles.min() >= 0
    assert mesh.triangles.max() < len(mesh.vertices)
    EdgeCheck(mesh.vertices, mesh.triangles)


def read_in_blender(path: Path) -> None:
    """As `facegen generate` reads a head: by Blender's importer, then as the core's mesh."""
    import bpy

    import blender_addon
    from blender_addon.scene import import_head, mesh_bridge

    if not hasattr(bpy.types.Object, "facegen"):
        blender_addon.register()
    import_head.read_file(path)
    head = mesh_bridge.gather(import_head.head_of_scene(path.name))
    assert np.isfinite(head.mesh.vertices).all()


# ---- messages ------------------------------------------------------------------------------------


def read_messages(path: Path) -> None:
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


def play_preset(path: Path) -> None:
    from facegen_core.intensity import EXPRESSIONS
    from facegen_core.preset_files import content_of, preset_of, read_preset
    from facegen_core.presets import sample_preset

    preset = read_preset(path)
    preset_of(json.loads(json.dumps(content_of(preset))), "again")
    if set(preset.expressions) <= set(EXPRESSIONS):
        intensities, _ = sample_preset(preset, 24.0, EXPRESSIONS)
        assert np.isfinite(intensities).all()


def read_landmarks(path: Path) -> None:
    from facegen_core.landmarks import read_landmark_file

    for place in read_landmark_file(path).values():
        assert np.isfinite(place).all()


def load_checkpoint(path: Path) -> None:
    from training.runs.checkpoint import load_checkpoint

    load_checkpoint(path)


def read_settings(path: Path) -> None:
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


def read_marks(path: Path) -> None:
    from training.datasets.marks import read_cuts, read_marks

    _or_sentence(read_marks, path)
    _or_sentence(lambda p: read_cuts(p, ("happy", "sad")), path)


def read_archive(path: Path) -> None:
    from training.ict4d.ict_facekit import read_ict_facekit

    assert np.isfinite(read_ict_facekit(path).expressions).all()


# ---- what the command and the scene read ---------------------------------------------------------


def read_jobs(path: Path) -> None:
    from blender_addon.command.batch_jobs import jobs_of
    from facegen_core.file_names import portable

    is_json = path.read_bytes()[:1] in b"[{"
    named = path.with_suffix(".json" if is_json else ".csv")
    named.write_bytes(path.read_bytes())
    try:
        for job in jobs_of([named], ["happy@1,2,3,4"]):
            assert portable(job.name) == job.name
            assert not {"/", "\\", ".."} & {job.name, *job.name}
            job.source.is_file()
    finally:
        named.unlink()


def read_record(path: Path) -> None:
    from blender_addon import clip_record

    record = clip_record.read_file(path)
    clip_record.words(record)
    clip_record.request_fields(record)


def read_parts(path: Path) -> None:
    from types import SimpleNamespace

    from blender_addon.command.match_files import read_parts
    from blender_addon.scene.mesh_bridge import HeadPart

    owners = (HeadPart("head", 0, 40, np.eye(3)), HeadPart("teeth", 40, 60, np.eye(3)))
    head: Any = SimpleNamespace(parts=owners)
    assert all(0 <= key < 60 for key in read_parts(path, head))


def check_sentence(text: str) -> None:
    """AssertionError unless a person can be shown this: one line, one end, no novel."""
    assert text.strip() == text, f"blanks around {text!r}"
    assert text.endswith("."), f"no sentence: {text[-80:]!r}"
    assert len(text) <= 600, f"{len(text)} letters: {text[:80]!r}"
    assert not set(text) & set("\n\r\0"), f"several lines: {text[:80]!r}"
    assert not programmers_words(text), f"{programmers_words(text)!r} in {text[:200]!r}"
