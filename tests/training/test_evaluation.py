import argparse
import dataclasses
import json
import shlex
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from facegen_core.errors import FacegenError  # noqa: E402
from facegen_core.intensity import EXPRESSIONS  # noqa: E402
from tests.training.evaluation_fixtures import TwoAtOnce, toy_data, write_toy_run  # noqa: E402
from training.evaluation import evaluate as evaluation  # noqa: E402
from training.evaluation import examination, pictures  # noqa: E402
from training.evaluation.evaluate import EvaluationSettings, add_arguments, settings_of  # noqa: E402
from training.evaluation.reference import read_reference  # noqa: E402
from training.evaluation.report_tables import reconstruction_section  # noqa: E402
from training.evaluation.systems import OpenedSystems, open_systems  # noqa: E402
from training.evaluation.targets import judge_targets  # noqa: E402
from training.figures import heat_maps, interpolation, motion_frames  # noqa: E402

COLUMNS = {*EXPRESSIONS, "total"}


@pytest.fixture(autouse=True)
def one_classifier(monkeypatch):
    monkeypatch.setattr(examination, "NUM_CLASSIFIERS", 1)


@pytest.fixture(scope="module")
def data():
    bumps = toy_data()
    test = [*bumps.sequences["test"], TwoAtOnce(*bumps.sequences["test"][:2])]
    return toy_data(sequences=bumps.sequences | {"test": test})


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """Three finished runs; that of `hybrid` is not there."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("pca_lstm", "spiral_paper", "default"):
        write_toy_run(folder / name, data)
    return folder


@pytest.fixture(scope="module")
def evaluated(data, runs, tmp_path_factory):
    """Settings and results of an evaluation of everything there is, without figures."""
    out = tmp_path_factory.mktemp("docs")
    (out / "results-notes.md").write_text("Bumps are not faces.\n")
    settings = EvaluationSettings(runs=runs, out=out, has_figures=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examination, "NUM_CLASSIFIERS", 1)
        return settings, evaluation.evaluate(data, settings)


def numbers_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers_in(item)]
    return [value] if isinstance(value, float) else []


def test_results_json_has_every_figure_under_its_name(evaluated):
    settings, results = evaluated
    written = json.loads((settings.out / "results.json").read_text())
    assert written == results
    assert set(written["systems"]) == {
        "neutral", "class_mean", "pca_lstm", "spiral_paper", "hybrid_identity", "truth"
    }  # fmt: skip
    for content in written["systems"].values():
        assert set(content["error_mm"]) == set(content["face_error_mm"]) == COLUMNS
        for name in ("roughness_ratio", "jitter_ratio", "return_to_neutral_mm"):
            assert isinstance(content[name], float)
    for name in ("truth", "class_mean", "pca_lstm", "spiral_paper", "hybrid_identity"):
        scores = written["classification"][name]
        assert all(0 <= scores[k] <= 1 for k in ("precision", "recall", "f1"))
        assert set(scores["per_expression"]) == set(EXPRESSIONS)
    assert {"commit", "command", "seed", "data_hash", "targets"} <= set(written)
    assert np.isfinite(numbers_in(written)).all()


def test_what_is_missing_is_named_and_not_dropped(evaluated):
    settings, results = evaluated
    assert set(results["not_evaluated"]) == {"hybrid", "oracle"}
    report = (settings.out / "results.md").read_text()
    assert "`hybrid`" in report.split("## Targets")[0]
    near_floor = next(t for t in results["targets"] if t["name"] == "near_floor")
    assert near_floor["reached"] is None


def test_predicting_neutral_errs_by_the_whole_motion(data, evaluated):
    _, results = evaluated
    means = {}
    for sequence in data.sequences["test"][:-1]:
        frames = np.rint(np.linspace(0, sequence.num_frames - 1, 40)).astype(int)
        lengths = np.linalg.norm(sequence.displacements()[frames], axis=2)
        means.setdefault(sequence.subject, []).append(lengths.mean())
    expected = np.mean([np.mean(values) for values in means.values()])
    assert results["systems"]["neutral"]["error_mm"]["total"] == pytest.approx(expected, abs=1e-4)
    # Bumps differ from subject to subject by their strength alone, which the label tells.
    assert results["systems"]["class_mean"]["error_mm"]["total"] < 0.1 * expected


def test_not_knowing_the_strength_costs_what_the_strength_tells(evaluated):
    _, results = evaluated
    mean = results["systems"]["class_mean"]
    assert mean["fixed"]["error_mm"]["total"] > 2 * mean["error_mm"]["total"]


def test_two_expressions_at_once_are_told_to_systems_that_can_read_their_strength(evaluated):
    _, results = evaluated
    assert results["num_compound_sequences"] == 1
    told = {name for name, content in results["systems"].items() if "compound" in content}
    assert told == {"neutral", "class_mean", "pca_lstm", "hybrid_identity"}
    systems = results["systems"]
    errors = [systems[n]["compound"]["error_mm"]["mean"] for n in ("class_mean", "neutral")]
    assert errors[0] < 0.2 * errors[1]


def test_the_report_says_targets_tables_notes_and_how_to_do_it_again(evaluated):
    settings, results = evaluated
    report = (settings.out / "results.md").read_text()
    for target in results["targets"]:
        assert target["statement"] in report
        assert target["finding"] in report
    assert f"**{results['systems']['pca_lstm']['face_error_mm']['total']:.3f}**" in report
    assert "Bumps are not faces." in report
    assert results["command"] in report
    assert "--config training/configs/spiral_paper.yaml" in report
    assert "hybrid.yaml" not in report


def test_the_command_in_the_results_asks_for_the_same_again(evaluated):
    settings, results = evaluated
    words = shlex.split(results["command"])
    assert words[:4] == ["python", "-m", "training", "evaluate"]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert settings_of(parser.parse_args(words[4:])) == settings


def test_the_same_seed_gives_the_same_file(data, evaluated, tmp_path):
    settings, _ = evaluated
    again = dataclasses.replace(settings, out=tmp_path)
    evaluation.evaluate(data, again)
    first, second = (
        json.loads((s.out / "results.json").read_text()) | {"command": "", "commit": ""}
        for s in (settings, again)
    )
    assert first == second


def test_an_answer_that_is_the_truth_reaches_everything(data):
    class Knows:
        def answer(self, question, frames):
            return question.sequence.displacements()[frames]

    reference = read_reference(data, 40, 1)
    found = examination.examine(data, "test", OpenedSystems({"x": Knows()}, {}), reference, 1)
    assert found.table.cells("x", "true", "skin")["total"].mean == 0.0
    np.testing.assert_array_equal(found.scores["x"].means, found.scores["truth"].means)
    summary = found.skin.summary("x")
    for name in ("roughness_ratio", "jitter_ratio", "peak_speed_ratio", "speed_correlation"):
        assert summary[name] == pytest.approx(1.0)
    assert found.floors_mm["classifier"] < 1e-4


def test_runs_that_cannot_be_used_are_missing_with_the_reason(data, tmp_path):
    write_toy_run(tmp_path / "pca_lstm", data, metrics={})
    write_toy_run(tmp_path / "hybrid", data, frame_rate=25.0)
    write_toy_run(tmp_path / "default", data)
    six = toy_data(expressions=("happy", "sad", "bored", "angry", "disgust", "fear"))
    reference = read_reference(data, 40, 1)
    names = ("pca_lstm", "spiral_paper", "hybrid")
    missing = open_systems(names, tmp_path, data, reference, 1).missing
    assert "not finished" in missing["pca_lstm"]
    assert "train it first" in missing["spiral_paper"]
    assert "25 frames per second" in missing["hybrid"]
    missing = open_systems(("hybrid_identity",), tmp_path, six, reference, 1).missing
    assert "bored" in missing["hybrid_identity"]


@pytest.mark.parametrize(
    ("changes", "word"), [({"systems": ("neutral", "magic")}, "magic"), ({"frames": 3}, "frames")]
)
def test_what_makes_no_sense_is_refused(changes, word):
    with pytest.raises(FacegenError, match=word):
        EvaluationSettings(**changes)


def results_of(ours, baseline, oracle=0.3, **measures):
    def system(total):
        values = dict.fromkeys(COLUMNS, total)
        ratios = {"roughness_ratio": 1.0, "jitter_ratio": 1.0} | measures
        return {"error_mm": values, "face_error_mm": dict(values), **ratios}

    return {
        "expressions": list(EXPRESSIONS),
        "num_subjects": 27,
        "systems": {
            "hybrid_identity": system(ours),
            "pca_lstm": system(baseline),
            "oracle": system(oracle),
        },
        "classification": {"hybrid_identity": {"f1": 0.97}, "truth": {"f1": 0.98}},
        "subjects_better_than": {"pca_lstm": 27},
        "basis_face_error_mm": {"ours": 0.1},
    }


def reached(results):
    return {target["name"]: target["reached"] for target in judge_targets(results)}


def test_targets_are_reached_by_numbers_alone():
    assert set(reached(results_of(0.31, 0.4)).values()) == {True}
    assert not reached(results_of(0.4, 0.4))["below_baseline"]
    assert not reached(results_of(0.32, 0.4))["near_floor"]
    for basis, cause in ((0.1, "what the network makes"), (0.35, "more shapes")):
        results = results_of(0.32, 0.4) | {"basis_face_error_mm": {"ours": basis}}
        assert cause in judge_targets(results)[1]["finding"]
    assert not reached(results_of(0.31, 0.4, roughness_ratio=1.2))["smooth_skin"]
    assert not reached(results_of(0.31, 0.4, jitter_ratio=1.01))["calm_motion"]
    results = results_of(0.31, 0.4)
    results["classification"]["hybrid_identity"]["f1"] = 0.95
    assert not reached(results)["recognised"]


def test_one_expression_above_the_baseline_misses_the_target_and_is_named():
    results = results_of(0.31, 0.4)
    results["systems"]["hybrid_identity"]["error_mm"]["sad"] = 0.45
    target = judge_targets(results)[0]
    assert target["reached"] is False
    assert "sad 0.450 against 0.400" in target["finding"]


def test_a_system_below_the_oracle_is_named_and_explained(evaluated):
    _, results = evaluated
    systems = {**results["systems"], "oracle": results["systems"]["spiral_paper"]}
    systems["oracle"] = {**systems["oracle"], "error_mm": dict.fromkeys(COLUMNS, 0.1)}
    systems["class_mean"] = {**systems["class_mean"], "error_mm": dict.fromkeys(COLUMNS, 0.2)}
    above = "\n".join(reconstruction_section({**results, "systems": systems}))
    assert "simulated performances" in above
    assert "Below the oracle" not in above
    systems["class_mean"] = {
        **systems["class_mean"],
        "error_mm": dict.fromkeys(COLUMNS, 0.2) | {"sad": 0.05},
    }
    below = "\n".join(reconstruction_section({**results, "systems": systems}))
    assert "Below the oracle: Class mean in sad." in below


def test_all_figures_of_the_paper_are_drawn(data, runs, tmp_path, monkeypatch):
    def blank(vertices, triangles, colours=None, size=(4, 4), **options):
        assert np.isfinite(vertices).all()
        return np.full((size[1], size[0], 3), 255, np.uint8)

    for module in (heat_maps, interpolation, motion_frames):
        monkeypatch.setattr(module, "draw_face", blank)
    reference = read_reference(data, 40, 1)
    systems = ("class_mean", "hybrid_identity")
    opened = open_systems(systems, runs, data, reference, 1)
    found = examination.examine(data, "test", opened, reference, 1)
    drawn = pictures.draw_pictures(tmp_path, data, "test", opened, reference, found)
    files = {picture.file for picture in drawn}
    assert files == {path.name for path in tmp_path.iterdir()}
    assert {"heat_maps.png", "phase_errors.png", "interpolation_happy_angry.png"} <= files
    assert {f"motion_{name}.png" for name in EXPRESSIONS} <= files
    figures = {picture.caption[:8] for picture in drawn}
    assert figures == {"Figure 3", "Figure 4", "Figure 5", "Figure 6"}


def test_an_interpolation_begins_and_ends_with_the_apexes(data, runs):
    reference = read_reference(data, 40, 1)
    system = open_systems(("hybrid_identity",), runs, data, reference, 1).models["hybrid_identity"]
    face = pictures.first_face(data, "test")
    first, second = face.questions["happy"], face.questions["fear"]
    codes = pictures.codes_between(system, first, second)
    skin = system.model.decode(codes).transpose(0, 1).numpy(force=True)
    for question, row in ((first, 0), (second, -1)):
        frame = int(np.mean(question.sequence.marks[1:3]))
        apex = system.answer(question, np.array([frame]))[0]
        np.testing.assert_allclose(skin[row], apex, atol=1e-4)


def test_a_split_without_single_expressions_is_refused(data):
    compounds = toy_data(sequences={**data.sequences, "test": data.sequences["test"][-1:]})
    reference = SimpleNamespace(frames_per_sequence=40)
    with pytest.raises(FacegenError, match="test"):
        examination.examine(compounds, "test", OpenedSystems({}, {}), reference, 1)
