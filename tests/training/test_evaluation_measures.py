from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from facegen_core.intensity import EXPRESSIONS  # noqa: E402
from facegen_core.models.config import ModelConfig  # noqa: E402
from tests.training.evaluation_fixtures import TwoAtOnce  # noqa: E402
from tests.training.synthetic_sequences import bump_data  # noqa: E402
from training.datasets.sequence import Component  # noqa: E402
from training.evaluation.cases import looked_at_whole, read_case  # noqa: E402
from training.evaluation.intensity_response import measure_response  # noqa: E402
from training.evaluation.questions import Labels, Question  # noqa: E402
from training.evaluation.reconstruction_table import (  # noqa: E402
    NUM_PHASE_STEPS,
    ReconstructionTable,
)
from training.evaluation.reference import resampled_frames  # noqa: E402
from training.evaluation.skin_measures import SkinMeasures  # noqa: E402
from training.expression_model.recordings import MagnitudeStatistics  # noqa: E402

OFFSET = np.array([3.0, 4.0, 0.0], np.float32)  # 5 mm long


@pytest.fixture(scope="module")
def bumps():
    return bump_data()


@pytest.fixture(scope="module")
def case(bumps):
    return read_case(bumps.sequences["test"][0], EXPRESSIONS, 40, is_whole=True)


def table_of(bumps, face=None):
    ones = np.ones(bumps.template.num_vertices)
    return ReconstructionTable(EXPRESSIONS, ones if face is None else face)


def test_an_offset_of_five_millimetres_is_an_error_of_five(bumps, case):
    table = table_of(bumps)
    table.add("shifted", case, case.truth + OFFSET)
    cells = table.cells("shifted", "true", "skin")
    assert cells["happy"].mean == pytest.approx(5.0, abs=1e-4)
    assert cells["total"].mean == pytest.approx(5.0, abs=1e-4)
    assert set(cells) == {"happy", "total"}


def test_the_face_region_counts_its_own_vertices_alone(bumps, case):
    face = np.zeros(bumps.template.num_vertices)
    face[:10] = 1.0
    table = table_of(bumps, face)
    motion = case.truth.copy()
    motion[:, 10:] += OFFSET
    table.add("elsewhere", case, motion)
    assert table.cells("elsewhere", "true", "face")["happy"].mean == 0.0
    assert table.cells("elsewhere", "true", "skin")["happy"].mean > 4.0


def test_subjects_count_alike_however_many_sequences_they_have(bumps):
    first, second = (
        next(s for s in bumps.sequences["test"] if s.subject == name) for name in ("S009", "S010")
    )
    table = table_of(bumps)
    for sequence, factor in ((first, 1), (first, 1), (first, 1), (second, 3)):
        case = read_case(sequence, EXPRESSIONS, 40, is_whole=False)
        table.add("x", case, case.truth + factor * OFFSET)
    cell = table.cells("x", "true", "skin")["total"]
    assert cell.mean == pytest.approx((5 + 15) / 2, abs=1e-4)
    assert cell.deviation == pytest.approx(10 / np.sqrt(2), abs=1e-3)
    assert cell.num_subjects == 2


def test_two_expressions_at_once_have_a_column_of_their_own(bumps, case):
    table = table_of(bumps)
    table.add("x", case, case.truth)
    both = read_case(TwoAtOnce(*bumps.sequences["test"][:2]), EXPRESSIONS, 40, is_whole=False)
    table.add("x", both, both.truth + OFFSET)
    cells = table.cells("x", "true", "skin")
    assert cells["total"].mean == pytest.approx(0.0)
    assert cells["compound"].mean == pytest.approx(5.0, abs=1e-4)


def test_an_error_in_the_apex_is_shown_in_the_apex_and_where_on_the_skin(bumps, case):
    table = table_of(bumps)
    marks = case.sequence.marks
    in_apex = (case.frames > marks[1]) & (case.frames < marks[2])
    motion = case.truth.copy()
    motion[in_apex, 7] += OFFSET
    table.add("x", case, motion)
    curve = table.phase_curves(["x"])["x"]
    onset, apex, offset = curve.reshape(3, NUM_PHASE_STEPS)
    assert apex.max() > 0
    assert onset[: NUM_PHASE_STEPS // 2].max() == offset[NUM_PHASE_STEPS // 2 :].max() == 0
    heat = table.heat_maps(["x"])["x"]["happy"]
    assert heat.argmax() == 7
    assert np.count_nonzero(heat) == 1
    assert table.absent_phases == []


def test_takes_that_end_at_the_peak_have_no_offset(bumps):
    whole = bumps.sequences["test"][0]
    end = int(whole.marks[2])
    sequence = SimpleNamespace(
        subject="S009",
        expression="happy",
        marks=np.minimum(whole.marks, end),
        num_frames=end + 1,
        components=(Component("happy", np.minimum(whole.marks, end)),),
        displacements=lambda: whole.displacements()[: end + 1],
    )
    case = read_case(sequence, EXPRESSIONS, 40, is_whole=True)
    table = table_of(bumps)
    table.add("x", case, case.truth)
    assert table.absent_phases == ["offset"]
    assert np.isfinite(table.phase_curves(["x"])["x"]).all()
    skin = SkinMeasures(bumps.template, np.ones(bumps.template.num_vertices))
    skin.add("truth", case, case.truth)
    assert "return_to_neutral_mm" not in skin.summary("truth")
    assert np.isfinite(list(skin.summary("truth").values())).all()


def test_frames_are_compared_evenly_from_first_to_last():
    assert resampled_frames(79, 40).tolist() == list(range(0, 79, 2))
    frames = resampled_frames(10, 40)
    assert (frames[0], frames[-1], len(frames)) == (0, 9, 40)


def test_the_first_take_of_a_subject_and_expression_is_looked_at_whole(bumps):
    sequences = [*bumps.sequences["test"][:2], bumps.sequences["test"][0]]
    assert [whole for _, whole in looked_at_whole(sequences)] == [True, True, False]


@pytest.mark.parametrize(("rule", "average"), [("proportional", 2.0 / 2.5), ("extremeness", 0.5)])
def test_fixed_strength_is_the_average_of_the_class_and_tells_nothing(bumps, rule, average):
    labels = Labels(MagnitudeStatistics((2.0,) * 6, (0.5,) * 6), rule)
    sequence = bumps.sequences["test"][0]
    strong = Question.about(sequence, 20.0 * sequence.displacements(), EXPRESSIONS)
    weak = Question.about(sequence, sequence.displacements(), EXPRESSIONS)
    assert labels.amplitude(strong) != labels.amplitude(weak)
    amplitudes = [labels.amplitude(q.with_strength("fixed")) for q in (strong, weak)]
    assert amplitudes == pytest.approx([average, average])
    fixed = labels.signal(weak.with_strength("fixed"))
    assert fixed[:, 0].max() == pytest.approx(average)


def test_skin_measures_tell_lumps_trembling_and_a_face_that_does_not_settle(bumps, case):
    skin = SkinMeasures(bumps.template, np.ones(bumps.template.num_vertices))
    rng = np.random.default_rng(0)
    V = bumps.template.num_vertices  # noqa: N806
    answers = {
        "truth": case.truth,
        "double": 2 * case.truth,
        "lumpy": case.truth + rng.normal(size=(V, 3)),
        "shaky": case.truth + 0.2 * rng.normal(size=(len(case.truth), 1, 1)),
        "restless": case.truth + OFFSET,
    }
    for name, motion in answers.items():
        skin.add(name, case, motion.astype(np.float32))
    ratios = {name: skin.summary(name) for name in answers}
    for measure in ("roughness_ratio", "jitter_ratio", "peak_speed_ratio"):
        assert ratios["truth"][measure] == pytest.approx(1.0)
        assert ratios["double"][measure] == pytest.approx(2.0, rel=1e-4)
    assert ratios["double"]["speed_correlation"] == pytest.approx(1.0)
    assert ratios["lumpy"]["roughness_ratio"] > 5
    assert ratios["lumpy"]["jitter_ratio"] == pytest.approx(1.0, rel=1e-3)
    assert ratios["shaky"]["jitter_ratio"] > 2
    assert ratios["shaky"]["roughness_ratio"] == pytest.approx(1.0, rel=1e-3)
    assert ratios["truth"]["return_to_neutral_mm"] == 0.0
    assert ratios["restless"]["return_to_neutral_mm"] == pytest.approx(5.0, rel=1e-4)


@dataclass
class CurveModel:
    """Moves every vertex by a curve of the total intensity."""

    curve: object
    config: ModelConfig

    def encoder(self, signal):
        return signal.sum(dim=-1, keepdim=True)

    def decode(self, codes, shapes):
        skin = torch.zeros(20, len(codes), 3)
        skin[..., 0] = self.curve(codes[:, 0])
        return skin


def response_of(curve):
    model = CurveModel(curve, ModelConfig(rest_gate=0.0))
    return measure_response(model, [None], 30.0, np.ones(20))


def test_a_proportional_answer_to_intensity_is_monotone_and_linear():
    response = response_of(lambda x: 7.0 * x)
    assert response.monotone_share == 1.0
    assert response.linearity == pytest.approx(1.0)
    assert response.full_mm == pytest.approx(7.0, rel=1e-5)


def test_an_answer_that_turns_back_is_not_monotone():
    response = response_of(lambda x: torch.sin(np.pi * x))
    assert response.monotone_share == pytest.approx(0.5)
    assert response.linearity < 0.1


def test_lips_are_left_out_where_the_template_does_not_tell_them_apart(bumps, case):
    skin = SkinMeasures(bumps.template, np.ones(bumps.template.num_vertices))
    skin.add("truth", case, case.truth)
    assert "lip_penetration_mm" not in skin.summary("truth")
    assert SimpleNamespace(**skin.summary("truth")).roughness_ratio == pytest.approx(1.0)
