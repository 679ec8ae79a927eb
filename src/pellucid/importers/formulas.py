"""Elementwise operators of ONNX, and which activation a formula of them is.

One activation is written in many ways: GELU as a product with an error function, SiLU
as a product with a sigmoid, all of them as one operator. What a formula is, is told by
its values at many points.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import activations, special
from pellucid.activations import Activation

Attributes = Mapping[str, Any]

# Where formulas are compared: near 0, where they bend, and so far out that no limit of
# a Clip is missed.
_FAR = [1e-3, 30.0, 1e4, 1e30]
POINTS: NDArray[np.float64] = np.concatenate(
    [np.linspace(-12, 12, 97), _FAR, np.negative(_FAR)]
)


def _elu(x: Any, how: Attributes) -> Any:
    below = how.get("alpha", 1.0) * np.expm1(np.minimum(x, 0.0))
    return np.where(x > 0, x, below)


def _selu(x: Any, how: Attributes) -> Any:
    below = how.get("alpha", 1.67326319217681884765625)
    below = below * np.expm1(np.minimum(x, 0.0))
    return how.get("gamma", 1.05070102214813232421875) * np.where(x > 0, x, below)


def _clip(x: Any, how: Attributes, low: Any = None, high: Any = None) -> Any:
    low = how.get("min", -math.inf) if low is None else low
    high = how.get("max", math.inf) if high is None else high
    return np.clip(x, low, high)


def _gelu(x: Any, how: Attributes) -> Any:
    return activations.GELU(how.get("approximate", b"none") == b"tanh").value(x)


def _hard_sigmoid(x: Any, how: Attributes) -> Any:
    return np.clip(how.get("alpha", 0.2) * x + how.get("beta", 0.5), 0.0, 1.0)


def _cast(x: Any, how: Attributes) -> Any:
    whole = how["to"] in _WHOLE
    return np.trunc(x) if whole else np.asarray(x, np.float64)


# Numbers of ONNX for the types of whole numbers.
_WHOLE = {2, 3, 4, 5, 6, 7, 12, 13}

OPERATORS: dict[str, Callable[..., Any]] = {
    "Abs": lambda x, how: np.abs(x),
    "Add": lambda x, how, y: x + y,
    "And": lambda x, how, y: x & y,
    "Cast": _cast,
    "Clip": _clip,
    "Div": lambda x, how, y: x / y,
    "Dropout": lambda x, how, *_: x,
    "Elu": _elu,
    "Equal": lambda x, how, y: x == y,
    "Erf": lambda x, how: special.erf(x),
    "Exp": lambda x, how: np.exp(x),
    "Gelu": _gelu,
    "Greater": lambda x, how, y: x > y,
    "GreaterOrEqual": lambda x, how, y: x >= y,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda x, how: x * np.clip(x / 6 + 0.5, 0.0, 1.0),
    "Identity": lambda x, how: x,
    "LeakyRelu": lambda x, how: np.where(x > 0, x, how.get("alpha", 0.01) * x),
    "Less": lambda x, how, y: x < y,
    "LessOrEqual": lambda x, how, y: x <= y,
    "Log": lambda x, how: np.log(x),
    "Max": lambda x, how, *y: np.maximum(x, *y),
    "Min": lambda x, how, *y: np.minimum(x, *y),
    "Mish": lambda x, how: activations.Mish().value(x),
    "Mul": lambda x, how, y: x * y,
    "Neg": lambda x, how: -x,
    "Not": lambda x, how: ~x,
    "Or": lambda x, how, y: x | y,
    "Pow": lambda x, how, y: x**y,
    "Reciprocal": lambda x, how: 1 / x,
    "Relu": lambda x, how: np.maximum(x, 0.0),
    "Selu": _selu,
    "Sigmoid": lambda x, how: activations.sigmoid(x),
    "Softplus": lambda x, how: activations.softplus(x),
    "Softsign": lambda x, how: x / (1 + np.abs(x)),
    "Sqrt": lambda x, how: np.sqrt(x),
    "Sub": lambda x, how, y: x - y,
    "Sum": lambda x, how, *y: sum(y, x),
    "Tanh": lambda x, how: np.tanh(x),
    "Where": lambda x, how, y, z: np.where(x, y, z),
}


def recognized(values: NDArray[np.float64]) -> Activation | tuple[float, float] | None:
    """Return the activation that has these values at `POINTS`.

    Parameters
    ----------
    values : ndarray, shape of POINTS
        What a formula gives.

    Returns
    -------
    Activation, or (factor, offset) of a straight line, or None
    """
    if values.dtype != np.float64 or values.shape != POINTS.shape:
        return None
    if np.isnan(values).any():
        return None
    at = dict(zip(POINTS.tolist(), values.tolist(), strict=True))
    line = at[1.0] - at[0.0], at[0.0]
    if _near(values, line[0] * POINTS + line[1]):
        return line
    leak, alpha = -at[-1.0], -at[-30.0]
    tried = [activations.LeakyReLU(_round(leak)), activations.ELU(_round(alpha))]
    fixed = (
        *("ReLU", "Sigmoid", "HardSigmoid", "Tanh", "HardTanh", "SELU", "GELU"),
        *("SiLU", "Mish", "Softplus", "Softsign", "Exp"),
    )
    known = [getattr(activations, name)() for name in fixed]
    for activation in (*known, activations.GELU(tanh=True), *tried):
        with np.errstate(all="ignore"):
            same = _near(values, activation.value(POINTS))
        if same:
            found: Activation = activation
            return found
    return None


def hard_sigmoid(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return slope and offset where values at `POINTS` are a hard sigmoid of another.

    Parameters
    ----------
    values : ndarray, shape of POINTS
        What a formula gives.

    Returns
    -------
    tuple of float, or None
    """
    if values.dtype != np.float64 or values.shape != POINTS.shape:
        return None
    at = dict(zip(POINTS.tolist(), values.tolist(), strict=True))
    slope, offset = _round((at[1e-3] - at[-1e-3]) / 2e-3), _round(at[0.0])
    same = _near(values, np.clip(slope * POINTS + offset, 0.0, 1.0))
    return (slope, offset) if same and slope > 0 else None


def _near(values: Any, wanted: Any) -> bool:
    least = 1e-7 * min(float(np.abs(values).max()), 1.0)
    return bool(np.allclose(values, wanted, rtol=1e-6, atol=least))


def _round(value: float) -> float:
    """Return a setting as it was written: 0.2 for the float32 next to it."""
    short = float(f"{value:.6g}")
    return short if abs(short - value) < 1e-7 * max(abs(value), 1) else value
