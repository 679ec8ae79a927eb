"""Addresses: how a number of a step is called.

A name, an index where the name stands for more than one number, and for weights a
suffix that says which of their numbers is meant::

    dense_1.z[0, 2]          what a layer keeps: sample 0, unit 2; any kept name
    dense_1.delta[0, 2]      dL/dz where the layer keeps a z, else dL/d output
    dense_1.input[0, 1]      what came in; .output went out, .d_output came back
    dense_1.W[0, 1]          a weight before the step
    dense_1.W[0, 1].grad     dL/dW of it
    dense_1.W[0, 1].m        what the optimizer remembers of it, by the optimizer's name
    dense_1.W[0, 1].new_m    the same after the step
    dense_1.W[0, 1].update   what the step adds to it
    dense_1.W[0, 1].new      the weight after the step; also running statistics
    output[0, 1]             a prediction
    loss, losses[2]          of the batch, and of sample 2 (loss[2] will do as well)
    x[0, 2], y[0], sample_weight[0]     the data; x.NAME[0, 2] where inputs have names
    rate, scale, n, iteration           what was set: learning rate and so on
    t4[0, 1], update.t7[3]   intermediate results by their number in `Step.program` and
                             `Step.update_program`

An index counts from 0; a negative one counts from the end, as in Python.
"""

import re
from typing import TYPE_CHECKING

from pellucid.errors import UnknownNameError, suggestion
from pellucid.why.quantities import Quantities, Quantity

if TYPE_CHECKING:
    from pellucid.step import Step

_FORM = re.compile(r"(?P<stem>[^\[\]]+?)(?:\[(?P<index>[^\[\]]*)\])?(?P<suffix>\.\w+)?")


def find(
    step: "Step", quantities: Quantities, address: str
) -> tuple[Quantity, tuple[int, ...]]:
    """Return what an address stands for.

    Parameters
    ----------
    step : Step
        The step.
    quantities : Quantities
        Its names.
    address : str
        As in this module's text.

    Returns
    -------
    quantity : Quantity
    index : tuple of int

    Raises
    ------
    UnknownNameError
        If the step has no such number.
    """
    name, written = parts_of(address)
    if name == "loss" and written is not None:
        name = "losses"
    if name not in quantities.by_name:
        raise UnknownNameError(_unknown(step, quantities, name))
    quantity = quantities[name]
    example = quantity.address((0,) * len(quantity.shape))
    return quantity, place_in(name, quantity.shape, written, example)


def parts_of(address: object) -> tuple[str, str | None]:
    """Return the name in an address, and what stands in its brackets.

    Parameters
    ----------
    address : str
        Such as ``"dense_1.W[0, 1].grad"``.

    Returns
    -------
    name : str
        ``"dense_1.W.grad"``.
    written : str or None
        ``"0, 1"``; None where there are no brackets.

    Raises
    ------
    UnknownNameError
        If it is no address.
    """
    if not isinstance(address, str):
        raise UnknownNameError(
            f"An address is a text such as 'dense_1.z[0, 2]', got {address!r}."
        )
    match = _FORM.fullmatch(address.strip())
    if match is None:
        raise UnknownNameError(
            f"{address!r} is no address: write a name, and an index in square brackets "
            "where the name stands for more than one number, such as 'dense_1.z[0, 2]' "
            "or 'dense_1.W[0, 1].grad'."
        )
    return (match["stem"] + (match["suffix"] or "")).replace(" ", ""), match["index"]


def _unknown(step: "Step", quantities: Quantities, name: str) -> str:
    """Return what is wrong with a name, and what was perhaps meant."""
    if name in step.layers:
        own = ", ".join(_names_of(name, quantities))
        return f"{name} is a layer: ask for one of its numbers. It has {own}."
    paths = [path for path in step.layers if name.startswith(f"{path}.")]
    if paths:
        path = max(paths, key=len)
        wanted = name.removeprefix(f"{path}.")
        near = suggestion(wanted, _names_of(path, quantities))
        return f"{path} has no {wanted!r} in this step. {near}"
    first = name.partition(".")[0]
    if "." in name:
        return f"There is no layer {first!r}. {suggestion(first, step.layers)}"
    names = {n for n in quantities.by_name if "." not in n and not _numbered(n)}
    near = suggestion(name, names | {*step.layers})
    return f"There is no {name!r} in this step. {near}"


def _names_of(path: str, quantities: Quantities) -> list[str]:
    """Return what a layer has, without its own name before it."""
    every = quantities.by_name.values()
    return [q.name.removeprefix(f"{path}.") for q in every if q.layer == path]


def _numbered(name: str) -> bool:
    return re.fullmatch(r"t\d+'*", name) is not None


def place_in(
    name: str, shape: tuple[int, ...], written: str | None, example: str
) -> tuple[int, ...]:
    """Return an index, counted from 0, once it is known to be one.

    Parameters
    ----------
    name : str
        What the array is called.
    shape : tuple of int
        Its shape.
    written : str or None
        What stands in the brackets; None where there are none.
    example : str
        An address in this array, for messages.

    Returns
    -------
    tuple of int

    Raises
    ------
    UnknownNameError
        If it is no place in the array.
    """
    if not shape:
        if written is not None:
            raise UnknownNameError(f"{name} is one number: write {name!r} alone.")
        return ()
    if written is None:
        raise UnknownNameError(
            f"{name} has shape {shape}: say which of its numbers, such as {example!r}."
        )
    try:
        index = tuple(int(part) for part in written.split(","))
    except ValueError:
        raise UnknownNameError(
            f"{name}[{written}] has an index that is not made of whole numbers: write, "
            f"for example, {example!r}."
        ) from None
    if len(index) != len(shape):
        raise UnknownNameError(
            f"{name} has shape {shape} and so an index of {len(shape)}, such as "
            f"{example!r}; got {len(index)} in [{written}]."
        )
    for axis, (place, length) in enumerate(zip(index, shape, strict=True)):
        if not -length <= place < length:
            raise UnknownNameError(
                f"{name} has shape {shape}: place {axis + 1} of its index goes from 0 "
                f"to {length - 1}; got {place} in [{written}]."
            )
    return tuple(p % length for p, length in zip(index, shape, strict=True))
