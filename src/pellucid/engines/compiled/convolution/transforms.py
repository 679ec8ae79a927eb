r"""The transforms of Winograd's convolution F(4 x 4, 3 x 3), as matrices and as text.

Four outputs of a filter of three taps take six products instead of twelve:
``y = A^T [(G g) * (B^T d)]``, and in two dimensions thirty-six instead of a hundred and
forty-four: ``Y = A^T [(G g G^T) * (B^T d B)] A``, for a tile d of 6 x 6 inputs.
Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

# Each transform in two steps: first the sums that several results share.
INPUT = (
    np.array(  # of d0...d5: even and odd sums, and what the first and last one need
        [
            [4, 0, -5, 0, 1, 0],
            [0, 0, -4, 0, 1, 0],
            [0, -4, 0, 1, 0, 0],
            [0, 0, -1, 0, 1, 0],
            [0, -1, 0, 1, 0, 0],
            [0, 4, 0, -5, 0, 1],
        ]
    ),
    np.array(
        [
            [1, 0, 0, 0, 0, 0],
            [0, 1, 1, 0, 0, 0],
            [0, 1, -1, 0, 0, 0],
            [0, 0, 0, 1, 2, 0],
            [0, 0, 0, 1, -2, 0],
            [0, 0, 0, 0, 0, 1],
        ]
    ),
)
FILTER = (
    np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [1, 0, 4], [0, 0, 1]]),
    np.array(
        [
            [1 / 4, 0, 0, 0, 0],
            [0, -1 / 6, -1 / 6, 0, 0],
            [0, -1 / 6, 1 / 6, 0, 0],
            [0, 0, 1 / 12, 1 / 24, 0],
            [0, 0, -1 / 12, 1 / 24, 0],
            [0, 0, 0, 0, 1],
        ]
    ),
)
OUTPUT = (
    np.array(
        [
            [1, 0, 0, 0, 0, 0],
            [0, 1, 1, 0, 0, 0],
            [0, 1, -1, 0, 0, 0],
            [0, 0, 0, 1, 1, 0],
            [0, 0, 0, 1, -1, 0],
            [0, 0, 0, 0, 0, 1],
        ]
    ),
    np.array(
        [
            [1, 1, 0, 1, 0, 0],
            [0, 0, 1, 0, 2, 0],
            [0, 1, 0, 4, 0, 0],
            [0, 0, 1, 0, 8, 1],
        ]
    ),
)


def adjoint(steps: tuple[Matrix, ...]) -> tuple[Matrix, ...]:
    """Return the steps of the transposed transform.

    Parameters
    ----------
    steps : tuple of ndarray
        Matrices, the first one first.

    Returns
    -------
    tuple of ndarray
    """
    return tuple(step.T for step in reversed(steps))


def constants(steps: tuple[Matrix, ...]) -> list[str]:
    """Return the lines that make vectors of the numbers in some matrices.

    Parameters
    ----------
    steps : tuple of ndarray
        Matrices.

    Returns
    -------
    list of str
        For a width to be filled in.
    """
    found = {abs(float(value)) for step in steps for value in step.ravel()}
    named = [("nothing", "0"), *((_name(s), repr(s)) for s in sorted(found - {0, 1}))]
    return [f"{name} = spread(number({size}), {{width}})" for name, size in named]


def both_sides(steps: tuple[Matrix, ...], x: str, z: str) -> list[str]:
    """Return the lines of ``Z = M X M^T``, entry by entry, with M the steps' product.

    Parameters
    ----------
    steps : tuple of ndarray
        Matrices, the first one first.
    x, z : str
        Letters of the entries: ``x12`` is in row 1 and column 2.

    Returns
    -------
    list of str
    """
    size = steps[0].shape[1]
    lines: list[str] = []
    letters = iter("hijklo")
    rows = {(i, j): f"{x}{i}{j}" for i in range(size) for j in range(size)}
    for step in steps:
        letter, made = next(letters), {}
        for j in range(size):
            for i, factors in enumerate(step):
                column = [rows[k, j] for k in range(step.shape[1])]
                made[i, j] = _named(lines, factors, column, f"{letter}{i}{j}")
        rows = made
    high = steps[-1].shape[0]
    for step in steps:
        letter, made = next(letters), {}
        for i in range(high):
            for j, factors in enumerate(step):
                row = [rows[i, k] for k in range(step.shape[1])]
                made[i, j] = _named(lines, factors, row, f"{letter}{i}{j}")
        rows = made
    return [*lines, *(f"{z}{i}{j} = {name}" for (i, j), name in rows.items())]


def _named(lines: list[str], factors: Matrix, names: list[str], new: str) -> str:
    """Return the name of a sum of products; a new one only where something is done."""
    text = _sum(factors, names)
    if text in names:
        return text
    lines.append(f"{new} = {text}")
    return new


def _sum(
    factors: "np.ndarray[tuple[int], np.dtype[np.float64]]", names: list[str]
) -> str:
    """Return the text of a sum of products; terms with a plus first."""
    terms = [(float(f), name) for f, name in zip(factors, names, strict=True) if f]
    terms.sort(key=lambda term: term[0] < 0)
    text = ""
    for factor, name in terms:
        product = name if abs(factor) == 1 else f"{_name(abs(factor))} * {name}"
        if not text:
            text = product if factor > 0 else f"nothing - {product}"
        else:
            text += f" {'+' if factor > 0 else '-'} {product}"
    return text


def _name(size: float) -> str:
    """Return the name of a constant: c4, c1_6."""
    if size >= 1:
        return f"c{size:g}"
    return f"c1_{1 / size:g}"
