"""Checks of rows and columns, before anything is learned from them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import arrays
from pellucid.doctor import thresholds
from pellucid.doctor.case import Case, Check
from pellucid.doctor.findings import Finding
from pellucid.doctor.leaks import telling_columns
from pellucid.doctor.words import capital, listed, number

# -- numbers that are none -------------------------------------------------------------


def gaps(x: Any, y: Any, dtype: Any) -> tuple[list[Finding], NDArray[np.bool_] | None]:
    """Return findings about numbers that are not finite, and which rows have none.

    Parameters
    ----------
    x, y : array_like
        As the user handed them in.
    dtype : dtype
        The network's floating-point type.

    Returns
    -------
    findings : list of Finding
        One for the inputs and one for the targets, where there is something to say.
    complete : ndarray of bool, shape (n,), or None
        Rows without gaps; None where all are.
    """
    parts = dict(x) if isinstance(x, Mapping) else {"x": x}
    pairs = [*parts.items(), ("y", y)]
    found, complete = [], None
    every = [arrays.as_array(values, str(part)) for part, values in pairs]
    if len({len(array) if array.ndim else 0 for array in every}) > 1:
        return [], None  # which is refused, and told, where rows are counted
    for (part, values), array in zip(pairs, every, strict=True):
        if array.dtype.kind != "f":
            continue
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(array.astype(dtype))
        if bad.any():
            rows = ~bad.reshape(len(bad), -1).any(axis=1)
            complete = rows if complete is None else complete & rows
            names = arrays.column_names(values)
            found.append(_gap(array, bad, str(part), part == "y", names, dtype))
    return found, complete


def _gap(
    array: NDArray[Any],
    bad: NDArray[np.bool_],
    part: str,
    targets: bool,
    names: list[str] | None,
    dtype: Any,
) -> Finding:
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    rows = int(bad.reshape(len(bad), -1).any(axis=1).sum())
    value = float(array[first])
    shown = "NaN" if np.isnan(value) else f"{value:g}"
    shown += f", too large for {np.dtype(dtype)}," if np.isfinite(value) else ""
    count = number(int(bad.sum()), "value")
    column = "" if len(first) < 2 else f", column {', '.join(map(str, first[1:]))}"
    if names and len(first) == 2:
        column += f" ({names[first[1]]!r})"
    evidence: dict[str, Any] = {
        "values": int(bad.sum()),
        "rows": rows,
        "of rows": len(array),
        "first row": first[0],
    }
    if array.ndim == 2:
        counts = bad.sum(axis=0)
        evidence["by column"] = {
            names[j] if names else int(j): int(counts[j])
            for j in np.flatnonzero(counts)
        }
    remedy = (
        "Leave these rows out: keep = np.isfinite(y); x, y = x[keep], y[keep]."
        if targets
        else "Leave these rows out (keep = np.isfinite(x).all(axis=1); "
        "x, y = x[keep], y[keep]), or fill each gap with the column's median and add a "
        "column of 0 and 1 that says where it was."
    )
    return Finding(
        "missing_targets" if targets else "missing_inputs",
        "severe",
        f"{part} has {count} that cannot be computed with, the first {shown} in row "
        f"{first[0]}{column}.",
        remedy,
        part,
        evidence,
    )


# -- columns ---------------------------------------------------------------------------


def constant_features(case: Case) -> Iterator[Finding]:
    """Yield a finding if columns have the same value in every row.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    if len(case.data.y) < thresholds.FEWEST_ROWS:
        return
    same = [c for c in case.columns if c.values.min() == c.values.max()]
    if not same:
        return
    yield Finding(
        "constant_features",
        "note",
        f"{capital(listed([c.name for c in same]))} "
        f"{'has' if len(same) == 1 else 'have'} the same value in every row, which "
        "tells nothing that the bias does not.",
        "Leave it out, x = x[:, x.std(axis=0) > 0]; if it is meant to vary, look at "
        "how it was read.",
        same[0].name,
        {
            "columns": len(same),
            "of": len(case.columns),
            "values": {c.name: float(c.values[0]) for c in same[:8]},
        },
    )


def duplicate_features(case: Case) -> Iterator[Finding]:
    """Yield a finding if columns are copies of others, perhaps in another unit.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    varied = [c for c in case.columns if c.values.min() < c.values.max()]
    varied = varied[: thresholds.COLUMNS]
    if len(case.data.y) < thresholds.FEWEST_ROWS or len(varied) < 2:
        return
    z = np.stack([_standard(c.values) for c in varied])
    related = np.triu(z @ z.T / z.shape[1], 1)
    pairs = np.argwhere(related >= thresholds.SAME_COLUMN)
    if not len(pairs):
        return
    copies = {int(j): int(i) for i, j in pairs[::-1]}
    shown = [f"{varied[j].name} of {varied[i].name}" for j, i in copies.items()]
    yield Finding(
        "duplicate_features",
        "note",
        f"{number(len(copies), 'column is a copy', 'columns are copies')} of another "
        f"one, perhaps in another unit: {listed(shown[::-1])}. Together they count "
        "twice.",
        "Leave the copies out: x = np.delete(x, [...], axis=1).",
        varied[min(copies)].name,
        {
            "columns": len(copies),
            "smallest correlation": float(related[tuple(pairs.T)].min()),
            "of rows": len(case.some.y),
        },
    )


def leaking_features(case: Case) -> Iterator[Finding]:
    """Yield a finding for each column that alone tells the target nearly exactly.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    for column, measured in telling_columns(case):
        yield Finding(
            "leaking_feature",
            "warning",
            f"{capital(column.name)} alone tells the target nearly exactly. Either "
            "the problem is that easy, or the column was made from the target or after "
            "it, and will not be there when the network is used.",
            "Ask when its value is known. If only after the target, leave it out: "
            "x = np.delete(x, j, axis=1), with j its number.",
            column.name,
            measured,
        )


def contradicting_rows(case: Case) -> Iterator[Finding]:
    """Yield a finding if the same inputs come with different classes.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    classes = case.classes
    if classes is None or len(classes) < thresholds.FEWEST_ROWS:
        return
    groups = _same_rows(case.some.x)
    table = np.zeros((groups.max() + 1, classes.max() + 1), dtype=np.int64)
    np.add.at(table, (groups, classes), 1)
    torn = (table > 0).sum(axis=1) > 1
    rows, wrong = int(table[torn].sum()), int((table.sum(1) - table.max(1)).sum())
    if rows < thresholds.CONTRADICTING * len(classes):
        return
    best = 1 - wrong / len(classes)
    yield Finding(
        "contradicting_rows",
        "note",
        f"{rows:,} of {len(classes):,} rows have inputs that occur with another class "
        f"as well, so that no network can be right on more than {best:.1%} of them "
        "all.",
        "Add what tells these rows apart as a further column, or take the "
        "probabilities, net.predict_proba(x), instead of the classes.",
        "",
        {"rows": rows, "of": len(classes), "best accuracy": best},
    )


def shared_rows(case: Case) -> Iterator[Finding]:
    """Yield a finding if validation rows are training rows as well.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    if case.validation is None or len(case.data.y) < thresholds.FEWEST_ROWS:
        return
    held = case.validation
    groups = _same_rows(case.data.x, held.x)
    ours, theirs = groups[: len(case.data.y)], groups[len(case.data.y) :]
    shared = float(np.isin(theirs, ours).mean())
    twins = float((np.bincount(ours)[ours] > 1).mean())
    usual = thresholds.OVERLAP_RATIO * twins
    if shared < thresholds.OVERLAP or shared <= usual:
        return
    yield Finding(
        "shared_rows",
        "warning",
        f"{shared:.0%} of the validation rows are also among the training rows, so the "
        "validation loss is lower than the loss on new data.",
        "Divide the rows once, before anything else: "
        "train, validation = pellucid.data.split(data); rows that belong together "
        "(of one person, of one day) must go to the same side.",
        "",
        {
            "shared": shared,
            "training rows with a twin": twins,
            "validation rows": len(held.y),
        },
    )


# Every check of rows and columns, in the order of the report.
CHECKS: tuple[Check, ...] = (
    constant_features,
    duplicate_features,
    leaking_features,
    contradicting_rows,
    shared_rows,
)


def _same_rows(*parts: Any) -> NDArray[np.int64]:
    """Return a number for each row, the same for rows with the same inputs."""
    joined = []
    for x in parts:
        values = list(x.values()) if isinstance(x, dict) else [x]
        flat = [v.reshape(len(v), -1).astype(np.float64) for v in values]
        joined.append(np.concatenate(flat, axis=1) + 0.0)  # -0 becomes 0
    rows = np.ascontiguousarray(np.concatenate(joined))
    whole = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()
    found: NDArray[np.int64] = np.unique(whole, return_inverse=True)[1]
    return found.reshape(-1)


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = values - values.mean()
    moved = moved / np.abs(moved).max()
    standard: NDArray[np.float64] = moved / np.sqrt(np.mean(moved**2))
    return standard
