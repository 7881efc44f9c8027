"""One run in several processes learns what one process learns."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from tests.training.short_runs import checkpoint_of, finish, start  # noqa: E402
from training.runs.distributed import Processes, started_by_torchrun  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
# The batch of 5 splits unevenly; the last batch of an epoch of 48 by 47 leaves one process nothing.
CHANGES = {
    "motion_batch": 5,
    "motion_steps": 6,
    "detail_steps": 0,
    "detail_epochs": 1,
    "detail_batch": 47,
}


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("num_rows", [5, 6, 16])
def test_parts_cover_the_batch_once_and_about_evenly(size, num_rows):
    parts = [Processes(rank, size).part(num_rows) for rank in range(size)]
    rows = [list(range(num_rows))[part] for part in parts]
    assert [row for part in rows for row in part] == list(range(num_rows))
    lengths = [len(part) for part in rows]
    assert max(lengths) - min(lengths) <= 1


def test_a_process_knows_its_place_from_torchrun(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert started_by_torchrun() == Processes(0, 1, 0)
    for name, value in {"WORLD_SIZE": 8, "RANK": 5, "LOCAL_RANK": 1}.items():
        monkeypatch.setenv(name, str(value))
    place = started_by_torchrun()
    assert place == Processes(5, 8, 1)
    assert not place.is_first


@pytest.mark.parametrize(("rank", "is_silent"), [("0", "False"), ("1", "True")])
def test_only_the_first_process_shows_progress_bars(rank, is_silent):
    code = "import training.__main__; from tqdm import tqdm; print(tqdm([]).disable)"
    environment = {**os.environ, "RANK": rank}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert said.stdout.strip() == is_silent


def test_two_processes_train_as_one(tmp_path):
    one = start(tmp_path / "one", **CHANGES)
    two = start(tmp_path / "two", processes=2, **CHANGES)
    finish(one)
    finish(two)
    alone, shared = checkpoint_of(tmp_path / "one"), checkpoint_of(tmp_path / "two")
    assert len(alone.history["motion"]) == 6
    assert len(alone.history["detail"]) == 2
    for stage, losses in alone.history.items():
        np.testing.assert_allclose(shared.history[stage], losses, rtol=1e-5, atol=1e-7)
    for name, values in alone.weights.items():
        np.testing.assert_allclose(shared.weights[name], values, atol=2e-5, err_msg=name)
    assert shared.progress["metrics"]["final"].keys() == alone.progress["metrics"]["final"].keys()
    files = {path.name for path in (tmp_path / "two").iterdir()}
    assert files == {"checkpoint.npz", "config.yaml", "metrics.json", "run.json"}
