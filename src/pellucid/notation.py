"""Names of the numbers in a network: ``dense_1.W`` is W1 in a program, W^(1) in print.

Layers are counted in the order in which they run. An activation has the number of the
layer before it: that of ``[Dense(4), "relu"]`` is a1 like that of
``[Dense(4, "relu")]``. A container has the number of its last layer.
"""

import keyword
import re
from dataclasses import replace

from pellucid.activations import Activation, Joint
from pellucid.blueprint import Blueprint
from pellucid.layer import Layer

# What layers call their values, and how it is printed.
_LETTERS = {
    "scale": r"\gamma",
    "shift": r"\beta",
    "mean": r"\mu",
    "variance": r"v",
    "spread": r"s",
    "normal": r"\hat{x}",
    "slope": r"\alpha",
    "kept": r"m",
    "noise": r"\epsilon",
    "dz": r"\delta",
    "losses": r"\ell",
    "loss": "L",
    "error": "e",
    "shares": "s",
}
_SIGNS = {
    "scale": "γ",
    "shift": "β",
    "mean": "μ",
    "variance": "v",
    "spread": "s",
    "normal": "x̂",
    "slope": "α",
    "kept": "m",
    "noise": "ε",
    "dz": "δ",
    "losses": "ℓ",
    "loss": "L",
    "error": "e",
    "shares": "s",
}
# Before the word for a running number, which is not the batch's own.
RUNNING = "running "
_SMALL = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Notation:
    """What the values of a network are called in programs and in formulas.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Attributes
    ----------
    numbers : dict of str to int
        The number of each layer, by its path; 0 stands for none.
    layers : dict of str to Layer
        The layers, by their path.
    slots : set of str
        Full names of the network's numbers.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        layers = blueprint.layers
        self.numbers: dict[str, int] = {}
        count = 0
        inner = [path for path in layers if not layers[path].inner]
        for path in inner:
            count += not isinstance(layers[path], Activation)
            self.numbers[path] = count
        for path in layers:  # a container's number is that of its last layer
            if path not in self.numbers:
                within = [self.numbers[p] for p in inner if p.startswith(f"{path}.")]
                self.numbers[path] = max(within, default=0)
        self.layers: dict[str, Layer] = layers
        self.slots = set(blueprint.layout.entries)

    def layer(self, path: str) -> Layer:
        """Return a layer as its user wrote it.

        Parameters
        ----------
        path : str
            Its path.

        Returns
        -------
        Layer
            Without what joins its activation to the loss, and without a given name.
        """
        layer = self.layers[path]
        if isinstance(layer, Joint):
            return layer.of_activation  # type: ignore[no-any-return]
        activation = getattr(layer, "activation", None)
        if isinstance(activation, Joint):
            layer = replace(layer, activation=activation.of_activation)  # type: ignore[call-arg]
        return replace(layer, name=None)

    def title(self, path: str, width: int = 200) -> str:
        """Return path and settings of a layer in a line.

        Parameters
        ----------
        path : str
            The layer.
        width : int
            Longer lines, and those of containers, have its kind in place of settings.

        Returns
        -------
        str
            Such as ``"dense_1: Dense(4, 'relu')"``.
        """
        layer = self.layer(path)
        whole = f"{path}: {layer!r}"
        if layer.inner or len(whole) > width:
            return f"{path}: {type(layer).__name__}"
        return whole

    def number(self, path: str) -> str:
        """Return the number of a layer in print, empty where it has none.

        Parameters
        ----------
        path : str
            The layer.

        Returns
        -------
        str
        """
        return str(self.numbers.get(path) or "")

    def identifier(self, path: str, word: str) -> str:
        """Return the name of a value in a program.

        Parameters
        ----------
        path : str
            The layer; empty for what belongs to none.
        word : str
            What the layer calls it.

        Returns
        -------
        str
            Such as ``"W1"`` or ``"delta2"``.
        """
        word = "delta" if word == "dz" else re.sub(r"\W", "_", word)
        number = self.number(path)
        between = "_" if word[-1:].isdigit() and number else ""
        name = f"{word}{between}{number}"
        return f"{name}_" if keyword.iskeyword(name) else name

    def formula(self, path: str, word: str) -> str:
        r"""Return the name of a value in LaTeX.

        Parameters
        ----------
        path : str
            The layer; empty for what belongs to none.
        word : str
            What the layer calls it; with a d before it, the slope of the loss in it.

        Returns
        -------
        str
            Such as ``r"W^{(1)}"`` or ``r"\delta^{(2)}"``.
        """
        of = self._differentiated(path, word)
        if of:
            return rf"\frac{{\partial L}}{{\partial {self.formula(path, of)}}}"
        number, sign = self.number(path), letter(word.removeprefix(RUNNING))
        if word.startswith(RUNNING):
            sign = rf"\bar{{{sign}}}"
        return f"{sign}^{{({number})}}" if number else sign

    def unicode(self, path: str, word: str) -> str:
        """Return the name of a value in plain text.

        Parameters
        ----------
        path, word : str
            As in `formula`.

        Returns
        -------
        str
            Such as ``"W⁽¹⁾"`` or ``"∂L/∂W⁽¹⁾"``.
        """
        of = self._differentiated(path, word)
        if of:
            return f"∂L/∂{self.unicode(path, of)}"
        number, plain = self.number(path), word.removeprefix(RUNNING)
        sign = _SIGNS.get(plain, plain)
        before = RUNNING if word.startswith(RUNNING) else ""
        return (
            f"{before}{sign}⁽{number.translate(_SMALL)}⁾" if number else before + sign
        )

    def _differentiated(self, path: str, word: str) -> str:
        """Return x for dx, where the layer has an x; empty for other words."""
        of = word[1:]
        if word[:1] != "d" or word == "dz" or not of:
            return ""
        known = of in _LETTERS or of in ("a", "x", "y") or f"{path}.{of}" in self.slots
        return of if known else ""


def letter(word: str) -> str:
    r"""Return a word of a layer as a symbol of LaTeX: one letter, or upright text.

    Parameters
    ----------
    word : str
        Such as ``"W"``, ``"dz"`` or ``"centred"``.

    Returns
    -------
    str
        Such as ``"W"``, ``r"\delta"`` or ``r"\mathrm{centred}"``.
    """
    if word in _LETTERS:
        return _LETTERS[word]
    if len(word) == 1:
        return word
    plain = word.replace("_", r"\_")
    return rf"\mathrm{{{plain}}}"
