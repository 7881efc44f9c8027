"""Products and solutions that end in the same bits on any number of threads."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facegen_core.repeatable import by_columns, inner, solve_normal, weighted_sum

ROOT = Path(__file__).resolve().parents[2]
# Sizes at which BLAS shares its own products.
PRINTS = """
import hashlib
import numpy as np
from facegen_core.repeatable import by_columns, inner, solve_normal, weighted_sum
rng = np.random.default_rng(0)
rows, points, weights = rng.random((7800, 107)), rng.random((14000, 3)), rng.random(14000)
system = inner(rows, rows) + np.eye(107)
layer, pixels = rng.random((48, 360), np.float32), rng.random((4, 360, 256), np.float32)
made = [system, weighted_sum(weights, points), by_columns(layer, pixels)]
made.append(solve_normal(system, rng.random(107)))
print(hashlib.sha256(b"".join(a.tobytes() for a in made)).hexdigest())
"""


def test_they_are_what_plain_products_are():
    rng = np.random.default_rng(1)
    for rows, columns, others in ((1, 1, 1), (50_000, 3, 3), (9_000, 40, 107), (20_000, 1, 5)):
        left, right = rng.normal(size=(rows, columns)), rng.normal(size=(rows, others))
        np.testing.assert_allclose(inner(left, right), left.T @ right, rtol=1e-9, atol=1e-8)
    weights, points = rng.random(20_000), rng.normal(size=(20_000, 3))
    np.testing.assert_allclose(weighted_sum(weights, points), weights @ points, rtol=1e-9)
    layer, pixels = rng.normal(size=(64, 360)), rng.normal(size=(3, 360, 101))
    np.testing.assert_allclose(by_columns(layer, pixels), layer @ pixels, atol=1e-10)
    assert by_columns(layer, pixels[..., :0]).shape == (3, 64, 0)


def test_normal_equations_are_solved_also_close_to_singular():
    rows = np.random.default_rng(2).normal(size=(300, 40))
    system, goal = rows.T @ rows, rows.sum(axis=0)
    np.testing.assert_allclose(solve_normal(system, goal), np.linalg.solve(system, goal), rtol=1e-8)
    indefinite = np.diag([1.0, -1e-18])
    np.testing.assert_allclose(indefinite @ solve_normal(indefinite, np.ones(2)), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError):
        solve_normal(np.zeros((2, 2)), np.ones(2))


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor makes one thread")
def test_the_last_bits_do_not_depend_on_the_number_of_threads():
    def printed(threads: int) -> str:
        number = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        done = subprocess.run(
            [sys.executable, "-c", PRINTS],
            env={**os.environ, **number},
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout

    assert printed(1) == printed(2)
