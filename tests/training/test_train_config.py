from pathlib import Path

import pytest
import yaml

from training.expression_model.schedule import schedule_of
from training.expression_model.train_config import (
    TrainConfig,
    TrainingConfigError,
    config_from_dict,
    config_to_dict,
    differing_setting,
    read_config,
    write_config,
)

CONFIGS = Path(__file__).parent.parent.parent / "training" / "configs"
NO_CHANGE = {"retimed": 0.0, "weakened": 0.0, "blended": 0.0}


# These have settings, and tests, of their own.
OTHERS = {"coma", "detector", "lm4dgan", "peers", "peers_paper"}
MODELS = sorted(path for path in CONFIGS.glob("*.yaml") if path.stem not in OTHERS)


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_every_shipped_config_is_valid_and_states_only_differences(path):
    config = read_config(path)
    content, defaults = yaml.safe_load(path.read_text()), config_to_dict(TrainConfig())
    for name, value in content.items():
        assert name == "out" or value != defaults[name]
    assert config.out == Path("runs") / path.stem
    steps = [schedule_of(config, stage, 1700).num_steps for stage in ("motion", "detail")]
    assert sum(steps) > 0


@pytest.mark.parametrize("name", ["pca_lstm", "spiral_paper"])
def test_the_systems_of_the_paper_follow_its_recipe(name):
    config = read_config(CONFIGS / f"{name}.yaml")
    stage = "motion" if name == "pca_lstm" else "detail"
    assert getattr(config, f"{stage}_epochs") == 100
    assert getattr(config, f"{stage}_learning_rate") == 1e-3
    assert (config.epoch_decay, config.weight_decay) == (0.99, 5e-5)
    assert (config.metric, config.temporal_weight) == ("l1", 1.0)
    assert (config.average, config.max_gradient_norm) == (0.0, 0.0)
    assert config_to_dict(config)["augmentation"] == NO_CHANGE
    assert not config.compounds
    model = config.model
    assert (model.labels, model.rest_gate, model.warmup_frames) == ("extremeness", 0.0, 0)
    assert (model.bidirectional, model.follows_neutral) == (False, False)
    assert model.latent_size == model.num_blendshapes == 64


def test_the_effective_configuration_reads_back_the_same(tmp_path):
    model = {"num_blendshapes": 12, "expressions": ["left", "right"]}
    config = config_from_dict({"seed": 7, "model": model, "data": "somewhere"})
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config


def test_overrides_win_over_the_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("seed: 3\n")
    assert read_config(path, seed=9).seed == 9
    assert read_config(path, seed=None).seed == 3


def test_the_first_setting_that_differs_is_named():
    first = config_to_dict(TrainConfig())
    second = config_to_dict(config_from_dict({"model": {"num_blendshapes": 9}}))
    assert differing_setting(first, first) is None
    assert differing_setting(first, second) == "model.num_blendshapes"
    assert differing_setting(first, {n: v for n, v in first.items() if n != "seed"}) == "seed"


REFUSED = {
    "an unknown setting": ({"sed": 1}, "Unknown setting 'sed'"),
    "an unknown setting of the model": ({"model": {"depth": 2}}, "'model.depth'"),
    "a word for a number": ({"motion_steps": "many"}, "'motion_steps': expected int"),
    "a fraction for a count": ({"motion_batch": 2.5}, "'motion_batch': expected int"),
    "a number for a switch": ({"compounds": 1}, "'compounds': expected bool"),
    "a switch for a number": ({"weight_decay": True}, "'weight_decay': expected float"),
    "a number for settings": ({"model": 5}, "'model.': expected settings"),
    "a number for a path": ({"out": 5}, "'out': expected a path"),
    "a word for a list": ({"model": {"channels": "64"}}, "'model.channels': expected a list"),
    "words in a list of numbers": ({"model": {"channels": ["a"]}}, "'model.channels'"),
    "an unknown metric": ({"metric": "l2"}, "'metric': expected one of euclidean, l1"),
    "an unknown decoder": ({"model": {"decoder": "mlp"}}, "'model.decoder': expected one of"),
    "an unknown device": ({"device": "tpu"}, "'device': expected one of"),
    "a negative number of steps": ({"detail_steps": -1}, "'detail_steps': expected 0 or more"),
    "an empty batch": ({"motion_batch": 0}, "'motion_batch': expected 1 or more"),
    "a model of no size": ({"model": {"latent_size": 0}}, "'model.latent_size'"),
    "a model of no channels": ({"model": {"channels": []}}, "'model.channels'"),
    "no expression at all": ({"model": {"expressions": []}}, "'model.expressions'"),
    "no learning": ({"detail_learning_rate": 0.0}, "'detail_learning_rate': expected more than 0"),
    "a rate that is no number": ({"motion_learning_rate": float("nan")}, "finite"),
    "a share above 1": ({"augmentation": {"retimed": 1.5}}, "'augmentation.retimed': expected 0"),
    "an average that never moves": ({"average": 1.0}, "'average': expected less than 1"),
    "an explosion at every step": ({"explosion_factor": 1.0}, "'explosion_factor'"),
    "steps and epochs": ({"detail_epochs": 3}, "detail_steps and detail_epochs contradict"),
    "nothing to train": ({"motion_steps": 0, "detail_steps": 0}, "nothing to train"),
    "spirals with a motion stage": ({"model": {"decoder": "spiral"}}, "motion_steps and decoder"),
    "blendshapes with a detail stage": (
        {"model": {"decoder": "blendshape"}},
        "detail_steps and decoder",
    ),
    "float16 on a CPU": ({"device": "cpu", "precision": "float16"}, "needs a GPU"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_senseless_configuration_is_refused_in_a_sentence(name):
    content, said = REFUSED[name]
    with pytest.raises(TrainingConfigError) as refused:
        config_from_dict(content)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("- a\n- b\n", "expected 'setting: value' lines"), ("a: [", "is not YAML"), (None, "read")],
)
def test_a_file_that_is_no_configuration_is_refused_by_name(tmp_path, text, said):
    path = tmp_path / "settings.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(TrainingConfigError, match=said) as refused:
        read_config(path)
    assert str(path) in str(refused.value)


def test_an_empty_file_is_the_default(tmp_path):
    (tmp_path / "c.yaml").write_text("# nothing\n")
    assert read_config(tmp_path / "c.yaml") == TrainConfig()
