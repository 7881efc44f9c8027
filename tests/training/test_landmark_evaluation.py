"""The second generator's evaluation on bumps: systems whose scores are known, and the files."""

import argparse
import json
import shlex

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from facegen_core.errors import FacegenError  # noqa: E402
from tests.training.landmark_fakes import (  # noqa: E402
    FakeDecoder,
    FakeGenerator,
    fake_systems,
    second_takes,
)
from training.datasets.training_data import read_training_data  # noqa: E402
from training.evaluation import evaluate as expression_evaluation  # noqa: E402
from training.evaluation.reference import read_reference  # noqa: E402
from training.evaluation.skin_measures import TRUTH, SkinMeasures  # noqa: E402
from training.expression_model.train_config import TrainConfig  # noqa: E402
from training.landmark_evaluation import command, examination, jury, saved_results  # noqa: E402
from training.landmark_evaluation.ablations import paired_change, share_change  # noqa: E402
from training.landmark_evaluation.cases import choose_takes, one_of_each, read_take  # noqa: E402
from training.landmark_evaluation.command import LandmarkSettings  # noqa: E402
from training.landmark_evaluation.decoder_table import DecoderTable  # noqa: E402
from training.landmark_evaluation.error_rows import ErrorRows  # noqa: E402
from training.landmark_evaluation.identity import Recognition  # noqa: E402
from training.landmark_evaluation.jury import Jury, resting_ends  # noqa: E402
from training.landmark_evaluation.lengths import LENGTHS  # noqa: E402
from training.landmark_evaluation.report import HEADING, without_landmark_section  # noqa: E402
from training.landmark_evaluation.systems import (  # noqa: E402
    LandmarkSystem,
    TrueSystem,
    class_mean_system,
)
from training.landmark_evaluation.targets import judge_landmark_targets  # noqa: E402


@pytest.fixture(scope="module")
def data():
    return second_takes()


@pytest.fixture(scope="module")
def reference(data):
    return read_reference(data, 12, 0)


@pytest.fixture(scope="module")
def evaluated(data, reference, tmp_path_factory):
    """Settings and results of fake systems, without figures."""
    settings = LandmarkSettings(
        out=tmp_path_factory.mktemp("docs"), frames=12, is_quick=True, has_figures=False
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jury, "NUM_CLASSIFIERS", 1)
        opened = fake_systems(reference, data.template)
        return settings, command.evaluate(data, settings, opened)


def cases_of(data, count=2):
    return [
        read_take(s, data.template, data.expressions, 5)
        for s in one_of_each(data.sequences["test"], count, 0)
    ]


def heard(data, reference, candidates, cases, seeds=(0, 1, 2)):
    face = data.template.regions["face"]
    rows = ErrorRows(tuple(data.expressions))
    judge = Jury(data.template, face, reference, seeds, rows, SkinMeasures(data.template, face))
    spread = examination.Diversity(1.0, 1.0)
    for case in cases:
        judge.hear_truth(case, spread if case.is_single else None)
        for name, candidate in candidates.items():
            judge.hear(name, candidate, case)
    return judge


def test_the_truth_as_a_system_has_no_error_and_its_own_motion(data, reference):
    cases = cases_of(data, 6)
    judge = heard(data, reference, {"system": TrueSystem(data.template)}, cases)
    for region in jury.REGIONS:
        for statistic in jury.STATISTICS:
            cell = judge.rows.cells("system", f"{region}_{statistic}")["total"]
            assert cell.mean == pytest.approx(0, abs=1e-6)
    summary = judge.skin.summary("system")
    for name in ("roughness_ratio", "jitter_ratio", "speed_correlation"):
        assert summary[name] == pytest.approx(1, abs=1e-5)
    assert judge.landmark_jitter_ratio("system") == pytest.approx(1)
    assert judge.ends_mm["system"] == 0
    scores = judge.classify(0)
    np.testing.assert_array_equal(scores["system"].means, scores[TRUTH].means)


def test_errors_of_noises_are_averaged_and_the_best_is_the_least(data, reference):
    generator = FakeGenerator(reference, data.template, spread=1.0)
    random = LandmarkSystem(generator, FakeDecoder(data.template))
    cases = cases_of(data, 1)
    judge = heard(data, reference, {"system": random}, cases)
    truth = cases[0].landmarks
    errors = [
        np.linalg.norm(generator.imagine(cases[0].question, seed) - truth, axis=2).mean()
        for seed in (0, 1, 2)
    ]
    cells = {s: judge.rows.cells("system", f"landmarks_{s}")["total"].mean for s in jury.STATISTICS}
    assert cells["noise"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert cells["best"] == pytest.approx(min(errors), rel=1e-5)
    assert cells["mean_motion"] < cells["best"]


def test_a_constant_generator_has_no_diversity_and_a_noisy_one_its_spread(data, reference):
    decoder = FakeDecoder(data.template)
    systems = {
        name: LandmarkSystem(FakeGenerator(reference, data.template, spread), decoder)
        for name, spread in (("constant", 0.0), ("some", 1.0), ("more", 2.0))
    }
    judge = heard(data, reference, systems, cases_of(data, 2))
    values = {n: judge.rows.cells(n, "diversity_landmarks")["total"].mean for n in systems}
    assert values["constant"] == 0
    assert values["more"] == pytest.approx(2 * values["some"], rel=1e-4)
    skin = {n: judge.rows.cells(n, "diversity_skin")["total"].mean for n in systems}
    assert skin["constant"] == 0 < skin["some"] < skin["more"]


def test_what_is_not_known_of_the_truth_is_not_asked_of_systems(data, reference):
    random = LandmarkSystem(
        FakeGenerator(reference, data.template, 1.0), FakeDecoder(data.template)
    )
    both = read_take(data.sequences["test"][12], data.template, data.expressions, 5)
    assert not both.is_single
    judge = heard(data, reference, {"system": random}, [both])
    assert not judge.rows.has("system", "diversity_landmarks")
    assert set(judge.rows.cells("system", "skin_noise")) == {"compound"}


def test_decoders_that_know_the_skin_are_without_error(data, reference):
    class Knows:
        def __init__(self, case):
            self.case = case

        def decode(self, neutral, landmarks):
            rows = [
                int(np.abs(self.case.landmarks - frame).sum(axis=(1, 2)).argmin())
                for frame in landmarks
            ]
            return self.case.skin[rows]

    table = DecoderTable(data.template, data.template.regions["face"], ErrorRows(data.expressions))
    mean = class_mean_system(reference, data.template)
    for case in cases_of(data, 3):
        still = {"half": FakeDecoder(data.template, 0.5), "none": FakeDecoder(data.template, 0.0)}
        table.hear(case, {"knows": Knows(case), **still}, mean)
    assert table.total("knows", "skin_mm") == pytest.approx(0, abs=1e-6)
    assert table.total("knows", "face_p95_mm") == pytest.approx(0, abs=1e-6)
    assert table.roughness_ratio("knows") == pytest.approx(1)
    assert table.roughness_ratio("none") == 0
    assert table.total("none", "face_mm") == pytest.approx(table.total("neutral", "face_mm"))
    assert table.total("half", "face_mm") < table.total("none", "face_mm")


def test_only_frames_at_rest_must_be_at_rest():
    assert resting_ends([3.0, 8, 20, 30], 40) == [0, 39]
    assert resting_ends([3.0, 8, 20, 20], 21) == [0]  # a take up to the peak
    assert resting_ends([-2.0, 8, 20, 30], 25) == []


def test_takes_are_chosen_alike_and_by_seed(data):
    test = data.sequences["test"]
    chosen = choose_takes(test, 1, 0)
    assert len(chosen) == 13  # two subjects, six expressions, and one with two at once
    assert chosen == choose_takes(test, 1, 0)
    assert chosen != choose_takes(test, 1, 3)
    assert len(choose_takes(test, 2, 0)) == len(test)
    some = one_of_each(test, 6, 0)
    assert len({s.expression for s in some}) == 6


def test_a_change_counts_where_it_is_larger_than_its_spread():
    full = {"a": 1.0, "b": 1.1, "c": 0.9}
    worse = {name: value + 0.2 for name, value in full.items()}
    assert paired_change(full, worse).is_something
    assert not paired_change(full, full).is_something
    assert not paired_change(full, {"a": 1.3, "b": 0.9, "c": 0.8}).is_something
    assert paired_change(full, worse, 2.0).ablated == pytest.approx(0.6)
    often, seldom = (Recognition(share, 1.0, 2.0, 100, 27) for share in (0.6, 0.1))
    assert share_change(often, seldom).is_something
    assert not share_change(seldom, Recognition(0.12, 1.0, 2.0, 100, 27)).is_something


def test_results_are_finite_and_have_their_names(evaluated):
    settings, results = evaluated
    written = json.loads((settings.out / "results.json").read_text())["lm4dgan"]
    assert written == results
    ours = results["systems"]["lm4dgan"]
    assert {"noise", "best", "mean_motion"} <= set(ours["landmarks_mm"])
    assert set(ours["skin_mm"]["noise"]) == {*results["expressions"], "total", "compound"}
    assert results["num_diversity_takes"] == 12
    assert results["num_sequences"] == 12 == results["num_sequences_in_split"] / 2
    assert ours["diversity"]["landmarks_ratio"] > 0
    assert results["systems"]["motion3dgan_s2d"]["diversity"]["landmarks_ratio"] == 0
    lengths = {row["num_frames"]: row for row in ours["lengths"]}
    assert set(lengths) == {0, *LENGTHS}
    assert all(row["is_valid"] for row in lengths.values())
    assert ours["many_expressions"]["num_frames"] == 600
    assert ours["ends_mm"] < 1e-4


def test_targets_say_what_was_found(evaluated):
    _, results = evaluated
    verdicts = {t["name"]: t["reached"] for t in results["targets"]}
    assert verdicts["decoder_error"] is not None
    assert verdicts["ends"] is True
    assert verdicts["ablations"] is None
    ours, peer = (results["systems"][n]["landmarks_mm"] for n in ("lm4dgan", "motion3dgan_s2d"))
    ratio = max(ours[s]["total"] / peer[s]["total"] for s in ("noise", "best"))
    assert verdicts["landmark_error"] is (ratio <= 0.9)


def test_a_part_that_is_itself_is_worth_nothing(evaluated):
    _, results = evaluated
    rows = {row["name"]: row for row in results["ablations"]}
    assert not any(c["is_something"] for c in rows["no_identity"]["changes"].values())
    other = rows["one_stage"]["changes"]
    assert other["diversity_ratio"]["ablated"] == 0 < other["diversity_ratio"]["full"]
    assert other["diversity_ratio"]["is_something"]


def test_the_section_says_everything_and_how_to_do_it_again(evaluated):
    settings, results = evaluated
    page = (settings.out / "results.md").read_text()
    assert page.startswith(HEADING)
    for target in results["targets"]:
        assert target["finding"] in page
    for text in ("12 of 24 takes", "nothing", "`class_mean_rbf`", "beside a full training"):
        assert text in page
    words = shlex.split(results["command"])
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert words[:6] == ["python", "-m", "training", "evaluate", "--system", "lm4dgan"]
    assert command.settings_of(parser.parse_args(words[6:])) == settings


def test_neither_generator_loses_the_other_ones_results(data, evaluated, tmp_path, monkeypatch):
    monkeypatch.setattr("training.evaluation.examination.NUM_CLASSIFIERS", 1)
    _, results = evaluated
    before = {"systems": {"hybrid": 1.0}}
    (tmp_path / "results.json").write_text(json.dumps(before))
    (tmp_path / "results.md").write_text("# Results\n\nOf the first.\n")
    saved_results.write_section(results, tmp_path)
    saved_results.write_section(results, tmp_path)  # again: in place of the older one
    page = (tmp_path / "results.md").read_text()
    assert page.count(HEADING) == 1
    assert without_landmark_section(page) == "# Results\n\nOf the first.\n"
    assert json.loads((tmp_path / "results.json").read_text()) == before | {"lm4dgan": results}

    first = expression_evaluation.EvaluationSettings(
        out=tmp_path, runs=tmp_path, systems=("neutral", "truth"), has_figures=False
    )
    expression_evaluation.evaluate(data, first)
    page = (tmp_path / "results.md").read_text()
    assert page.count(HEADING) == 1
    assert page.startswith("# Results")
    assert "Of the first." not in page
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["lm4dgan"] == results
    assert "neutral" in content["systems"]


def test_results_that_cannot_be_read_are_not_overwritten(evaluated, tmp_path):
    _, results = evaluated
    (tmp_path / "results.json").write_text("{ broken")
    with pytest.raises(FacegenError, match="is not JSON"):
        saved_results.write_section(results, tmp_path)


def test_what_is_missing_leaves_targets_open(evaluated):
    _, results = evaluated
    without = results | {"systems": {"class_mean": results["systems"]["class_mean"]}, "decoder": {}}
    assert all(target["reached"] is None for target in judge_landmark_targets(without))


def test_recordings_of_any_expressions_are_measured(prepared_scans, tmp_path):
    recorded = read_training_data(TrainConfig(data=prepared_scans))
    settings = LandmarkSettings(
        data=prepared_scans, out=tmp_path, frames=8, is_quick=True, has_figures=False
    )
    own = read_reference(recorded, 8, 1)
    results = command.evaluate(recorded, settings, fake_systems(own, recorded.template))
    assert results["expressions"] == list(recorded.expressions)
    assert not results["has_simulator"]
    assert results["identity_limit"] is None
    verdicts = {t["name"]: t["reached"] for t in results["targets"]}
    assert verdicts["identity"] is None  # one test subject: nobody to be taken for
    assert verdicts["recognised"] is not None
    assert (tmp_path / "results.md").read_text().startswith(HEADING)
