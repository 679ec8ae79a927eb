"""Checks of targets: classes and their shares, numbers and their scale."""

from collections.abc import Iterator

import numpy as np

from pellucid.activations import Activation
from pellucid.doctor import thresholds
from pellucid.doctor.case import Case, Check, size
from pellucid.doctor.findings import Finding
from pellucid.doctor.words import listed, number


def class_counts(case: Case) -> Iterator[Finding]:
    """Yield findings about classes that are missing, rare, or nearly all there is.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    if case.classes is None:
        return
    count = max(2, case.network.blueprint.answers)
    rows = np.bincount(case.classes, minlength=count)
    total = int(rows.sum())
    evidence = {"rows": {case.label(k): int(n) for k, n in enumerate(rows)}}
    if (rows > 0).sum() == 1:
        yield Finding(
            "single_class",
            "severe",
            f"Every row is of class {case.label(int(rows.argmax()))}: there is nothing "
            "to tell apart.",
            "Look at how y was read or cut: print(np.unique(y, return_counts=True)).",
            "y",
            evidence,
        )
        return
    few = [k for k in range(count) if rows[k] < thresholds.ROWS_OF_CLASS]
    if few and total >= count * thresholds.FEWEST_ROWS:
        yield Finding(
            "rare_classes",
            "warning",
            f"{number(len(few), 'class', 'classes')} of {count} "
            f"{'has' if len(few) == 1 else 'have'} fewer than "
            f"{thresholds.ROWS_OF_CLASS} rows: {listed([case.label(k) for k in few])}.",
            "Collect more rows of them, or put them together with a class that is "
            "like them.",
            "y",
            evidence,
        )
    share = float(rows.max() / total)
    least = rows[rows > 0].min()
    alone = share >= thresholds.LARGEST_CLASS
    if total >= thresholds.FEWEST_ROWS and (
        alone or rows.max() >= thresholds.CLASS_RATIO * least
    ):
        largest = case.label(int(rows.argmax()))
        yield Finding(
            "class_imbalance",
            "warning" if alone else "note",
            f"{share:.0%} of the rows are of class {largest}: always answering so has "
            f"an accuracy of {share:.1%}, and the other classes count little."
            if alone
            else f"Class {largest} has {rows.max() / least:.0f} times as many rows as "
            "the smallest class, which counts little beside it.",
            'Let rows of rare classes count more: net.fit(x, y, class_weight="balanced"'
            '), and judge by more than accuracy: metrics=["f1"].',
            "y",
            evidence | {"largest share": share},
        )


def target_scale(case: Case) -> Iterator[Finding]:
    """Yield a finding if targets that are numbers are far from size 1.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    y = case.numbers
    if y is None or case.network.loss.link not in (None, "identity"):
        return
    if len(y) < thresholds.FEWEST_ROWS:
        return
    typical, deviation = size(y), float(size(y - y.mean(axis=0)))
    large = typical > thresholds.LARGE_TARGET
    if deviation and (large or deviation < thresholds.SMALL_TARGET):
        yield Finding(
            "target_scale",
            "warning",
            f"The targets are {'large' if large else 'small'}: typically "
            f"{typical:.3g}, with a deviation of {deviation:.3g}. The outputs of a "
            "network start near 0 with a size of about 1"
            + (
                " and take long to get there."
                if large
                else ", beside which the targets hardly differ."
            ),
            "Train on standardized targets: scaler = pellucid.data.Standardizer.fit(y);"
            " net.fit(x, scaler.transform(y)); scaler.inverse(net.predict(x)).",
            "y",
            {
                "size": typical,
                "deviation": deviation,
                "largest": float(np.abs(y).max()),
            },
        )
    elif not deviation:
        yield Finding(
            "constant_target",
            "severe",
            f"Every target is {y[0, 0]:g}: there is nothing to learn.",
            "Look at how y was read or cut: print(np.unique(y, return_counts=True)).",
            "y",
            {"rows": len(y)},
        )


def unreachable_targets(case: Case) -> Iterator[Finding]:
    """Yield a finding if the last activation cannot give the targets.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    y = case.numbers
    path, layer = list(case.network.blueprint.layers.items())[-1]
    activation = layer if isinstance(layer, Activation) else None
    activation = getattr(layer, "activation", activation)
    if y is None or case.network.loss.link is not None:
        return
    if not isinstance(activation, Activation) or activation.across:
        return
    low, high = value_range(activation)
    near = 0.001 * (high - low) if np.isfinite([low, high]).all() else 0.0
    outside = float(((y < low - near) | (y > high + near)).mean())
    if not outside:
        return
    yield Finding(
        "unreachable_targets",
        "severe" if outside > thresholds.CONTRADICTING else "warning",
        f"The network ends in {activation.label}, whose outputs lie between {low:g} "
        f"and {high:g}; {outside:.0%} of the targets, which reach from "
        f"{y.min():.3g} to {y.max():.3g}, lie outside.",
        "End the network without an activation, Dense(...), where targets are numbers "
        "of any size, or scale the targets to that range.",
        path,
        {
            "outside": outside,
            "range": [low, high],
            "targets": [float(y.min()), float(y.max())],
        },
    )


# Every check of the targets, in the order of the report.
CHECKS: tuple[Check, ...] = (class_counts, target_scale, unreachable_targets)


def value_range(activation: Activation) -> tuple[float, float]:
    """Return the smallest and the largest output, infinite where there is none.

    Parameters
    ----------
    activation : Activation
        One that works number by number.

    Returns
    -------
    low, high : float
    """
    ends = np.array([1e3, 1e4])
    z = np.concatenate([-ends[::-1], np.linspace(-20.0, 20.0, 4001), ends])
    with np.errstate(all="ignore"):
        a = np.asarray(activation.value(z), dtype=np.float64)
    inner = a[1:-1]
    # Some come near their bound so slowly that they still move a little.
    low = -np.inf if a.min() < inner.min() - 0.1 else float(a.min())
    high = np.inf if a.max() > inner.max() + 0.1 else float(a.max())
    return low, high
