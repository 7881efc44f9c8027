"""A clip's record as Facegen writes them, without a Blender scene behind it."""

from __future__ import annotations

import numpy as np


def record_text(is_packed: bool) -> str:
    """is_packed: with a mask and keys of a rig, whose arrays are compressed."""
    from blender_addon import clip_record, generators
    from blender_addon.baking import KeyRequest
    from blender_addon.scene.existing_keys import ExistingKeys
    from facegen_core.intensity import EXPRESSIONS
    from facegen_core.landmark_inference import Variation
    from facegen_core.layers import Layers

    frames = np.arange(1.0, 13.0)
    keys = ExistingKeys(("smile",), np.ones((1, 40, 3), np.float32), np.array([[0.0, 1.0]]))
    request = {
        "expressions": tuple(EXPRESSIONS),
        "frames": frames,
        "intensities": np.linspace(0.0, 1.0, 72).reshape(12, 6),
        "frames_per_second": 24.0,
        "bake_mode": "compact",
        "tolerance_mm": 0.1,
        "mask": np.linspace(0, 1, 40, dtype=np.float32) if is_packed else None,
        "use_contact": True,
        "generator": generators.STEADY,
        "variation": Variation(3, 0.5),
        "layers": Layers.constant(12, gains=(1.0, 0.5, 1.0)),
        "clip_name": "clip",
        "keys": KeyRequest(existing=keys) if is_packed else None,
    }
    record = {
        "version": clip_record.VERSION,
        "clip": "clip",
        "made_with": {"facegen": "0.1.0", "blender": "4.5", "numpy": "1.26", "processor": "x"},
        "model": {"file": "default.facegen", "sha256": "0" * 64},
        "head": _head(),
        "match": {
            "landmarks": {str(k): [0.1 * k, 1.0, 2.0] for k in range(68)} if is_packed else None,
            "is_by_hand": is_packed,
            "is_pulled": False,
            "landmark_key": "",
            "corrections": {"12": "tongue"} if is_packed else {},
        },
        "request": {name: clip_record.encoded(value) for name, value in request.items()},
        "curves": {"fcurves": [_curve()], "sliders": {"sad": 0.5}, "slots": ""},
        "result": {"keys": 4, "shapes_sha256": "0" * 64, "weights_sha256": "1" * 64},
    }
    return clip_record.as_text(record)


def _head() -> dict[str, object]:
    part = {"name": "head", "vertices": 40, "layout": "ab", "world": np.eye(4).tolist()}
    return {"fingerprint": "f", "source": "head.obj", "source_sha256": "2" * 64, "objects": [part]}


def _curve() -> dict[str, object]:
    pairs = {name: [1.0, 0.0, 9.0, 1.0] for name in ("co", "handle_left", "handle_right")}
    words = {
        "interpolation": ["LINEAR"] * 2,
        "easing": ["AUTO"] * 2,
        "handle_left_type": ["AUTO"] * 2,
        "handle_right_type": ["AUTO"] * 2,
    }
    numbers = {name: [0.0, 0.0] for name in ("amplitude", "period", "back")}
    modifier = {"type": "NOISE", "values": {"scale": 2.0, "strength": 0.1, "blend_type": "ADD"}}
    return {
        "path": "facegen.happy",
        "index": 0,
        "keys": {**pairs, **words, **numbers},
        "extrapolation": "CONSTANT",
        "mute": False,
        "group": "Facegen",
        "modifiers": [modifier],
    }
