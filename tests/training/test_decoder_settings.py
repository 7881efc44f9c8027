"""Settings of the displacement decoder's training, as a recipe states them."""

import pytest

pytest.importorskip("yaml", reason="training needs yaml")

from facegen_core.models.displacement_config import DisplacementDecoderConfig
from training.displacement_decoder.config import (
    DecoderTrainConfig,
    decoder_config_to_dict,
    read_decoder_config,
)
from training.runs.settings import TrainingConfigError


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("decoder:\n  step: 3\n", "Unknown setting 'decoder.step'"),
        ("decoder:\n  steps: many\n", "'decoder.steps': expected int"),
        ("decoder:\n  frames_per_face: 0\n", "'frames_per_face': expected 1 or more"),
        ("decoder:\n  blended: 1.5\n", "'blended': expected 0 to 1"),
        ("decoder:\n  model: {attention: all}\n", "'decoder.model.attention': expected one of"),
        ("decoder:\n  model: {residual: false, linear_head: false}\n", "nothing is left"),
        ("- decoder\n", "expected 'section:'"),
    ],
)
def test_senseless_settings_are_refused_by_name(tmp_path, text, named):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(TrainingConfigError, match=named):
        read_decoder_config(path)


def test_a_recipe_states_only_differences(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("landmarks:\n  steps: 3\ndecoder:\n  model: {attention: none}\n")
    expected = DecoderTrainConfig(model=DisplacementDecoderConfig(attention="none"))
    assert read_decoder_config(path) == expected
    path.write_text("landmarks: {}\n")
    assert read_decoder_config(path) == DecoderTrainConfig()
    assert decoder_config_to_dict(DecoderTrainConfig())["model"]["channels"] == [48, 32, 16, 8]
