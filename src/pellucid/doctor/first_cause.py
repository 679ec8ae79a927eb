"""The first number that was not finite: which operation made it, and from what."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.doctor.case import size
from pellucid.doctor.findings import Finding
from pellucid.errors import SymbolError
from pellucid.program import Program
from pellucid.rng import Random
from pellucid.step import Step
from pellucid.symbol import Symbol

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork
    from pellucid.recording import Recording

# Names that a Program gives to what has none.
_UNNAMED = re.compile(r"t\d+'*")
# How many losses before the end are evidence.
LAST = 6


def first_cause(step: Step) -> tuple[Program, Mapping[int, Any], Symbol] | None:
    """Return the operation that made the first number that is not finite.

    From what should have come out it goes back, as long as something that went in was
    not finite either. What overflows on the way and is thrown away afterwards, as in
    ``np.where``, is no cause.

    Parameters
    ----------
    step : Step
        A traced step.

    Returns
    -------
    program : Program
        Feedforward and backprop, or the update.
    values : mapping of int to value
        Of every node of it.
    node : Symbol
        The operation. None is returned in place of all three where all is finite.
    """
    for program, values in (
        (step.program, step.values),
        (step.update_program, step.update_values),
    ):
        found = _sources(program, values)
        if found:
            return program, values, min(found, key=lambda node: node.id)
    return None


def _sources(program: Program, values: Mapping[int, Any]) -> list[Symbol]:
    """Return operations that made numbers that are not finite from finite ones."""
    results = [s for (vector, _), s in program.outputs.items() if vector != "watched"]
    waiting = [symbol for symbol in results if not finite(values[symbol.id])]
    seen, found = set(), []
    while waiting:
        node = waiting.pop()
        if node.id in seen:
            continue
        seen.add(node.id)
        given = (v for v in node.inputs if isinstance(v, Symbol))
        causes = [v for v in given if not finite(values[v.id])]
        waiting += causes
        if not causes:
            found.append(node)
    return found


def finite(value: Any) -> bool:
    """Return whether all numbers of a value are finite.

    Parameters
    ----------
    value : ndarray or float
        The value.

    Returns
    -------
    bool
    """
    return bool(np.isfinite(value).all()) if value is not None else True


def explain(
    network: "NeuralNetwork", step: Step, when: str = "", losses: Any = ()
) -> Finding | None:
    """Return a finding about the first number that is not finite, if there is one.

    Parameters
    ----------
    network : NeuralNetwork
        Whose step it is.
    step : Step
        A traced step.
    when : str
        In which iteration, in words.
    losses : sequence of float
        The losses of the iterations before.

    Returns
    -------
    Finding or None
    """
    cause = first_cause(step)
    if cause is None:
        return None
    program, values, node = cause
    formula = in_words(program, node)
    value = np.asarray(values[node.id])
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])
    bad = int((~np.isfinite(value)).sum())
    numbers, went_in = _what_went_in(program, node, values, index)
    top = f"infinite ({step.dtype} ends at {np.finfo(step.dtype).max:.2g})"
    result = "no number (NaN)" if np.isnan(value[index]) else top
    where = node.layer or ("the update" if program is step.update_program else "loss")
    place = f" in row {index[0]}" if index and _has_rows(node) else ""
    measured: dict[str, Any] = {
        "operation": formula,
        "went in": went_in,
        "not finite": bad,
        "of": int(value.size),
    }
    if index:
        measured["first at"] = list(index)
    if len(losses):
        measured["losses before"] = [float(each) for each in losses[-LAST:]]
    growth = _grown(network, step)
    if growth:
        slot, now, first = growth
        measured["size of weights"] = {slot: now, "at first": first}
    grown = ""
    if growth and now > 10 * first:
        grown = f" {slot} has grown to {now / first:,.3g} times its first size."
    sentence = (
        f"{when}{'the' if when else 'The'} first number that is not finite comes from "
        f"{where}: {formula} is {result}{place}, {numbers}.{grown}"
    )
    return Finding(
        "not_finite",
        "severe",
        sentence,
        "Take a learning rate ten times smaller, cut the gradient with "
        "optimizer=Adam(clip_norm=1.0), and scale inputs and targets with "
        "pellucid.data.standardize.",
        where,
        measured,
    )


def in_words(program: Program, node: Symbol, depth: int = 3) -> str:
    """Return an operation in print, with what has no name of its own written out.

    Parameters
    ----------
    program : Program
        To which it belongs.
    node : Symbol
        The operation.
    depth : int
        How many operations to write into each other.

    Returns
    -------
    str
    """
    names = dict(program.names)
    for given in node.inputs:
        if isinstance(given, Symbol) and _UNNAMED.fullmatch(names[given.id]):
            inside = in_words(program, given, depth - 1) if depth > 1 else "..."
            names[given.id] = f"({inside})" if given.operation.infix else inside
    if node.operation.group == "leaf":
        return names[node.id]
    return program.formula(node, names)


def _name(program: Program, node: Symbol) -> str:
    name = program.names[node.id]
    return in_words(program, node, 2) if _UNNAMED.fullmatch(name) else name


def _what_went_in(
    program: Program, node: Symbol, values: Mapping[int, Any], index: tuple[int, ...]
) -> tuple[str, dict[str, float]]:
    """Return the numbers that went in, as a phrase and by name."""
    given = [v for v in node.inputs if isinstance(v, Symbol)]
    if node.operation.group == "elementwise":
        at = {
            v.id: float(np.broadcast_to(values[v.id], np.shape(values[node.id]))[index])
            for v in given
        }
        plugged = program.formula(
            node, {i: f"{number:.4g}" for i, number in at.items()}
        )
        return f"since it is {plugged}", {_name(program, v): at[v.id] for v in given}
    largest = {
        _name(program, v): float(np.abs(values[v.id]).max(initial=0.0))
        for v in given
        if np.asarray(values[v.id]).dtype.kind == "f" or np.isscalar(values[v.id])
    }
    said = " and ".join(f"{number:.4g} in {name}" for name, number in largest.items())
    return f"made from numbers as large as {said}", largest


def _has_rows(node: Symbol) -> bool:
    return bool(node.shape) and not isinstance(node.shape[0], int)


def _grown(network: "NeuralNetwork", step: Step) -> tuple[str, float, float] | None:
    """Return the weights that grew most since they were drawn, their size now and then.

    Where the network started from other weights, these count as growth as well.
    """
    found: list[tuple[float, str, float, float]] = []
    for name, entry in step.layout.parameters.entries.items():
        if entry.slot.role != "weight":
            continue
        random = Random(network.seed, "weights", name)
        first = size(entry.slot.initializer.values(entry.shape, random))
        now = size(step.weights[name])
        if first:
            found.append((now / first, name, now, first))
    return max(found)[1:] if found else None


def with_course(finding: Finding, recording: "Recording") -> Finding:
    """Return a finding with the size of its weights over the last recorded steps.

    Parameters
    ----------
    finding : Finding
        From `explain`.
    recording : Recording
        Of the training that failed.

    Returns
    -------
    Finding
    """
    if "size of weights" not in finding.evidence:
        return finding
    slot = next(iter(finding.evidence["size of weights"]))
    last = range(max(0, len(recording) - LAST), len(recording))
    sizes = [size(recording.weights(i)[slot]) for i in last]
    grown = [after / before for before, after in pairwise(sizes) if before]
    told = ""
    if grown and max(grown) > 2:
        place = grown.index(max(grown))
        first = recording.steps[last[place]] + 1
        told = (
            f" It grew most in iteration {first}, from {sizes[place]:.3g} to "
            f"{sizes[place + 1]:.3g}."
        )
    measured = {"size over the last iterations": {slot: sizes}}
    return replace(
        finding,
        sentence=finding.sentence + told,
        evidence={**finding.evidence, **measured},
    )


def failure(
    network: "NeuralNetwork", step: Any, when: str, losses: Any
) -> Finding | None:
    """Return a finding about a training that has just failed, if it can be found out.

    Parameters
    ----------
    network : NeuralNetwork
        The network.
    step : callable
        Returns the traced step; it is not asked for earlier, since layers that cannot
        be written down have none.
    when : str
        In which iteration, in words.
    losses : sequence of float
        The losses of the iterations before.

    Returns
    -------
    Finding or None
    """
    with suppress(SymbolError), np.errstate(all="ignore"):
        return explain(network, step(), when, losses)
    return None
