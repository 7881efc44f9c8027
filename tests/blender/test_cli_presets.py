"""The command writes for engines, web and film: read back, within a hundredth of a millimetre."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blender.command import Run, facegen, files_in

pytest.importorskip("bpy", reason="the command needs the bpy wheel")

READ_BACK_MM = 0.01


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One short clip of the sample head, for everyone at once."""
    folder = tmp_path_factory.mktemp("presets")
    head = facegen(folder, "head", "-o", "head.obj")
    assert head.code == 0, head.err
    outputs = ("-o", "clip.fbx", "-o", "clip.abc", "-o", "clip.usdc", "-o", "clip.glb")
    clip = facegen(
        folder,
        *("generate", "head.obj", "-e", "happy@1,4,6,9", "--report", "report.json", *outputs),
        *("--preset", "unreal"),
    )
    assert clip.code == 0, clip.err[-3000:]
    return clip


def test_every_format_arrives(run: Run) -> None:
    errors = run.report["roundtrip"]["files"]
    assert set(errors) == {"clip.fbx", "clip.abc", "clip.usdc", "clip.glb"}
    assert max(errors.values()) < READ_BACK_MM, errors
    assert not [w for w in run.report["warnings"] if "lacks" in w]
    assert files_in(run.folder) == {*errors, "head.obj", "report.json"}


def test_the_preset_gives_unreal_a_root_bone(run: Run) -> None:
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(Path(run.folder / "clip.fbx")), anim_offset=0.0)
    rigs = [obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE"]
    assert [[bone.name for bone in rig.data.bones] for rig in rigs] == [["root"]]
