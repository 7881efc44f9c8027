"""Eyeballs and what belongs to an eye: corneas, irises, tear shells, lashes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .scene import Scene, fit_sphere

FloatArray = NDArray[np.floating]

SIDES = ("left", "right")

# Eyeballs: centre and radius against the fitted eyeball, and how round they must be, as shares of
# its radius. Stylised heads have larger ones that sit elsewhere.
_CENTRE_SHARE, _RADIUS_SHARES, _ROUNDNESS = 0.6, (0.6, 1.5), 0.12
_REACH_SHARE = 1.8
# What is this wide in every direction, in radii, is a ball; what is flatter is a shell or a disc.
_BALL_SHARE = 1.0
# Tears and other shells lie on the eyeball, lashes stand off it.
_SHELL_SHARE = 0.2
# Tears and occlusion shells hug the lid line and are hollow; irises and corneas sit in the middle.
_LID_LINE_MM, _HOLLOW_SHARE = 2.0, 0.35
# Lashes start at a lid and are not longer than this.
_LASH_ROOT_MM, _LASH_LENGTH_MM = 2.5, 18.0


def eye_kind(scene: Scene, points: FloatArray) -> tuple[str, float] | None:
    """An eyeball, something on or inside one, or lashes; None where (P, 3) points are elsewhere."""
    for side in SIDES:
        kind = _kind_at_eye(scene, points, side)
        if kind is not None:
            return kind
    to_lids = scene.lids.query(points)[0]
    if to_lids.min() < _LASH_ROOT_MM and to_lids.max() < _LASH_LENGTH_MM:
        # Lashes are certain when all roots are at the lid, less so the longer they are.
        return "lashes", 1.0 - 0.5 * float(to_lids.max()) / _LASH_LENGTH_MM
    return None


def _kind_at_eye(scene: Scene, points: FloatArray, side: str) -> tuple[str, float] | None:
    centre, radius = scene.eyes[side]
    if np.linalg.norm(points - centre, axis=1).max() > _REACH_SHARE * radius:
        return None
    own_centre, own_radius, roughness = fit_sphere(points)
    low, high = _RADIUS_SHARES
    is_round = (
        np.linalg.norm(own_centre - centre) < _CENTRE_SHARE * radius
        and low * radius < own_radius < high * radius
        and roughness < _ROUNDNESS * radius
    )
    if is_round and np.ptp(points, axis=0).min() > _BALL_SHARE * radius:
        return f"eyeball_{side}", 1.0 - roughness / radius
    offsets = points - centre
    from_ball = np.linalg.norm(offsets, axis=1) - radius
    if np.abs(from_ball).mean() > _SHELL_SHARE * radius and from_ball.max() > 0:
        return None
    to_lids = scene.lids.query(points)[0]
    middle = points.mean(axis=0) - centre
    axis = middle / max(float(np.linalg.norm(middle)), 1e-9)
    from_axis = np.linalg.norm(offsets - (offsets @ axis)[:, None] * axis, axis=1)
    is_hollow = from_axis.min() > _HOLLOW_SHARE * radius
    if float(np.mean(to_lids)) < _LID_LINE_MM or (is_hollow and from_ball.max() > 0):
        return "tears", 0.8
    # A cornea bulges over the ball; an iris, lens or pupil inside it is part of the eyeball.
    if from_ball.max() > 0 or axis[2] > 0.5:
        return f"cornea_{side}", 0.7
    return f"eyeball_{side}", 0.6
