"""Backprop against central differences: the proof that the chain rule was applied."""

from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.texttable import Table

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork


class GradientCheck(Table):
    """A table that compares gradients with central differences.

    Parameters
    ----------
    rows : sequence of tuple
        For each parameter its name, how many entries were checked of how many, the pair
        that differs most, that difference, and whether all agree.
    ok : bool
        Whether all parameters agree.
    """

    def __init__(self, rows: list[tuple[Any, ...]], ok: bool) -> None:
        self.ok = ok
        super().__init__(
            (
                "parameter",
                "checked",
                "of",
                "backprop",
                "differences",
                "largest error",
                "agree",
            ),
            rows,
            footer="all agree" if ok else "backprop and differences DISAGREE",
        )


def check_gradients(
    network: "NeuralNetwork",
    x: Any,
    y: Any,
    sample_weight: Any,
    mode: str,
    step: float,
    most: int,
) -> GradientCheck:
    """Compare backprop with central differences, see `NeuralNetwork.check_gradients`.

    Parameters
    ----------
    network : NeuralNetwork
        Whose gradients.
    x, y, sample_weight, mode, step, most
        As in `NeuralNetwork.check_gradients`.

    Returns
    -------
    GradientCheck
    """
    network.samples(x, y, several=False)  # gives a new network its first weights
    double = network.copy(dtype="float64")
    loss, gradients = double.backprop(x, y, sample_weight, mode)
    rows: list[tuple[Any, ...]] = []
    for name, window in double.parameters.items():
        flat, exact = window.reshape(-1), gradients[name].reshape(-1)
        places = np.linspace(0, flat.size - 1, min(most, flat.size)).astype(int)
        differences = np.empty(len(places))
        for i, place in enumerate(places):
            before = flat[place]
            h = step * max(1.0, abs(before))
            ends = []
            for moved in (before + h, before - h):
                flat[place] = moved
                ends.append(double.backprop(x, y, sample_weight, mode)[0])
            flat[place] = before
            differences[i] = (ends[0] - ends[1]) / (2 * h)
        shown = exact[places]
        error = np.abs(shown - differences)
        size = np.maximum(np.abs(shown), np.abs(differences))
        # What differences can tell: their own rounding, for a loss of this size.
        rounding = 1e-14 * abs(loss) / step
        allowed = 1e-5 * np.maximum(size, np.linalg.norm(exact)) + rounding
        at = int((error - allowed).argmax())
        rows.append(
            (
                name,
                len(places),
                flat.size,
                float(shown[at]),
                float(differences[at]),
                float(error[at]),
                "yes" if (error <= allowed).all() else "NO",
            )
        )
    return GradientCheck(rows, all(row[-1] == "yes" for row in rows))
