"""Reading ICT-FaceKit."""

from pathlib import Path

import numpy as np
import pytest

from facegen_core.errors import DatasetError
from tests.training.toy_facekit import (
    NEUTRAL,
    NUM_MODES,
    REAL_SHAPE_NAMES,
    SHAPES,
    displacement,
    pack,
    write_obj,
)
from training.datasets.ict import SPLITS, read_split
from training.ict4d.ict_facekit import read_ict_facekit

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "ict-facekit.tar.xz"


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


@pytest.mark.skipif(not ARCHIVE.exists(), reason="the ICT-FaceKit archive is not at ../shared/data")
def test_the_real_archive_has_the_shapes_the_prototypes_are_written_in():
    model = read_ict_facekit(ARCHIVE)
    assert tuple(sorted(model.expression_names)) == REAL_SHAPE_NAMES
    assert model.identity_basis.shape == (100, 26719, 3)
    width = np.ptp(model.neutral[model.landmark_vertices][[0, 16], 0])
    assert 120 < width < 170  # millimetres between the ears' fronts
