"""Whose blendshapes a displacement decoder weighs."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")

from facegen_core.bundle import save_bundle
from facegen_core.errors import TopologyMismatchError
from tests.core.model_fixtures import random_bundle
from tests.training.decoder_fixtures import decoder_data, write_basis
from training.displacement_decoder.faces import read_basis
from training.runs.checkpoint import (
    Checkpoint,
    CheckpointError,
    save_checkpoint,
)


@pytest.fixture(scope="module")
def data():
    return decoder_data()


def test_a_basis_is_read_from_a_bundle_too(data, tmp_path):
    bundle = random_bundle()
    save_bundle(bundle, tmp_path / "model.facegen")
    basis = read_basis(tmp_path / "model.facegen", data.template)
    np.testing.assert_allclose(basis, bundle.weights["blendshapes.basis"], atol=1e-3)


def test_a_basis_of_another_template_is_refused(data, tmp_path):
    small = dataclasses.replace(data.template, vertices=data.template.vertices[:10])
    with pytest.raises(TopologyMismatchError, match="261 vertices, the data has 10"):
        read_basis(write_basis(tmp_path, data), small)


def test_a_run_without_blendshapes_is_refused(data, tmp_path):
    save_checkpoint(Checkpoint({}, {}, {}, {}, {}), tmp_path / "checkpoint.npz")
    with pytest.raises(CheckpointError, match="without blendshapes"):
        read_basis(tmp_path, data.template)
