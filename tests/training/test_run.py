import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from facegen_core.errors import FacegenError  # noqa: E402
from tests.training.short_runs import short_config  # noqa: E402
from tests.training.synthetic_sequences import BumpSequence, bump_data  # noqa: E402
from training.expression_model.detail_stage import DetailStage  # noqa: E402
from training.expression_model.run import set_up  # noqa: E402
from training.expression_model.train_config import TrainingConfigError, read_config  # noqa: E402
from training.expression_model.validation import class_mean, hold_out, predict, some_of_each  # noqa: E402
from training.runs.distributed import Processes  # noqa: E402


@pytest.fixture(scope="module")
def data():
    return bump_data()


def changed(data, **fields):
    return dataclasses.replace(data, **fields)


def only(sequences):
    return {"train": sequences, "val": [], "test": []}


REFUSED = {
    "another frame rate": (
        {},
        lambda data: changed(data, frame_rate=25.0),
        "model_rate is 30, but the data has 25 frames per second",
    ),
    "other expressions": (
        {"model": {"expressions": ["left", "right"], "num_blendshapes": 8}},
        None,
        "model.expressions are left, right, but the data has happy, sad",
    ),
    "a window longer than a sequence": (
        {"detail_window": 40},
        None,
        "detail_window is 40, but S00",
    ),
    "no training sequences": ({}, lambda data: changed(data, sequences=only([])), "no sequences"),
    "a batch smaller than the processes": ({"motion_batch": 2}, None, "motion_batch is 2, but"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_the_data_is_refused_in_a_sentence(data, tmp_path, name):
    settings, change, said = REFUSED[name]
    config = short_config(tmp_path, **{"detail_batch": 4} | settings)
    with pytest.raises(TrainingConfigError) as refused:
        set_up(config, data if change is None else change(data), Processes(0, 3))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_that_cannot_be_written_is_refused(data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingConfigError, match="cannot be written"):
        set_up(short_config(tmp_path / "file" / "run"), data)


def test_what_is_refused_leaves_no_run_behind(data, tmp_path):
    with pytest.raises(FacegenError):
        set_up(short_config(tmp_path / "run", detail_window=40), data)
    assert not (tmp_path / "run").exists()


def test_expressions_are_those_of_the_data(data, tmp_path):
    """Data of one's own, with two expressions of its own."""
    names = {"happy": "left", "sad": "right"}
    sequences = [
        Renamed(s, names[s.expression]) for s in data.sequences["train"] if names.get(s.expression)
    ]
    own = changed(data, sequences=only(sequences), expressions=("left", "right"))
    run = set_up(short_config(tmp_path), own)
    assert run.config.model.expressions == ("left", "right")
    assert run.model.encoder.lstm.input_size == 2
    assert read_config(tmp_path / "config.yaml") == run.config


def test_takes_and_compounds_are_chosen(data, tmp_path):
    second = [Retaken(s, 2) for s in data.sequences["train"]]
    both = changed(data, sequences=data.sequences | {"train": [*data.sequences["train"], *second]})
    assert len(set_up(short_config(tmp_path), both).sequences) == 96
    assert len(set_up(short_config(tmp_path, max_takes=1), both).sequences) == 48


def test_setting_up_leaves_the_global_generators_alone(data, tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    set_up(short_config(tmp_path), data)
    assert torch.equal(torch.rand(3), expected)


def test_a_model_that_follows_the_neutral_is_judged_on_each_face(data, tmp_path):
    """Every second face is larger by a quarter, and so moves more, whatever the model says."""
    large = {
        split: [Enlarged(s) if int(s.subject[1:]) % 2 else s for s in sequences]
        for split, sequences in data.sequences.items()
    }
    run = set_up(short_config(tmp_path), changed(data, sequences=large))
    items = [hold_out(run, run.sequences[index]) for index in (0, 6)]
    items[1] = dataclasses.replace(items[1], signal=items[0].signal)
    frames = np.array([len(items[0].signal) // 2])
    small, large = (np.abs(predict(run, run.model, item, frames)).mean() for item in items)
    assert large > 1.05 * small
    shapes = DetailStage(run).draw(0).shapes
    assert len(shapes) == 2


def test_the_class_mean_is_about_the_recording_where_all_are_alike(data, tmp_path):
    run = set_up(short_config(tmp_path), data)
    item = hold_out(run, data.sequences["test"][0])
    apex = np.array([round(float(np.mean(item.sequence.marks[1:3])))])
    truth, mean = item.sequence.displacements(apex).ravel(), class_mean(run, item, apex).ravel()
    assert np.corrcoef(truth, mean)[0, 1] > 0.999
    assert np.linalg.norm(mean) == pytest.approx(np.linalg.norm(truth), rel=0.2)


def test_validation_sees_every_expression_and_many_subjects(data):
    everybody = [s for sequences in data.sequences.values() for s in sequences]
    chosen = some_of_each(everybody)
    names = [sequence.expression for sequence in chosen]
    assert all(names.count(name) == 2 for name in data.expressions)
    assert len({sequence.subject for sequence in chosen}) >= 6


@pytest.mark.parametrize("follows", [False, True])
def test_the_batches_of_all_processes_are_the_batch_of_one(data, tmp_path, follows):
    model = {"num_blendshapes": 8, "follows_neutral": follows}
    config = short_config(tmp_path, detail_batch=5, model=model)
    whole = DetailStage(set_up(config, data)).draw(3)
    parts = [DetailStage(set_up(config, data, Processes(rank, 2))).draw(3) for rank in (0, 1)]
    for name in ("signal", "frames", "jaw"):
        joined = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(joined, getattr(whole, name))
    assert torch.equal(torch.cat([part.skin for part in parts], dim=1), whole.skin)
    assert all(part.names == whole.names for part in parts)
    assert all(part.weights.total == whole.weights.total for part in parts)


@dataclasses.dataclass(frozen=True, eq=False)
class Other:
    """A sequence that differs from another in some way."""

    original: BumpSequence

    def __getattr__(self, name):
        return getattr(self.original, name)


@dataclasses.dataclass(frozen=True, eq=False)
class Renamed(Other):
    expression: str

    @property
    def components(self):
        return (dataclasses.replace(self.original.components[0], expression=self.expression),)


@dataclasses.dataclass(frozen=True, eq=False)
class Retaken(Other):
    take: int


class Enlarged(Other):
    @property
    def neutral(self):
        return 1.25 * self.original.neutral

    def displacements(self, frames=None):
        return 1.25 * self.original.displacements(frames)
