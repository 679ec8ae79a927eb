"""A sentence for each step of a derivation."""

import inspect

from pellucid.layer import Layer
from pellucid.losses import Loss

_WORDS = {
    "z": "The pre-activation, before the activation bends it.",
    "a": "The activation.",
    "y": "What the layer hands on.",
    "kept": "What dropout keeps, made larger so that the mean stays.",
    "losses": "How wrong each sample is.",
    "loss": "How wrong the batch is: the one number that training makes small.",
    "error": "How far each prediction is from its target.",
    "normal": "The input, brought to mean 0 and variance 1.",
    "spread": "The standard deviation, kept from zero.",
    "mean": "The mean.",
    "centred": "The distance from the mean.",
    "variance": "The mean square of these distances.",
    "new_mean": "What prediction will use: a running average.",
    "new_variance": "What prediction will use: a running average.",
}
_GRADIENTS = {
    "W": "How the loss moves with each weight: what came in, times the delta.",
    "b": "A bias adds to every sample alike, so its slope is the sum of the deltas.",
    "scale": "How the loss moves with the scale.",
    "shift": "How the loss moves with the shift.",
}


def about_layer(layer: Layer) -> str:
    """Return in a sentence what a layer does, from its documentation.

    Parameters
    ----------
    layer : Layer
        The layer.

    Returns
    -------
    str
    """
    text = (inspect.getdoc(type(layer)) or "").partition("\n\n")[0].replace("\n", " ")
    _, colon, meaning = text.rpartition("``: ")
    said = (meaning if colon else text).replace("``", "").strip()
    return f"{said[:1].upper()}{said[1:]}" if colon else said


def about_loss(loss: Loss) -> str:
    """Return what a loss is, from its documentation.

    Parameters
    ----------
    loss : Loss
        The loss.

    Returns
    -------
    str
    """
    text = (inspect.getdoc(type(loss)) or "").partition("\n\n")[0]
    return text.replace("\n", " ").replace("``", "")


def about_value(word: str, *, output: bool, last: bool) -> str:
    """Return a sentence on a value.

    Parameters
    ----------
    word : str
        What its layer calls it; ``"dW"`` for the gradient of W.
    output : bool
        Whether it is a gradient of a parameter.
    last : bool
        Whether it is the first delta of the way back.

    Returns
    -------
    str
        Empty where there is nothing to add to the formula.
    """
    if output:
        return _GRADIENTS.get(word[1:], f"How the loss moves with {word[1:]}.")
    if word == "dz" and last:
        return "The delta that the loss starts with: its slope in the pre-activation."
    if word == "dz":
        return (
            "The chain rule: what comes back from the layer behind, times the slope of "
            "the activation."
        )
    if word[:1] == "d" and word[1:] in ("a", "y", "x"):
        return "What comes back from the layer behind."
    return _WORDS.get(word, "")
