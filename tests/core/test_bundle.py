import dataclasses
import errno
import json
import os

import numpy as np
import pytest

from facegen_core.bundle import (
    Bundle,
    bundle_hash,
    load_bundle,
    save_bundle,
    template_arrays,
    template_from_arrays,
)
from facegen_core.errors import BundleError
from facegen_core.inference import Engine
from facegen_core.intensity import EXPRESSIONS
from tests.core.bundle_edits import ABSENT, change_header, changed, refusal
from tests.core.model_fixtures import random_bundle
from tests.sphere_template import sphere_template


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "default.facegen"
    save_bundle(random_bundle(), path)
    return path


def test_a_bundle_comes_back_as_it_was_saved(saved):
    bundle, loaded = random_bundle(), load_bundle(saved)
    assert loaded.config == bundle.config
    assert loaded.header["seed"] == 5
    for name, values in bundle.weights.items():
        step = np.abs(values).max() / 32767 if name == "blendshapes.basis" else 0.0
        np.testing.assert_allclose(loaded.weights[name], values, atol=0.51 * step)


def test_motion_survives_the_file_to_a_micrometre_per_millimetre(saved):
    intensities = np.random.default_rng(0).uniform(0, 1, (20, 6))
    before = Engine(random_bundle()).generate(intensities, 30.0).skin
    after = Engine(load_bundle(saved)).generate(intensities, 30.0).skin
    assert np.abs(before - after).max() < 1e-3 * np.abs(before).max()


def test_a_template_comes_back_from_its_arrays_exactly():
    template = sphere_template()
    arrays = template_arrays(template)
    again = template_arrays(template_from_arrays(arrays))
    assert arrays.keys() == again.keys()
    for name, values in arrays.items():
        assert np.array_equal(values, again[name]), name


def test_saving_twice_writes_the_same_bytes(saved, tmp_path):
    second = tmp_path / "second.facegen"
    save_bundle(random_bundle(), second)
    assert saved.read_bytes() == second.read_bytes()


def test_the_hash_tells_models_apart():
    bundle = random_bundle()
    weights = dict(bundle.weights)
    weights["jaw.bias"] = weights["jaw.bias"] + 1
    assert bundle_hash(bundle) == bundle_hash(random_bundle())
    assert bundle_hash(bundle) != bundle_hash(dataclasses.replace(bundle, weights=weights))


def test_a_failed_save_leaves_the_old_file_and_no_rubbish(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(*_):
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="the disk is full"):
        save_bundle(random_bundle(), saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_a_missing_file_is_named(tmp_path):
    assert "nowhere.facegen does not exist" in refusal(tmp_path / "nowhere.facegen")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    assert "truncated" in refusal(saved) or "not a model bundle" in refusal(saved)


def test_a_damaged_byte_is_noticed(saved):
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 0xFF
    saved.write_bytes(bytes(content))
    refusal(saved)


def test_foreign_files_are_refused(tmp_path):
    text, array, archive = tmp_path / "a.facegen", tmp_path / "b.npy", tmp_path / "c.npz"
    text.write_text("solid cube")
    np.save(array, np.zeros(3))
    np.savez(archive, points=np.zeros(3))
    for path in (text, array, archive):
        assert "not a model bundle" in refusal(path)


def test_a_pickled_array_is_never_unpacked(tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, header=np.array([{"a": 1}], dtype=object))
    assert "not a model bundle" in refusal(path)


@pytest.mark.parametrize("version", [0, 3, "1", None])
def test_another_version_is_refused_with_both_numbers(saved, version):
    change_header(saved, schema_version=version)
    assert "version 2" in refusal(saved)


def test_a_bundle_of_version_1_is_read_as_what_it_was(saved):
    def change(arrays):
        header = json.loads(arrays["header"].tobytes())
        header |= {"schema_version": 1}
        del header["date"]
        for name in ("expressions", "bidirectional", "follows_neutral"):
            del header["model"][name]
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)

    changed(saved, change)
    bundle = load_bundle(saved)
    assert bundle.config.expressions == EXPRESSIONS
    assert not bundle.config.follows_neutral
    assert bundle.header["date"] == "unknown"


@pytest.mark.parametrize(
    "changes",
    [{"expressions": []}, {"expressions": ["a", "a"]}, {"expressions": [1]}, {"bidirectional": 1}],
)
def test_a_senseless_model_description_is_refused(saved, changes):
    def change(arrays):
        header = json.loads(arrays["header"].tobytes())
        header["model"] |= changes
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)

    changed(saved, change)
    assert "expressions" in refusal(saved) or "switch" in refusal(saved)


def test_another_kind_of_file_is_refused(saved):
    change_header(saved, kind="something else")
    assert "not a model bundle" in refusal(saved)


@pytest.mark.parametrize("name", ["commit", "licences", "template_hash"])
def test_a_missing_header_field_is_named(saved, name):
    change_header(saved, **{name: ABSENT})
    assert f"'{name}'" in refusal(saved)


def test_an_extra_header_field_is_named(saved):
    change_header(saved, surprise=1)
    assert "'surprise'" in refusal(saved)


@pytest.mark.parametrize(
    "name", ["weights/jaw.bias", "template/triangles", "template/level2.spirals"]
)
def test_a_missing_field_is_named(saved, name):
    changed(saved, lambda arrays: arrays.pop(name))
    assert f"'{name.split('/')[1]}'" in refusal(saved)


@pytest.mark.parametrize("name", ["weights/extra", "template/extra", "extra"])
def test_an_extra_field_is_named(saved, name):
    changed(saved, lambda arrays: arrays.update({name: np.zeros(2, np.float32)}))
    assert "extra'" in refusal(saved)


@pytest.mark.parametrize(
    "name", ["weights/jaw.bias", "template/vertices", "template/region.face", "template/jaw_pivot"]
)
def test_a_wrong_shape_is_named(saved, name):
    changed(saved, lambda arrays: arrays.update({name: arrays[name][:-1]}))
    refusal(saved)


@pytest.mark.parametrize("name", ["weights/jaw.weight", "template/vertices"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(saved, name, value):
    def spoil(arrays):
        arrays[name] = arrays[name].copy()
        arrays[name].flat[3] = value

    changed(saved, spoil)
    assert "not finite" in refusal(saved)


def test_indices_outside_the_template_are_refused(saved):
    def spoil(arrays):
        arrays["template/triangles"] = arrays["template/triangles"] + 1000

    changed(saved, spoil)
    assert "outside" in refusal(saved)


def test_weights_of_another_template_are_refused(saved):
    def spoil(arrays):
        arrays["template/vertices"] = arrays["template/vertices"] + 1

    changed(saved, spoil)
    assert "trained on" in refusal(saved)


@pytest.mark.parametrize(
    "model", [None, [], {"decoder": "hybrid"}, {"decoder": "magic"}, {"model_rate": -1}]
)
def test_an_unknown_model_description_is_refused(saved, model):
    if (isinstance(model, dict) and "decoder" not in model) or model == {"decoder": "magic"}:
        model = dataclasses.asdict(random_bundle().config) | model
    change_header(saved, model=model)
    refusal(saved)


def test_saving_refuses_weights_that_do_not_fit(tmp_path):
    bundle = random_bundle()
    broken = Bundle(bundle.template, {}, bundle.config, bundle.header)
    with pytest.raises(BundleError, match="missing"):
        save_bundle(broken, tmp_path / "x.facegen")
    assert not list(tmp_path.iterdir())
