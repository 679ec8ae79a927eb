"""Whether probabilities are honest: of what is said to be 80 % likely, 80 % happen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_array, as_weights
from pellucid.errors import ConfigurationError, DataError, ShapeError
from pellucid.metrics import LogLoss
from pellucid.texttable import Table as TextTable

_SUM = 1e-3  # how far from 1 probabilities may sum to


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """How often it was right, for each range of what the network said.

    Parameters
    ----------
    edges : ndarray, shape (bins + 1,)
        The ranges of the probability.
    counts : ndarray of int, shape (bins,)
        Rows in each range.
    said : ndarray, shape (bins,)
        The mean probability of the rows in a range; NaN where there are none.
    happened : ndarray, shape (bins,)
        The share of them for which it was so; NaN where there are none.
    error : float
        The expected calibration error: the mean of ``|said - happened|`` over rows.
    log_loss : float
        The mean of ``-log p`` of the true class.
    brier : float
        Half of the mean of ``sum over classes of (p - y)^2``, from 0 to 1; for two
        classes the mean of ``(p - y)^2``.
    of : str
        What was said, in words.

    Examples
    --------
    See `pellucid.calibration`.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    said: NDArray[np.float64]
    happened: NDArray[np.float64]
    error: float
    log_loss: float
    brier: float
    of: str

    def __repr__(self) -> str:
        rows = [
            (f"{low:.0%} to {high:.0%}", int(n), float(said), float(happened))
            for low, high, n, said, happened in zip(
                self.edges[:-1],
                self.edges[1:],
                self.counts,
                self.said,
                self.happened,
                strict=True,
            )
            if n
        ]
        footer = (
            f"calibration error {self.error:.4f}, log-loss {self.log_loss:.4f}, "
            f"Brier score {self.brier:.4f}"
        )
        header = ("range", "rows", "said", "happened")
        return str(TextTable(header, rows, self.of, footer))


def calibration(
    y: Any,
    probabilities: Any,
    *,
    classes: Any = None,
    bins: int = 10,
    sample_weight: Any = None,
) -> Calibration:
    """Return how honest predicted probabilities are.

    Rows are put into ranges of the same width by what was said: of two classes the
    probability of the second one, of more classes that of the most probable one. In
    each range the mean of what was said stands beside how often it was so. Measure on
    rows that the network has not learned from.

    Parameters
    ----------
    y : array_like, shape (n,)
        True classes: labels among `classes`, or their indices without `classes`.
    probabilities : array_like, shape (n, classes) or (n,)
        As `predict_proba` returns them; of two classes the second one's alone will do.
    classes : sequence, optional
        The classes in the order of the probabilities, such as ``net.classes``.
    bins : int
        How many ranges.
    sample_weight : array_like, shape (n,), optional
        How much each row counts.

    Returns
    -------
    Calibration

    Raises
    ------
    ShapeError
        If the shapes do not go together.
    DataError
        If there are no rows, the probabilities are none, or a class is not known.
    ConfigurationError
        If there is no range.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
    networks", ICML 2017.
    G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly
    Weather Review 78, 1950.

    Examples
    --------
    >>> import pellucid
    >>> said = [0.1] * 10 + [0.8] * 5
    >>> truth = [0] * 9 + [1] + [1] * 4 + [0]
    >>> pellucid.calibration(truth, said)
    probability of the second class
    range       rows  said  happened
    ----------  ----  ----  --------
    10% to 20%    10   0.1       0.1
    80% to 90%     5   0.8       0.8
    calibration error 0.0000, log-loss 0.3835, Brier score 0.1133
    """
    whole = isinstance(bins, int) and not isinstance(bins, bool)
    if not whole or bins < 1:
        raise ConfigurationError(f"Expected bins of 1 or more, got {bins!r}.")
    p = _probabilities(probabilities)
    truth = _indices(y, classes, p.shape[1])
    if len(truth) != len(p):
        raise ShapeError(
            f"y has {len(truth)} rows, probabilities have {len(p)}: each row needs "
            "both."
        )
    weight = np.ones(len(p))
    if sample_weight is not None:
        weight = as_weights(sample_weight, len(p), np.float64).astype(np.float64)
    two = p.shape[1] == 2
    said = p[:, 1] if two else p.max(axis=1)
    right = (truth == (1 if two else p.argmax(axis=1))).astype(np.float64)
    edges = np.arange(bins + 1) / bins
    place = np.clip(np.searchsorted(edges, said, "right") - 1, 0, bins - 1)
    total = np.bincount(place, weight, bins)
    with np.errstate(invalid="ignore", divide="ignore"):  # a range without rows
        mean_said = np.bincount(place, weight * said, bins) / total
        happened = np.bincount(place, weight * right, bins) / total
    gaps = np.where(total > 0, np.abs(mean_said - happened), 0.0)
    hot = truth[:, None] == np.arange(p.shape[1])
    squares = ((p - hot) ** 2).sum(axis=1) / 2
    name = "the second class" if classes is None else str(np.asarray(classes)[-1])
    return Calibration(
        edges,
        np.bincount(place, minlength=bins),
        mean_said,
        happened,
        float((gaps * total).sum() / total.sum()),
        LogLoss().value(truth, p, weight),
        float(np.average(squares, weights=weight)),
        f"probability of {name if two else 'the most probable class'}",
    )


def _probabilities(given: Any) -> NDArray[np.float64]:
    p = as_array(given, "probabilities")
    if p.dtype.kind not in "iufb" or p.ndim not in (1, 2) or p.shape[1:] == (0,):
        raise ShapeError(
            f"probabilities have shape {p.shape} and are {p.dtype}; expected numbers, "
            "(n, classes), as net.predict_proba(x) returns them."
        )
    p = p.astype(np.float64)
    p = p.reshape(len(p)) if p.shape[1:] == (1,) else p
    if not len(p):
        raise DataError("There are no rows, and so nothing to compare.")
    if not ((p >= 0) & (p <= 1)).all():
        row = int(np.argmin(((p >= 0) & (p <= 1)).reshape(len(p), -1).all(axis=1)))
        raise DataError(
            f"Row {row} of the probabilities is {p[row]}; expected numbers from 0 to "
            "1. Scores and logits are none: use net.predict_proba(x)."
        )
    if p.ndim == 1:
        return np.stack([1 - p, p], axis=1)
    off = np.abs(p.sum(axis=1) - 1)
    if off.max() > _SUM:
        row = int(off.argmax())
        raise DataError(
            f"The probabilities of row {row} sum to {p[row].sum():.6g}; expected 1. "
            "Several labels for a row are looked at one by one: y[:, k] and p[:, k]."
        )
    return p


def _indices(y: Any, classes: Any, count: int) -> NDArray[np.int64]:
    labels = as_array(y, "y")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ShapeError(f"y has shape {labels.shape}; expected one class a row, (n,).")
    known = list(range(count)) if classes is None else np.asarray(classes).tolist()
    if len(known) != count:
        raise ShapeError(
            f"There are {len(known)} classes and {count} columns of probabilities."
        )
    places = {label: place for place, label in enumerate(known)}
    found = [places.get(label, -1) for label in labels.tolist()]
    if -1 in found:
        row = found.index(-1)
        raise DataError(
            f"Row {row} of y is {labels.tolist()[row]!r}, which is none of the classes "
            f"{', '.join(map(repr, known[:8]))}{', ...' if count > 8 else ''}."
        )
    return np.array(found, np.int64)
