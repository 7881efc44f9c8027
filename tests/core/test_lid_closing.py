"""Lids that close on one face close on the other."""

import numpy as np
import pytest

from facegen_core.registration.lid_closing import LidClosing, Rims

# One place: the template's eye is 10 mm open, the target's 12 mm, upper lid first.
TEMPLATE_RIMS = Rims(*(np.array([k]) for k in (0, 1)), np.array([[0.0, 10.0, 0.0]]), np.array([1]))
TARGET_RIMS = Rims(*(np.array([k]) for k in (0, 1)), np.array([[0.0, 12.0, 0.0]]), np.array([1]))
CLOSING = LidClosing(TEMPLATE_RIMS, TARGET_RIMS, np.array([0, 1]), np.array([[0.75], [-0.25]]))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_target_closes_by_the_same_share(share):
    skin = np.zeros((3, 1, 3))
    skin[:2, 0, 1] = [-9.0 * share, 1.0 * share]
    moved = skin.copy()
    CLOSING.correct_in_place(moved, skin)
    assert moved[0, 0, 1] - moved[1, 0, 1] == pytest.approx(-12.0 * share)
    np.testing.assert_array_equal(moved[2], 0.0)


def test_lids_that_move_together_are_left_alone():
    together = np.broadcast_to([1.0, 2.0, 3.0], (3, 4, 3)).copy()
    moved = together.copy()
    CLOSING.correct_in_place(moved, together)
    np.testing.assert_array_equal(moved, together)
