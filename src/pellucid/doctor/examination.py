"""The examination: data, one step, the course; every check in turn."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import arrays, tracing
from pellucid.doctor import course, data, own_parts, step, targets, thresholds
from pellucid.doctor.case import Case, evenly
from pellucid.doctor.findings import Diagnosis, Finding
from pellucid.doctor.first_cause import explain, with_course
from pellucid.errors import ConfigurationError, PellucidError
from pellucid.samples import Samples
from pellucid.step import Step
from pellucid.trace import position, trace_step

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

# What is examined, and by which checks.
ABOUT_DATA = (*data.CHECKS, *targets.CHECKS)
ABOUT_STEP = (*own_parts.CHECKS, *step.CHECKS)
ABOUT_COURSE = course.CHECKS


def diagnose(
    network: "NeuralNetwork",
    x: Any,
    y: Any,
    sample_weight: Any = None,
    validation: Any = None,
) -> Diagnosis:
    """Look for what keeps a network from learning; see `NeuralNetwork.diagnose`.

    Parameters
    ----------
    network : NeuralNetwork
        It stays as it is.
    x, y, sample_weight, validation
        As in `NeuralNetwork.diagnose`.

    Returns
    -------
    Diagnosis
    """
    found, complete = data.gaps(x, y, network.dtype)
    names = arrays.column_names(x)
    if complete is not None:
        if complete.sum() < 2:
            why = "no two rows without gaps"
            rest = {"columns, the step and the course": why}
            return Diagnosis(found, 0, 1, rest)
        x, y = _rows(x, complete), arrays.as_array(y, "y")[complete]
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[complete]
    samples = network.samples(x, y, several=False)
    if sample_weight is not None:
        n, dtype = len(samples.y), network.dtype
        samples.weight = arrays.as_weights(sample_weight, n, dtype)
    held = None if validation is None else _held(network, validation)
    return examine(network, samples, names, held, found)


def examine(
    network: "NeuralNetwork",
    samples: Samples,
    names: list[str] | None = None,
    validation: Samples | None = None,
    found: list[Finding] | None = None,
) -> Diagnosis:
    """Make every check that can be made.

    Parameters
    ----------
    network : NeuralNetwork
        It stays as it is.
    samples : Samples
        Data without gaps.
    names : list of str, optional
        Names of the columns.
    validation : Samples, optional
        Data that it did not learn from.
    found : list of Finding, optional
        What is known already.

    Returns
    -------
    Diagnosis
    """
    findings, skipped = list(found or []), {}
    training = network.training
    history = training.history if training and training.history.iterations else None
    if training is not None and training.failure is not None:
        recording, told = network.recording, training.failure
        if recording is not None and recording.failed:
            with suppress(PellucidError):  # its data may have changed since
                told = with_course(told, recording)
        findings.append(told)
    case = Case(network, samples, names, validation, history=history)
    checks = list(ABOUT_DATA)
    try:
        case = replace(case, step=some_step(network, samples))
    except PellucidError as error:
        skipped["the numbers of a step"] = str(error).splitlines()[0]
    if case.step is not None:
        trouble = explain(network, case.step)
        if trouble is None:
            checks += ABOUT_STEP
        else:
            skipped["the sizes of a step's numbers"] = "not all of them are finite"
            findings += [] if training and training.failure else [trouble]
            case = replace(case, step=None)
    if history is None:
        skipped["the course of the training"] = "there was none yet"
    else:
        checks += ABOUT_COURSE
    with np.errstate(all="ignore"):  # of parts of one's own, at numbers of our choice
        for check in checks:
            findings += check(case)
    rows = len(case.some.y)
    return Diagnosis(findings, rows, len(checks) + 2, skipped)


def some_step(network: "NeuralNetwork", samples: Samples) -> Step:
    """Return an iteration on some of the rows, with the usual learning rate.

    Parameters
    ----------
    network : NeuralNetwork
        It stays as it is.
    samples : Samples
        Data without gaps.

    Returns
    -------
    Step

    Raises
    ------
    SymbolError
        If a layer cannot be written down.
    """
    before = position(network)
    rates = network.history.learning_rate if network.history else []
    if rates and before.iteration:
        before = replace(before, rate=float(np.median(rates)))  # the last may be 0
    width = sum(
        int(np.prod([s for s in node.shape if isinstance(s, int)]))
        for node in tracing.training(network.blueprint).operations
    )
    most = thresholds.STEP_NUMBERS // max(1, width)
    rows = min(thresholds.STEP_ROWS, max(4, most))
    return trace_step(network, evenly(samples, rows), before)


def _rows(x: Any, complete: NDArray[np.bool_]) -> Any:
    if isinstance(x, Mapping):
        return {
            name: arrays.as_array(values, name)[complete] for name, values in x.items()
        }
    return arrays.as_array(x, "x")[complete]


def _held(network: "NeuralNetwork", validation: Any) -> Samples:
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise ConfigurationError(
            "Expected validation=(x, y), data that the network did not learn from; got "
            f"{type(validation).__name__}."
        )
    return network.samples(validation[0], validation[1], several=False)
