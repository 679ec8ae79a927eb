"""What a function of a twin computes, in the words of its layer."""

import inspect
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from pellucid.activations import Activation, Joint
from pellucid.export.encoder_words import outcome
from pellucid.export.loops import Function
from pellucid.losses import Loss
from pellucid.ops import text
from pellucid.targets import chooses

if TYPE_CHECKING:
    from pellucid.layer import Layer
    from pellucid.network import NeuralNetwork

_WIDTH = 80


def describe(network: "NeuralNetwork", function: Function) -> list[str]:
    """Return which layer a function is, its formulas, and its shapes.

    Parameters
    ----------
    network : NeuralNetwork
        Whose layer.
    function : Function
        With its arrays.

    Returns
    -------
    list of str
        Lines.
    """
    words = [*_of_layer(network, function), _shapes(function)]
    return [part for line in words for part in wrap(line, _WIDTH)]


def _of_layer(network: "NeuralNetwork", function: Function) -> list[str]:
    if not function.layer and not has_link(network.loss):
        return ["What comes out is what was given."]
    if not function.layer and network.loss.link is None:
        return [f"{network.loss!r}: {_of_linked(network.loss)}."]
    if not function.layer:
        link = Activation.of(network.loss.link)
        title = f"{link.label}, which belongs to the loss {network.loss.label}:"
        return [title, *_formula(link)]
    plain = _as_written(network.blueprint.layers[function.layer])
    short = repr(plain)
    if plain.inner and len(short) > _WIDTH - len(function.layer):
        short = f"{type(plain).__name__}([...])"
    words = [f"{function.layer}: {short}", *_formula(plain)]
    activation = getattr(plain, "activation", None)
    if isinstance(activation, Activation) and activation.label != "identity":
        words += [f"{activation.label}: {line}" for line in _formula(activation)]
    return words


def _as_written(layer: "Layer") -> "Layer":
    """Return a layer without what joins its activation to the loss."""
    if isinstance(layer, Joint):
        inside: Layer = layer.of_activation
        return inside
    activation = getattr(layer, "activation", None)
    if isinstance(activation, Joint):
        change: Any = {"activation": activation.of_activation}
        return replace(layer, **change)
    return layer


def _formula(part: Any) -> list[str]:
    """Return the first sentence of a part's documentation, usually its formula."""
    words = (type(part).__doc__ or "").strip().partition("\n")[0]
    return [words.replace("``", "")] if words else []


def _shapes(function: Function) -> str:
    """Return ``x (8, 8, 1) -> a (8, 8, 4)``, shapes of one sample."""
    given, made = (
        ", ".join(f"{function.names[a]} {text(a.shape[1:])}" for a in arrays)
        for arrays in (function.inputs, function.outputs)
    )
    return f"{given} -> {made}" if given else made


def has_link(loss: Loss) -> bool:
    """Return whether a loss makes predictions of outputs that differ from them.

    Parameters
    ----------
    loss : Loss
        Any.

    Returns
    -------
    bool
    """
    own = type(loss).linked is not Loss.linked
    return own if loss.link is None else loss.link != "identity"


def _of_linked(loss: Loss) -> str:
    """Return what the predictions of a loss are, as its own documentation says it."""
    said = inspect.getdoc(type(loss).linked) or "what the loss makes of the outputs"
    return said.partition("\n")[0].removeprefix("Return ").removesuffix(".")


def border(network: "NeuralNetwork") -> float | None:
    """Return above which number a single output is a yes; None where classes compete.

    Parameters
    ----------
    network : NeuralNetwork
        That chooses between classes.

    Returns
    -------
    float or None
    """
    if network.loss.task == "classes":
        return None
    return 0.0 if network.loss.link == "identity" else 0.5


def meaning(network: "NeuralNetwork") -> str:
    """Return what comes out of a network, in words.

    Parameters
    ----------
    network : NeuralNetwork
        Any.

    Returns
    -------
    str
    """
    loss = network.loss
    number = outcome(network)
    if number is not None:
        return number
    if loss.link == "identity" or (loss.task != "numbers" and not has_link(loss)):
        return "the scores, as feedforward gives them"
    if loss.task == "classes":
        return "the probability of each class, as predict_proba gives them"
    if loss.task == "labels" and chooses(network.blueprint):
        second = ", the second class" if network.classes is not None else ""
        return f"the probability of yes{second}, as predict_proba gives it last"
    if loss.task == "labels":
        return "the probability of yes for each label, as predict_proba gives them"
    if loss.link is None and has_link(loss):
        return f"{_of_linked(loss)}, as predict gives it"
    if loss.link:
        return f"the outputs with {loss.link} applied, as predict gives them"
    return "the outputs, as feedforward gives them"
