"""A sentence for each answer: what the number is, and how it comes about."""

import inspect
from typing import TYPE_CHECKING, Any

from pellucid.activations import Identity, Joint
from pellucid.part import Part
from pellucid.symbol import Dim, Symbol
from pellucid.why.quantities import COMPUTED, DATA, MEMORY, RANDOM, SETTING, WEIGHT

if TYPE_CHECKING:
    from pellucid.step import Step
    from pellucid.why.answer import Answer

# How an operation makes its result, by its row in the vocabulary.
HOW = {
    "matmul": "a sum of products",
    "convolve": "the filter laid over its window: a sum of products",
    "convolve_back": "every place that looked at this pixel sends back its delta, "
    "times the weight it looked with",
    "convolve_weights": "over all samples and places: what the weight saw there, times "
    "the delta there",
    "max_windows": "the largest number in the window",
    "max_windows_back": "what goes back to the pixel that was largest, else 0",
    "sum_windows": "all numbers in the window added up",
    "spread_windows": "what all windows over this pixel send back",
    "scatter_add": "all that was sent to this row, added up",
    "take": "a row of a table, found by its number",
    "take_along_axis": "one number of the row, found by its place",
    "mean": "a mean",
    "max": "the largest of these",
    "min": "the smallest of these",
    "positive": "passed on as it is",
    "reshape": "the same number in another shape",
    "transpose": "the same number at another place",
    "slice": "the same number, cut out",
    "concatenate": "the same number, side by side with others",
    "pad": "the same number, with a border of zeros around",
    "where": "one of two formulas, as a condition decides",
    "maximum": "the larger of the two",
    "minimum": "the smaller of the two",
    "clip": "kept between two limits",
    "uniform": "drawn from the seed, the iteration and its place alone",
}

# The same where an operation of backprop makes what a layer gives out.
FORWARD = {
    "convolve_back": "every place that looks at this pixel adds what it has, times the "
    "weight it looks with",
    "spread_windows": "what all windows over this pixel add",
}

ENDS = {
    DATA: "It is data: here the walk ends.",
    WEIGHT: "It was there before this step: here the walk ends.",
    MEMORY: "The optimizer remembers it from the steps before: here the walk ends.",
    SETTING: "It was set: here the walk ends.",
    RANDOM: "It follows from seed, iteration and place: here the walk ends.",
}


def sentence(step: "Step", answer: "Answer") -> str:
    """Return what a number is and how it comes about.

    Parameters
    ----------
    step : Step
        The step it is in.
    answer : Answer
        The answer about it.

    Returns
    -------
    str
        Such as ``"The pre-activation, for sample 0: the weighted sum of what came in,
        plus the bias."``
    """
    quantity = answer.quantity
    if quantity is None:
        how = _how(answer.expression.operation)
        return f"A part of a formula{how}."
    what = quantity.means[0].upper() + quantity.means[1:]
    what += _sample(quantity.node, answer.index)
    if quantity.kind != COMPUTED:
        return f"{what}. {ENDS[quantity.kind]}"
    if answer.expression.is_leaf and answer.terms:
        return f"{what}: the same number as {answer.terms[0].symbol}."
    if quantity.node is None:
        return f"{what}."
    how = _manner(step, quantity.node)
    if quantity.node.operation.name == "where":
        how = _how(answer.expression.operation)
    return f"{what}{how}."


def _sample(node: Symbol | None, index: tuple[int, ...]) -> str:
    """Return which sample a number belongs to, where its first axis is the batch."""
    whole = node is not None and len(index) > 0 and len(node.shape) == len(index)
    if not whole or node is None or not isinstance(node.shape[0], Dim):
        return ""
    return f", for sample {index[0]}" if node.shape[0].factor == 1 else ""


def _how(operation: str) -> str:
    return f": {HOW[operation]}" if operation in HOW else ""


def _manner(step: "Step", node: Symbol) -> str:
    """Return how a node makes its entries, after a colon; nothing where it is plain."""
    seen = _through_moves(node)
    weighted = _weighted(step, seen)
    if weighted:
        return f": {weighted}"
    if seen.operation.name in ("add", "subtract"):
        for one, other in (seen.inputs, seen.inputs[::-1]):
            weighted = _weighted(step, _through_moves(one))
            if weighted and _is_weight(other):
                slot = other.settings["name"].rpartition(".")[2]
                what = "the bias" if slot == "b" else slot
                return f": {weighted}, plus {what}"
    if _chain_rule(step, seen):
        return ": by the chain rule, what came back times the slope here"
    over_batch = seen.operation.name == "sum" and 0 in seen.settings["axis"]
    if over_batch and isinstance(seen.inputs[0].shape[0], Dim):
        return ": added up over the samples of the batch"
    name = seen.operation.name
    if name in FORWARD and not _after_loss(step, seen):
        return f": {FORWARD[name]}"
    return _how(name)


def _through_moves(value: Any) -> Any:
    while isinstance(value, Symbol) and value.operation.name in (
        "reshape",
        "transpose",
    ):
        value = value.inputs[0]
    return value


def _is_weight(value: Any) -> bool:
    value = _through_moves(value)
    leaf = isinstance(value, Symbol) and value.operation.group == "leaf"
    return leaf and value.settings["vector"] == "w"


def _weighted(step: "Step", node: Any) -> str:
    """Return what a product is in a network: forward, back, or over the batch."""
    if not isinstance(node, Symbol):
        return ""
    name = node.operation.name
    if name == "convolve_back" and not _after_loss(step, node):
        return FORWARD[name]
    if name not in ("matmul", "convolve"):
        return ""
    if isinstance(node.inputs[0].shape[-1], Dim):
        return "over all samples, what came in times the delta"
    if not any(map(_is_weight, node.inputs)):
        return ""
    if _after_loss(step, node):
        return (
            "every neuron behind it sends back its delta, times the weight between them"
        )
    return "the weighted sum of what came in"


def _after_loss(step: "Step", node: Symbol) -> bool:
    """Return whether a node belongs to backprop, which starts after the losses."""
    return node.id > step.nodes["losses"].id


def _chain_rule(step: "Step", node: Symbol) -> bool:
    """Return whether a node multiplies what came back to its layer by something."""
    back = step.nodes.get(f"{node.layer}.d_output")
    if back is None or node.operation.name != "multiply":
        return False
    return any(isinstance(v, Symbol) and v.id == back.id for v in node.inputs)


def rules(step: "Step", answer: "Answer") -> list[str]:
    """Return what layer, activation, loss or optimizer say of themselves.

    Parameters
    ----------
    step, answer
        As in `sentence`.

    Returns
    -------
    list of str
        Such as ``"Dense(4, 'sigmoid'): z = x W + b, a = activation(z): every output
        looks at every input."``
    """
    quantity = answer.quantity
    if quantity is None or quantity.kind != COMPUTED:
        return []
    if quantity.update or quantity.suffix == "update":
        return [_rule(step.optimizer)]
    if quantity.stem in ("loss", "losses"):
        return [_rule(step.blueprint.loss)]
    layer = step.written.get(quantity.layer)
    if layer is None or quantity.suffix:
        return []
    activation = getattr(layer, "activation", None)
    if isinstance(activation, Joint):
        activation = activation.of_activation
    own = quantity.stem.rpartition(".")[2]
    if own in ("input", "output", "d_output"):
        return []
    if own in ("a", "delta") and isinstance(activation, Part):
        return [] if isinstance(activation, Identity) else [_rule(activation)]
    return [_rule(layer)]


def _rule(part: Part) -> str:
    """Return the first sentence of a part's own text."""
    text = inspect.getdoc(type(part)) or ""
    first = " ".join(text.partition("\n\n")[0].split()).replace("``", "")
    return f"{part!r}: {first}"
