"""Reading ICT-FaceKit, and the 4D set made from it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facegen_core.errors import DatasetError
from facegen_core.intensity import EXPRESSIONS
from facegen_core.template import InnerPart
from tests.sphere_template import sphere_template
from tests.training.toy_facekit import (
    NEUTRAL,
    NUM_MODES,
    REAL_SHAPE_NAMES,
    SHAPES,
    displacement,
    pack,
    write_obj,
    write_toy_facekit,
)
from training import prepare
from training.__main__ import main
from training.build_template import TemplateBuild
from training.datasets.ict import SPLITS, IctDataset, read_split
from training.expression_prototypes import PROTOTYPES, sides
from training.ict_facekit import read_ict_facekit
from training.make_subject import MAX_COEFFICIENT, identity_coefficients
from training.performance import (
    LENGTH_RANGE,
    MAX_ACTIVATION,
    Lips,
    draw_style,
    minimum_jerk,
    perform,
)

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "ict-facekit.tar.xz"
WIDE_OPEN = Lips(gap=1.0, changes=np.where(np.array(REAL_SHAPE_NAMES) == "mouthShrugLower", -8, 0))


@pytest.fixture
def facekit(tmp_path):
    return write_toy_facekit(tmp_path / "facekit")


def test_a_checkout_is_read_in_millimetres_with_names_in_their_order(facekit):
    model = read_ict_facekit(facekit)
    np.testing.assert_allclose(model.neutral, 10 * NEUTRAL)
    assert model.polygons.tolist() == [[0, 1, 2, 3], [2, 3, 4, -1]]
    assert model.expression_names == SHAPES
    assert model.identity_basis.shape == (NUM_MODES, 5, 3)
    np.testing.assert_allclose(
        model.expression("mouthSmile_L"), 10 * displacement(NUM_MODES + 1), atol=1e-4
    )


def test_an_archive_and_the_folder_inside_read_the_same(facekit, tmp_path):
    whole = read_ict_facekit(facekit)
    for source in (pack(facekit, tmp_path / "kit.tar.xz"), facekit / "FaceXModel"):
        other = read_ict_facekit(source)
        np.testing.assert_array_equal(other.expressions, whole.expressions)
        np.testing.assert_array_equal(other.identity_basis, whole.identity_basis)


def test_the_second_reading_comes_from_the_cache_and_is_the_same(facekit, tmp_path):
    cache = tmp_path / "deep" / "ict.npz"
    first = read_ict_facekit(facekit, cache)
    second = read_ict_facekit(tmp_path / "gone", cache)
    np.testing.assert_array_equal(first.expressions, second.expressions)
    assert second.expression_names == SHAPES


def test_a_source_that_does_not_exist_is_refused_by_name(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere does not exist"):
        read_ict_facekit(tmp_path / "nowhere")


def test_a_folder_without_the_model_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"not an ICT-FaceKit checkout.*vertex_indices.json"):
        read_ict_facekit(tmp_path)


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "kit.tar.xz"
    path.write_bytes(b"not an archive")
    with pytest.raises(DatasetError, match="not a readable tar archive"):
        read_ict_facekit(path)


def test_a_truncated_archive_is_refused(facekit, tmp_path):
    path = pack(facekit, tmp_path / "kit.tar.xz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DatasetError, match=r"kit.tar.xz"):
        read_ict_facekit(path)


def test_a_missing_shape_is_named(facekit):
    (facekit / "FaceXModel" / "jawOpen.obj").unlink()
    with pytest.raises(DatasetError, match=r"jawOpen.obj is missing"):
        read_ict_facekit(facekit)


def test_a_shape_with_another_number_of_vertices_is_named(facekit):
    write_obj(facekit / "FaceXModel" / "jawOpen.obj", NEUTRAL[:4])
    with pytest.raises(DatasetError, match=r"jawOpen.obj has 4 vertices, the neutral 5"):
        read_ict_facekit(facekit)


def test_a_coordinate_that_is_not_finite_is_refused(facekit):
    write_obj(facekit / "FaceXModel" / "jawOpen.obj", np.where(NEUTRAL == 1, np.nan, NEUTRAL))
    with pytest.raises(DatasetError, match=r"jawOpen.obj.*not a finite number"):
        read_ict_facekit(facekit)


def test_the_splits_share_nobody_and_leave_nobody_out():
    names = {split: read_split("ict", split) for split in SPLITS}
    everybody = sorted(name for split in names.values() for name in split)
    assert everybody == [f"S{number:03d}" for number in range(1, 181)]
    assert (len(names["test"]), len(names["val"])) == (27, 10)


def test_prototypes_use_shapes_the_model_has_and_shares_sum_to_one():
    assert tuple(PROTOTYPES) == EXPRESSIONS
    for prototypes in PROTOTYPES.values():
        assert len(prototypes) >= 2
        assert sum(p.share for p in prototypes) == pytest.approx(1)
        for shape in (s for p in prototypes for s in p.activations):
            assert set(sides(shape, REAL_SHAPE_NAMES)) <= set(REAL_SHAPE_NAMES)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_take_rests_exactly_outside_its_marks_and_moves_inside(expression):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        style = draw_style(REAL_SHAPE_NAMES, rng)
        take = perform(expression, style, WIDE_OPEN, REAL_SHAPE_NAMES, rng)
        onset, apex, apex_end, offset = take.marks.astype(int)
        assert LENGTH_RANGE[0] <= len(take.activations) <= LENGTH_RANGE[1]
        assert 0 < onset < apex <= apex_end < offset < len(take.activations)
        assert not take.activations[: onset + 1].any()
        assert not take.activations[offset:].any()
        played = take.activations[apex : apex_end + 1].any(axis=0)
        assert (take.activations[apex : apex_end + 1, played] > 0).all()
        assert take.activations.max() <= 1.05 * MAX_ACTIVATION


def test_the_same_generator_state_plays_the_same_take():
    takes = []
    for _ in range(2):
        rng = np.random.default_rng(5)
        style = draw_style(REAL_SHAPE_NAMES, rng)
        takes.append(perform("fear", style, WIDE_OPEN, REAL_SHAPE_NAMES, rng).activations)
    np.testing.assert_array_equal(*takes)


def test_lips_of_a_closed_mouth_meet_whatever_the_face():
    names = np.array(REAL_SHAPE_NAMES)
    for gap in (0.5, 1.5, 3.0):
        lips = Lips(gap, np.where(names == "mouthShrugLower", -8.0, 0.0))
        rng = np.random.default_rng(0)
        style = draw_style(REAL_SHAPE_NAMES, rng)
        takes = [perform("sad", style, lips, REAL_SHAPE_NAMES, rng) for _ in range(40)]
        strong = [t for t in takes if t.extremeness > 0.95]
        assert strong
        for take in strong:
            middle = int(take.marks[1:3].mean())
            assert abs(gap + lips.changes @ take.activations[middle]) < 0.3 + 0.05 * gap


def test_minimum_jerk_starts_and_ends_at_rest():
    t = np.linspace(-0.5, 1.5, 2001)
    curve = minimum_jerk(t)
    assert (curve[t <= 0] == 0).all()
    np.testing.assert_allclose(curve[t >= 1], 1)
    assert (np.diff(curve) >= -1e-15).all()
    assert np.abs(np.diff(curve, 2)).max() < 1e-5


def test_identities_depend_on_name_and_seed_alone_and_stay_plausible():
    one = identity_coefficients("S001", 7, 100)
    np.testing.assert_array_equal(one, identity_coefficients("S001", 7, 100))
    assert not np.allclose(one, identity_coefficients("S002", 7, 100))
    assert not np.allclose(one, identity_coefficients("S001", 8, 100))
    assert np.abs(one).max() <= MAX_COEFFICIENT


@pytest.fixture
def small_build(monkeypatch):
    """Instead of the head of ICT-FaceKit: the sphere, with the real names for its shapes."""
    template = sphere_template()
    rng = np.random.default_rng(1)
    vertices = template.vertices
    centres = vertices[rng.integers(0, len(vertices), len(REAL_SHAPE_NAMES))]
    near = np.exp(-(((vertices - centres[:, None]) / 25.0) ** 2).sum(axis=2))
    shapes = near[..., None] * rng.normal(scale=3.0, size=(len(centres), 1, 3))
    shapes[:, vertices[:, 1] < -40] = 0.0
    poses = np.zeros((len(centres), 6))
    poses[REAL_SHAPE_NAMES.index("jawOpen")] = [0.4, 0, 0, 0, 0, 0]
    teeth = replace(template.inner_parts[0], name="lower_teeth")
    assert isinstance(teeth, InnerPart)
    template = replace(template, inner_parts=(teeth,))
    build = TemplateBuild(template, REAL_SHAPE_NAMES, shapes.astype(np.float32), poses)
    monkeypatch.setattr(prepare, "build_template", lambda model, progress: build)
    return build


def _contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def prepared(small_build, facekit, tmp_path):
    prepare.prepare_ict(facekit, tmp_path / "set", seed=3, num_subjects=2, num_workers=1)
    return tmp_path / "set"


def test_a_prepared_set_has_every_take_of_every_subject(prepared, small_build):
    dataset = IctDataset(prepared)
    assert dataset.subjects == ("S001", "S002")
    for subject in dataset.subjects:
        sequences = dataset.subject_sequences(subject)
        takes = {(s.expression, s.take) for s in sequences}
        assert takes == {(e, k) for e in EXPRESSIONS for k in (1, 2)}
        for sequence in sequences:
            T = sequence.num_frames  # noqa: N806
            assert sequence.displacements().shape == (T, dataset.template.num_vertices, 3)
            assert sequence.jaw().shape == (T, 6)
            assert not sequence.displacements()[0].any()
    np.testing.assert_array_equal(dataset.template.triangles, small_build.template.triangles)


def test_displacements_are_the_activations_of_the_subjects_own_shapes(prepared):
    sequence = IctDataset(prepared).subject_sequences("S001")[0]
    frame = int(sequence.marks[1])
    by_hand = np.zeros_like(sequence.neutral)
    for weight, shape in zip(sequence.activations[frame], sequence.shapes, strict=True):
        by_hand += weight * shape.astype(np.float32)
    np.testing.assert_allclose(sequence.displacements()[frame], by_hand, atol=1e-4)


def test_the_jaw_turns_when_the_mouth_opens(prepared):
    sequences = IctDataset(prepared).subject_sequences("S001")
    surprise = next(s for s in sequences if s.expression == "surprise")
    opening = surprise.activations[:, REAL_SHAPE_NAMES.index("jawOpen")]
    still = opening == 0
    assert not surprise.jaw()[still].any()
    assert np.corrcoef(opening, surprise.jaw()[:, 0])[0, 1] > 0.99


def test_a_killed_run_is_completed_to_the_same_bytes(prepared, small_build, facekit):
    before = _contents(prepared)
    (prepared / "subjects" / "S002.npz").unlink()
    (prepared / "subjects" / "S002_shapes.npy").write_bytes(b"half")
    (prepared / "sequences" / "S002_sad_1.npz").unlink()
    prepare.prepare_ict(facekit, prepared, seed=3, num_subjects=2, num_workers=1)
    assert _contents(prepared) == before


def test_a_folder_begun_with_another_seed_is_refused(prepared, facekit):
    with pytest.raises(DatasetError, match="begun with seed 3, not 4"):
        prepare.prepare_ict(facekit, prepared, seed=4, num_subjects=2)


def test_an_incomplete_or_foreign_set_is_refused(prepared, tmp_path):
    with pytest.raises(DatasetError, match=r"dataset.json is missing"):
        IctDataset(tmp_path)
    (prepared / "sequences" / "S001_sad_1.npz").unlink()
    with pytest.raises(DatasetError, match="S001 has 11 of 12 sequences"):
        IctDataset(prepared).sequences("train")
    (prepared / "dataset.json").write_text(json.dumps({"version": 99}))
    with pytest.raises(DatasetError, match="version 99"):
        IctDataset(prepared)


def test_a_damaged_sequence_is_named(prepared):
    path = prepared / "sequences" / "S001_fear_2.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match=r"S001_fear_2.npz is not a readable sequence"):
        IctDataset(prepared).subject_sequences("S001")


def test_the_command_line_says_in_one_sentence_what_is_wrong(tmp_path, capsys):
    source = str(tmp_path / "nowhere")
    code = main(["prepare", "ict", "--source", source, "--out", str(tmp_path / "out")])
    assert code == 1
    assert "does not exist" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not ARCHIVE.exists(), reason="the ICT-FaceKit archive is not at ../shared/data")
def test_the_real_archive_has_the_shapes_the_prototypes_are_written_in():
    model = read_ict_facekit(ARCHIVE)
    assert tuple(sorted(model.expression_names)) == REAL_SHAPE_NAMES
    assert model.identity_basis.shape == (100, 26719, 3)
    width = np.ptp(model.neutral[model.landmark_vertices][[0, 16], 0])
    assert 120 < width < 170  # millimetres between the ears' fronts
