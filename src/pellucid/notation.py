"""Names of the numbers in a network: ``dense_1.W`` is W1 in a program, W^(1) in print.

Layers are counted in the order in which they run. An activation has the number of the
layer before it: that of ``[Dense(4), "relu"]`` is a1 like that of
``[Dense(4, "relu")]``. A container has the number of its last layer.
"""

import keyword
import re

from pellucid.activations import Activation
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
}


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
        """Return the name of a value in LaTeX.

        Parameters
        ----------
        path : str
            The layer; empty for what belongs to none.
        word : str
            What the layer calls it.

        Returns
        -------
        str
            Such as ``r"W^{(1)}"`` or ``r"\\delta^{(2)}"``.
        """
        number = self.number(path)
        above = f"^{{({number})}}" if number else ""
        return f"{letter(word)}{above}"


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
