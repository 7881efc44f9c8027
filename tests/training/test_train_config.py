from pathlib import Path

import pytest
import yaml

from training.train_config import (
    TrainConfig,
    TrainingConfigError,
    config_from_dict,
    config_to_dict,
    read_config,
    write_config,
)

CONFIGS = Path(__file__).parent.parent.parent / "training" / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_config_is_valid_and_states_only_differences(path):
    config = read_config(path)
    content, defaults = yaml.safe_load(path.read_text()), config_to_dict(TrainConfig())
    for name, value in content.items():
        assert name == "out" or value != defaults[name]
    assert config.motion_steps + config.detail_steps > 0


def test_the_effective_configuration_reads_back_the_same(tmp_path):
    config = config_from_dict({"seed": 7, "model": {"num_blendshapes": 12}, "data": "somewhere"})
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config


def test_overrides_win_over_the_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("seed: 3\n")
    assert read_config(path, seed=9).seed == 9
    assert read_config(path, seed=None).seed == 3


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"sed": 1}, "'sed'"),
        ({"model": {"depth": 2}}, "'model.depth'"),
        ({"motion_steps": "many"}, "'motion_steps'"),
        ({"model": 5}, "'model"),
        ({"model": {"decoder": "spiral"}}, "motion_steps"),
        ({"motion_steps": 0, "detail_steps": 0}, "detail_steps"),
    ],
)
def test_a_senseless_setting_is_refused_by_name(content, named):
    with pytest.raises(TrainingConfigError, match=named.replace(".", r"\.")):
        config_from_dict(content)
