"""Triangles wound one way: flipped patches turned back, double faces dropped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .topology import edge_keys

IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]


def without_doubles(triangles: IntArray) -> IntArray:
    """(F',) rows of the triangles that are no second copy of three vertices, wound either way."""
    size = int(triangles.max(initial=0)) + 1
    low, middle, high = np.sort(triangles, axis=1).astype(np.int64).T
    # Two numbers a face: three vertices do not fit into one of 64 bits at two million vertices.
    order = np.lexsort((high, low * size + middle))
    keys, ends = (low * size + middle)[order], high[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (keys[1:] != keys[:-1]) | (ends[1:] != ends[:-1])
    return np.sort(order[is_first])


def flipped(triangles: IntArray) -> BoolArray:
    """(F,) which triangles are wound against most of the surface they are joined to by edges.

    Only edges of exactly two triangles join. Neighbours wound alike run along their edge in
    opposite directions; two copies of every triangle, one wound each way, fall apart into
    components that are each wound one way. A surface with one side only is left as it is.
    """
    first, second, is_alike = _neighbours(triangles)
    count = len(triangles)
    if is_alike.all():
        return np.zeros(count, bool)
    # Node t is triangle t as it is, node count + t is it turned round.
    rows = np.concatenate([first, first + count])
    columns = np.concatenate([second, second + count])
    turned = np.concatenate([second + count, second])
    columns = np.where(np.concatenate([is_alike, is_alike]), columns, turned)
    graph = sparse.coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), (2 * count,) * 2)
    labels = connected_components(graph, directed=False)[1]
    as_is, turned_labels = labels[:count], labels[count:]
    is_two_sided = as_is != turned_labels
    component = np.minimum(as_is, turned_labels)
    against = (as_is > turned_labels) & is_two_sided
    num_against = np.bincount(component, against)
    num_with = np.bincount(component, ~against)
    return np.where(num_against[component] > num_with[component], ~against, against) & is_two_sided


def _neighbours(triangles: IntArray) -> tuple[IntArray, IntArray, BoolArray]:
    """(E,) pairs of triangles joined by an edge of just these two, and whether they are wound
    alike."""
    keys, _ = edge_keys(triangles)
    is_upward = (triangles < np.roll(triangles, -1, axis=1)).ravel()
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    is_start = np.ones(len(order), bool)
    is_start[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(is_start)
    pairs = starts[np.diff(np.append(starts, len(order))) == 2]
    one, two = order[pairs], order[pairs + 1]
    return one // 3, two // 3, is_upward[one] != is_upward[two]
