"""Targets: numbers, classes or labels, as a loss wants them, and back again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_floats
from pellucid.blueprint import Blueprint
from pellucid.errors import DataError, ShapeError


def check_rows(y: NDArray[Any], n: int) -> None:
    """Raise `ShapeError` unless there is a target for each sample.

    Parameters
    ----------
    y : ndarray
        What the user handed in.
    n : int
        Number of samples in x.
    """
    if y.ndim == 0:
        raise ShapeError(
            f"y is the single value {y.item()!r}; expected one for each sample."
        )
    if len(y) != n:
        raise ShapeError(f"x has {n} samples, y has {len(y)}: each row needs a target.")


def _shape(*lengths: Any) -> str:
    return f"({', '.join(map(str, lengths))}{',' if len(lengths) == 1 else ''})"


def chooses(blueprint: Blueprint) -> bool:
    """Return whether a target is one of several classes, or a yes or no in one output.

    Parameters
    ----------
    blueprint : Blueprint
        The network.

    Returns
    -------
    bool
    """
    one_label = blueprint.loss.task == "labels" and blueprint.target_shape == (1,)
    return blueprint.loss.task == "classes" or one_label


def class_count(blueprint: Blueprint) -> int:
    """Return how many classes a network can tell apart.

    Parameters
    ----------
    blueprint : Blueprint
        A network for which `chooses` is true.

    Returns
    -------
    int
    """
    return max(2, blueprint.answers)


def learn_classes(
    y: NDArray[Any], blueprint: Blueprint, several: bool = True
) -> NDArray[Any] | None:
    """Return the classes in the order of the outputs, judged by the targets.

    Whole numbers from 0 to outputs - 1 stand for themselves; any other labels are
    sorted, and there must be as many as outputs.

    Parameters
    ----------
    y : ndarray, shape (n, ...)
        Targets.
    blueprint : Blueprint
        The network.
    several : bool
        Whether to insist on two different classes in `y`.

    Returns
    -------
    ndarray or None
        None for numbers and for several labels a sample.

    Raises
    ------
    DataError
        If the labels cannot be those of this network.
    """
    if not chooses(blueprint):
        return None
    count = class_count(blueprint)
    if _is_one_hot(y, blueprint):
        found: NDArray[Any] = np.unique(y.argmax(axis=1))
    else:
        labels = _labels(y)
        if _are_shares(labels, blueprint):
            return np.arange(count)
        _refuse_measurements(labels)
        found = np.unique(labels)
    if several and len(found) == 1:
        raise DataError(
            f"y has a single class, {found[0].item()!r}: there is nothing to tell "
            "apart. Training needs rows of at least two classes."
        )
    whole = found.dtype.kind in "iuf"
    if whole and found.min() >= 0 and found.max() < count:
        return np.arange(count)
    if found.dtype.kind == "f":
        found = found.astype(np.int64)
    if len(found) > count:
        how = (
            f"make the last layer Dense({len(found)})"
            if blueprint.loss.task == "classes"
            else f"use Dense({len(found)}, 'softmax') with loss='cross_entropy'"
        )
        raise DataError(
            f"y has {len(found)} classes ({_some(found)}), but the network has outputs "
            f"for {count}: {how}."
        )
    if len(found) < count:
        classes = "1 class" if len(found) == 1 else f"{len(found)} classes"
        raise DataError(
            f"y has {classes} ({_some(found)}), but the network has outputs for "
            f"{count}: make the last layer smaller, or name all classes first with "
            "net.classes = [...]."
        )
    return found


def _labels(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim != 1:
        raise ShapeError(
            f"y has shape {_shape(*array.shape)}; expected one class a sample, shape "
            "(n,), or one-hot rows with a column for every output."
        )
    return array


def _is_one_hot(array: NDArray[Any], blueprint: Blueprint) -> bool:
    if array.ndim != 2 or array.dtype.kind not in "iufb" or blueprint.answers < 2:
        return False
    if array.shape[1] != blueprint.answers:
        return False
    hot = ((array == 0) | (array == 1)).all(axis=1) & (array.sum(axis=1) == 1)
    if not hot.all():
        row = int(np.argmin(hot))
        raise DataError(
            f"y has {blueprint.answers} columns, but row {row} is "
            f"{array[row].tolist()}: one-hot rows have a single 1 and zeros elsewhere."
        )
    return True


def _are_shares(array: NDArray[Any], blueprint: Blueprint) -> bool:
    """Return whether targets of a single output are shares of yes, such as 0.3."""
    if blueprint.loss.task != "labels" or array.dtype.kind != "f":
        return False
    inside = (array >= 0) & (array <= 1)
    return bool(inside.all() and (array != np.floor(array)).any())


def _refuse_measurements(array: NDArray[Any]) -> None:
    if array.dtype.kind == "f":
        as_floats(array, "y", np.float64)
        odd = (array != np.floor(array)) | (np.abs(array) > 2.0**53)
        if odd.any():
            row = int(np.argmax(odd))
            raise DataError(
                f"y has {array[row]} at row {row}: classes are whole numbers or texts. "
                "For targets that are measurements use loss='mean_squared_error'."
            )
    elif array.dtype.kind == "S":
        raise DataError(
            f"y holds bytes such as {array[0].item()!r}; classes are whole numbers or "
            "texts: write np.char.decode(y)."
        )
    elif array.dtype.kind not in "iubU":
        raise DataError(f"y holds {array.dtype}; classes are whole numbers or texts.")


def as_targets(
    y: NDArray[Any], blueprint: Blueprint, classes: NDArray[Any] | None, dtype: Any
) -> NDArray[Any]:
    """Return targets as the loss takes them.

    Parameters
    ----------
    y : ndarray, shape (n, ...)
        What the user handed in.
    blueprint : Blueprint
        The network.
    classes : ndarray or None
        The classes in the order of the outputs, see `learn_classes`.
    dtype : dtype
        The network's floating-point type.

    Returns
    -------
    ndarray
        Class indices, shape (n,), or numbers, shape (n, *target_shape).

    Raises
    ------
    ShapeError, DataError
        If they do not fit the network, or are no targets of its loss.
    """
    if classes is not None:
        if _is_one_hot(y, blueprint):
            indices: NDArray[Any] = y.argmax(axis=1)
        else:
            labels = _labels(y)
            if _are_shares(labels, blueprint) and classes.dtype.kind in "iu":
                return labels.astype(dtype)[:, None]
            indices = encode(labels, classes)
        if blueprint.loss.task == "classes":
            return indices
        return indices.astype(dtype)[:, None]
    if y.dtype.kind in "US":
        raise DataError(
            f"y holds texts such as {y.flat[0].item()!r}, but {blueprint.loss.label} "
            "is about numbers: for classes use loss='cross_entropy'."
        )
    if y.ndim == 1 and blueprint.target_shape == (1,):
        y = y[:, None]
    if y.shape[1:] != blueprint.target_shape:
        several = blueprint.loss.per_target
        expected = _shape("n", *blueprint.output_shape)
        expected += f", {several} for each target" if several > 1 else ""
        raise ShapeError(
            f"y has shape {_shape(*y.shape)}, but the network's output has shape "
            f"{expected}: change the last layer's units, or the columns of y."
        )
    numbers = as_floats(y, "y", dtype)
    if blueprint.loss.task == "labels" and ((numbers < 0) | (numbers > 1)).any():
        index = np.argwhere((numbers < 0) | (numbers > 1))[0].tolist()
        raise DataError(
            f"y has {numbers[tuple(index)]} at row {index[0]}, column {index[1]}; "
            "labels are 0 (no) and 1 (yes), or shares between."
        )
    if (numbers < blueprint.loss.least).any():
        index = np.argwhere(numbers < blueprint.loss.least)[0].tolist()
        raise DataError(
            f"y has {numbers[tuple(index)]} at row {index[0]}, column {index[1]}; "
            f"targets of {blueprint.loss.label} are {blueprint.loss.least:g} or more."
        )
    return np.ascontiguousarray(numbers)


def encode(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return the index of every label among the classes.

    Parameters
    ----------
    labels : ndarray, shape (n,)
        Labels.
    classes : ndarray, shape (classes,)
        In the order of the outputs.

    Returns
    -------
    ndarray of int, shape (n,)

    Raises
    ------
    DataError
        If a label is none of the classes.
    """
    _refuse_measurements(labels)
    if (labels.dtype.kind in "US") != (classes.dtype.kind in "US"):
        raise DataError(
            f"y holds {labels[0].item()!r}, but the classes are {_some(classes)}: "
            "labels must be of the same kind as in training."
        )
    count = len(classes)
    are_indices = labels.dtype == np.int64 and np.array_equal(classes, np.arange(count))
    if are_indices and labels.min(initial=0) >= 0 and labels.max(initial=0) < count:
        return labels  # no copy of what may be large
    order = np.argsort(classes, kind="stable")
    places = np.searchsorted(classes[order], labels).clip(0, len(classes) - 1)
    indices: NDArray[np.int64] = order[places]
    unknown = classes[indices] != labels
    if unknown.any():
        row = int(np.argmax(unknown))
        raise DataError(
            f"y has the class {labels[row].item()!r} at row {row}, which is none of "
            f"{_some(classes)}."
        )
    return indices


def _some(classes: NDArray[Any]) -> str:
    shown = ", ".join(map(repr, classes[:8].tolist()))
    return shown + (f", ... ({len(classes)} in all)" if len(classes) > 8 else "")


def _few_whole_numbers(values: NDArray[Any]) -> bool:
    """Return whether numbers look like classes: whole, and each one several times."""
    whole = bool((values == np.floor(values)).all())
    return whole and len(np.unique(values)) <= max(2, min(20, len(values) // 2))


def class_weights(
    class_weight: Any, targets: NDArray[Any], classes: NDArray[Any] | None
) -> NDArray[np.float64]:
    """Return the weight that its class gives each sample.

    Parameters
    ----------
    class_weight : mapping of label to float, or "balanced"
        ``"balanced"`` is ``n / (classes * count)``: every class weighs the same in all.
    targets : ndarray
        As `as_targets` returned them.
    classes : ndarray or None
        The classes in the order of the outputs.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    if classes is not None:
        indices = targets if targets.ndim == 1 else targets[:, 0].round()
        indices = indices.astype(np.int64)
        labels = classes
    else:  # numbers that stand for classes: 0 and 1 in a column, or one-hot rows
        values = targets.reshape(len(targets), -1)
        if values.shape[1] == 1 and _few_whole_numbers(values):
            labels, indices = np.unique(values[:, 0], return_inverse=True)
        elif np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all():
            labels, indices = np.arange(values.shape[1]), values.argmax(axis=1)
        else:
            raise DataError(
                "class_weight needs one class for each sample; here y is numbers that "
                "are no classes. Use sample_weight."
            )
    counts = np.bincount(indices, minlength=len(labels))
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise DataError(
                f"class_weight is {class_weight!r}; expected 'balanced' or a mapping "
                "from class to weight."
            )
        present = counts > 0
        each = np.zeros(len(labels))
        each[present] = len(indices) / (present.sum() * counts[present])
        return each[indices]
    if not isinstance(class_weight, Mapping):
        raise DataError(
            f"class_weight is {class_weight!r}; expected 'balanced' or a mapping from "
            "class to weight."
        )
    known = {label.item(): i for i, label in enumerate(labels)}
    each = np.ones(len(labels))
    for label, weight in class_weight.items():
        if label not in known:
            raise DataError(
                f"class_weight names the class {label!r}, which is none of "
                f"{_some(labels)}."
            )
        number = isinstance(weight, int | float | np.number)
        if not number or not 0 <= weight < np.inf:
            raise DataError(f"class_weight[{label!r}] is {weight!r}; expected >= 0.")
        each[known[label]] = weight
    return each[indices]
