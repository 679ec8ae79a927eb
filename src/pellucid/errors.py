"""Everything pellucid raises on purpose: what came, what was expected, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


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
    folded = {each.lower(): each for each in known}
    same = ELSEWHERE.get(str(name).lower())
    if same in folded:
        return f"Did you mean {same!r}? It is called so here."
    near = get_close_matches(str(name).lower(), folded, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {folded[near[0]]!r}?"
    return f"Known names: {', '.join(known)}."
