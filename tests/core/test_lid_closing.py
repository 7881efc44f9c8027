"""Lids that close on one face close on the other."""

import numpy as np
import pytest
from scipy import sparse

from facegen_core.registration.lid_closing import LidClosing
from facegen_core.registration.lid_rims import Rims, _closest_pair, _Lid

COLUMN = np.array([1])


def rims(height):
    """One place whose eye is so many mm open; vertex 0 is the upper lid, 1 the lower, of three."""
    upper, lower = (sparse.csr_matrix(([1.0], ([0], [k])), (1, 3)) for k in (0, 1))
    return Rims(upper, lower, np.array([[0.0, height, 0.0]]), COLUMN)


# The template's eye is 10 mm open, the target's 12 mm.
CLOSING = LidClosing(
    rims(10.0),
    rims(12.0),
    np.array([0, 1]),
    np.array([[0.75], [-0.25]]),
    np.array([[0.0, 0.0, 1.0]]),
)


def closed_by(upper, lower=0.0):
    """(3, 1, 3) of lids that come together by so many mm."""
    skin = np.zeros((3, 1, 3))
    skin[:2, 0, 1] = [-upper, lower]
    return skin


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_the_target_closes_by_the_same_share(share):
    skin = closed_by(9.0 * share, 1.0 * share)
    moved = skin.copy()
    CLOSING.correct_in_place(moved, skin)
    assert moved[0, 0, 1] - moved[1, 0, 1] == pytest.approx(-12.0 * share)
    np.testing.assert_array_equal(moved[2], 0.0)


def test_lids_that_all_but_close_close():
    moved = closed_by(9.0)
    moved[0, 0, 2] = 0.8  # and the upper one would end up before the lower one
    CLOSING.correct_in_place(moved, closed_by(9.0))
    np.testing.assert_allclose(moved[0] - moved[1], [[0.0, -12.0, 0.0]], atol=1e-12)


def test_closing_never_jumps():
    skin = np.concatenate([closed_by(h) for h in np.linspace(0.0, 11.0, 221)], axis=1)
    moved = skin.copy()
    CLOSING.correct_in_place(moved, skin)
    openness = 12.0 + moved[0, :, 1] - moved[1, :, 1]
    assert np.abs(np.diff(openness)).max() < 0.2  # mm, for 0.05 mm of the template
    assert (np.diff(openness) <= 1e-12).all()
    assert openness[-1] == pytest.approx(0.0)  # beyond closed is closed


def test_lids_that_move_together_are_left_alone():
    together = np.broadcast_to([1.0, 2.0, 3.0], (3, 4, 3)).copy()
    moved = together.copy()
    CLOSING.correct_in_place(moved, together)
    np.testing.assert_array_equal(moved, together)


def test_of_a_thick_margin_the_outer_edges_meet():
    def lid(height):
        points = np.array([[0.0, 1.02 * height, 3.0], [0.0, height, 0.0]])  # outer, inner edge
        return _Lid(points, np.array([[0, 1], [1, 0]]), np.zeros(2))

    upper, lower = _closest_pair(lid(5.0), lid(-5.0), 20.0, 1.0)
    assert upper[0] == lower[0] == 0
