"""Data as a network takes them: inputs, targets and weights of samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Samples:
    """Data as a network takes them.

    Parameters
    ----------
    x : ndarray or dict of ndarray
        Inputs.
    y : ndarray
        Targets.
    weight : ndarray, shape (n,)
        Weights of the samples.
    own_y : object
        Targets as the user handed them in, for metrics of one's own.
    """

    x: Any
    y: NDArray[Any]
    weight: NDArray[Any]
    own_y: Any

    def take(self, rows: NDArray[np.int64]) -> "Samples":
        """Return some of the samples.

        Parameters
        ----------
        rows : ndarray of int
            Which.

        Returns
        -------
        Samples
        """
        x = (
            {name: values[rows] for name, values in self.x.items()}
            if isinstance(self.x, dict)
            else self.x[rows]
        )
        return Samples(x, self.y[rows], self.weight[rows], np.asarray(self.own_y)[rows])
