"""Everything pellucid raises on purpose: what came, what was expected, what to do."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any


class PellucidError(Exception):
    """The root of every error that pellucid raises on purpose."""


class ConfigurationError(PellucidError, ValueError):
    """A setting, a name or a combination of parts that cannot work."""


class DataError(PellucidError, ValueError):
    """Data that a network cannot take: wrong shape, not a number, wrong labels."""


class UnknownNameError(PellucidError, KeyError):
    """A name that nothing has."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would put it in quotes


class ShapeError(DataError):
    """Shapes that do not fit each other."""


class SymbolError(PellucidError, TypeError):
    """Layer code that a Symbol cannot follow."""


class NotBuiltError(PellucidError, AttributeError):
    """Numbers were asked of a network that does not know its input shape yet."""


class NonFiniteError(PellucidError, ArithmeticError):
    """Training met an infinity or a NaN and stopped before it spread."""


class ModelFileError(PellucidError):
    """A file that is not, or is no longer, a model that pellucid wrote."""


class PickleVersionWarning(UserWarning):
    """A pickle of another version of pellucid was read."""


# What other libraries call the same thing; suggested, never accepted.
ELSEWHERE = {
    "binary_crossentropy": "binary_cross_entropy",
    "bce": "binary_cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "crossentropy": "cross_entropy",
    "log_loss": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "mae": "mean_absolute_error",
    "mse": "mean_squared_error",
    "squared_error": "mean_squared_error",
    "linear": "identity",
    "logistic": "sigmoid",
    "swish": "silu",
    "sgd": "gradient_descent",
    "glorot": "glorot_uniform",
    "xavier": "glorot_uniform",
    "kaiming": "he_normal",
    "lr": "learning_rate",
    "eta": "learning_rate",
    "step_size": "learning_rate",
    "weight_decay": "decay",
    "clipnorm": "clip_norm",
    "clipvalue": "clip_value",
    "beta_1": "beta1",
    "beta_2": "beta2",
    "eps": "epsilon",
    "act": "activation",
    "neurons": "units",
    "out_features": "units",
    "use_bias": "bias",
    "kernel_initializer": "weight_init",
    "bias_initializer": "bias_init",
    "p": "rate",
    "out_channels": "filters",
    "strides": "stride",
    "pool_size": "size",
    "negative_slope": "leak",
}

# What other libraries give to `fit`.
INSTEAD = {
    "alpha": "optimizer=Adam(l2=...)",
    "learning_rate": "optimizer=Adam(0.001)",
    "loss": "NeuralNetwork(layers, loss=...)",
    "lr": "optimizer=Adam(0.001)",
    "max_iter": "epochs=...",
    "n_epochs": "epochs=...",
    "patience": "early_stopping=10",
    "random_state": "NeuralNetwork(..., seed=0)",
    "seed": "NeuralNetwork(..., seed=0)",
    "validation_data": "validation=(x, y)",
    "validation_split": "validation=0.2",
    "verbose": "progress=False",
}


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest known name, or all of them.

    Parameters
    ----------
    name : object
        What the user wrote.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        For example ``"Did you mean 'sigmoid'?"``.
    """
    known = sorted(known)
    same = ELSEWHERE.get(str(name).lower())
    if same in known:
        return f"Did you mean {same!r}? It is called so here."
    near = nearest(name, known)
    return f"Did you mean {near!r}?" if near else f"Known names: {', '.join(known)}."


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another, None if none is.

    Parameters
    ----------
    name : object
        What the user wrote.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str or None
    """
    folded = {each.lower(): each for each in known}
    near = get_close_matches(str(name).lower(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def unknown_argument(
    function: Callable[..., Any], name: str, instead: Mapping[str, str]
) -> TypeError:
    """Return the error of an argument that a function does not have.

    Parameters
    ----------
    function : callable
        What was called.
    name : str
        The argument.
    instead : mapping of str to str
        What to write for names of elsewhere.

    Returns
    -------
    TypeError
        With what to write instead.
    """
    known = [
        each.name
        for each in signature(function).parameters.values()
        if each.kind is each.KEYWORD_ONLY
    ]
    told = f"Write {instead[name]}." if name in instead else suggestion(name, known)
    return TypeError(f"{function.__name__}() has no argument {name!r}. {told}")
