"""The first generator of a bundle, asked as the runs are."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")

from facegen_core.bundle import save_bundle
from facegen_core.errors import BundleError
from facegen_core.models.config import ModelConfig
from tests.core.model_fixtures import random_bundle
from tests.training.synthetic_sequences import bump_data
from training.evaluation.questions import Question
from training.evaluation.shipped import open_shipped


def shipped(path, data, **changes):
    """A random bundle that tells how strong its training data was."""
    config = ModelConfig(num_blendshapes=8, follows_neutral=True, **changes)
    bundle = random_bundle(config, data.template)
    told = {"name": "bumps", "magnitude_means_mm": [2.0] * 6, "magnitude_deviations_mm": [0.5] * 6}
    header = {**bundle.header, "training_data": told}
    bundle = dataclasses.replace(bundle, header=header)
    save_bundle(bundle, path)
    return bundle


def test_it_answers_what_the_add_on_would_make(tmp_path):
    data = bump_data()
    shipped(tmp_path / "a.facegen", data)
    system = open_shipped(tmp_path / "a.facegen", data)
    sequence = data.sequences["test"][1]
    question = Question.about(sequence, sequence.displacements(), data.expressions)
    frames = np.array([0, 8, 12])
    answer = system.answer(question, frames)
    signal = system.labels.signal(question)
    assert 0 < signal.max() <= 1
    motion = system.engine.generate(signal, data.frame_rate, np.asarray(sequence.neutral))
    assert np.abs(answer - motion.skin[frames]).max() < 1e-4
    assert not answer[0].any()


def test_a_bundle_of_something_else_is_refused(tmp_path):
    data = bump_data()
    shipped(tmp_path / "rate.facegen", data, model_rate=12.0)
    with pytest.raises(BundleError, match="another rate"):
        open_shipped(tmp_path / "rate.facegen", data)
    save_bundle(random_bundle(template=data.template), tmp_path / "silent.facegen")
    with pytest.raises(BundleError, match="how strong"):
        open_shipped(tmp_path / "silent.facegen", data)
