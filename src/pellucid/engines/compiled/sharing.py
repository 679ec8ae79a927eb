"""Products with large matrices, which shards do together instead of each its own rows.

A shard has few rows, and every one of them would read, or write, all of the matrix. So
each takes a part of the matrix, for the rows of all shards.
"""

import math
from itertools import pairwise
from typing import Any

from pellucid.engines.compiled.arena import read_by
from pellucid.engines.compiled.chains import is_for_samples
from pellucid.engines.compiled.library import TURNED
from pellucid.engines.compiled.plan import Plan, is_turned, stored_as
from pellucid.symbol import Symbol

LARGE = 2**18  # numbers of a matrix
MOST_ROWS = 256  # in all shards, for a product to be cut by its columns
PANEL = 64  # columns that stay together


def factors(node: Symbol) -> tuple[Symbol, bool, Symbol, bool]:
    """Return what a product reads, and whether transposed: left, then right.

    Parameters
    ----------
    node : Symbol
        A matrix product.

    Returns
    -------
    tuple of (Symbol, bool, Symbol, bool)
    """
    x, y = (
        (value.inputs[0], True) if is_turned(value, node) else (value, False)
        for value in node.inputs
    )
    return *x, *y


def late_products(
    plan: Plan,
    outputs: dict[int, tuple[str, str]],
    copies: list[tuple[Symbol, tuple[str, str]]],
) -> dict[tuple[str, str], int]:
    """Return the large gradients that are one product and that no step reads.

    They can be computed piece by piece in the update, and need no memory then.

    Parameters
    ----------
    plan : Plan
        Of a training step.
    outputs : dict of int to (str, str)
        Node id -> where it is made.
    copies : list of (Symbol, (str, str))
        Outputs that are copies.

    Returns
    -------
    dict of (str, str) to int
        Place of the gradient -> step.
    """
    read = {
        source.id for step in plan.steps for n in step.nodes for source in read_by(n)
    }
    read |= {source.id for source, _ in copies}
    found = {}
    for i, step in enumerate(plan.steps):
        node = step.nodes[0]
        if node.operation.name != "matmul" or node.id in read or node.ndim != 2:
            continue
        place = outputs.get(node.id, ("", ""))
        over_batch = factors(node)[1] and not is_for_samples(node)
        if place[0] == "g" and over_batch and math.prod(node.shape) >= LARGE:
            found[place] = i
    return found


def is_for_all(node: Symbol, shards: int, rows: int) -> bool:
    """Return whether a product is cut by its columns, and not by its rows.

    Parameters
    ----------
    node : Symbol
        Any operation.
    shards : int
        How many there are.
    rows : int
        Rows of the batch.

    Returns
    -------
    bool
    """
    if node.operation.name != "matmul" or shards == 1 or rows > MOST_ROWS:
        return False
    _, turned, y, _ = factors(node)
    if not is_for_samples(node) or is_for_samples(y) or turned:
        return False
    columns: Any = node.shape[-1]
    given = stored_as(y).operation.group == "leaf"
    return given and math.prod(y.shape) >= LARGE and columns >= shards * PANEL


FEW = 48  # rows of a part of a product, about
WORTH = 2**15  # multiplications of a part of a product, at least


def parts_of_product(row: list[int], item: int) -> list[list[int]]:
    """Return the operands of a product as those of some parts of it.

    Parameters
    ----------
    row : list of int
        See `library.PRODUCT`.
    item : int
        Bytes of a number.

    Returns
    -------
    list of list of int
    """
    rows, columns, inner, _, at_rows, _, y, long_y, z, to, how = row
    most = rows * columns * inner // WORTH
    found = []
    if rows >= 2 * FEW:
        for begin, end in _edges(rows, min(most, rows // FEW), 6):
            part = row.copy()
            part[0], part[4], part[9] = end - begin, at_rows + 8 * begin, to + 8 * begin
            found.append(part)
        return found
    step = long_y if how & TURNED else 1
    for begin, end in _edges(columns, min(most, columns // PANEL), PANEL):
        part = row.copy()
        part[1], part[6] = end - begin, y + item * begin * step
        part[8] = z + item * begin
        found.append(part)
    return found


def _edges(length: int, count: int, unit: int) -> list[tuple[int, int]]:
    """Return a length in up to four parts of whole units and a rest."""
    units = length // unit
    count = max(1, min(4, count, units))
    edges = [units * k // count * unit for k in range(count)] + [length]
    return list(pairwise(edges))
