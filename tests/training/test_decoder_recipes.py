"""The shipped recipes of the displacement decoder say what their names promise."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs torch")

from training.displacement_decoder.config import DecoderTrainConfig
from training.landmark_gan.command import read_recipe

CONFIGS = Path(__file__).parent.parent.parent / "training" / "configs"


@pytest.mark.parametrize(
    ("name", "attention"), [("no_cross_attention", "none"), ("landmark_attention", "landmarks")]
)
def test_an_ablation_differs_in_what_it_is_named_for_alone(name, attention):
    landmarks, ablated = read_recipe(CONFIGS / "ablations" / f"{name}.yaml")
    _, full = read_recipe(CONFIGS / "lm4dgan.yaml")
    assert landmarks.out.parent.name == name
    assert full.model.attention == "neutral"
    assert ablated.model.attention == attention
    changed = {**vars(ablated), "model": {**vars(ablated.model), "attention": "neutral"}}
    assert changed == {**vars(full), "model": vars(full.model)}


def test_the_shipped_decoder_is_the_default(tmp_path):
    _, full = read_recipe(CONFIGS / "lm4dgan.yaml")
    assert full == DecoderTrainConfig()
