"""What to write instead of the NumPy functions that layers cannot use.

The vocabulary of layers is small on purpose: every engine and exporter knows all of it.
Most other functions are formulas in it. Here x and y are arrays of shape (n, columns),
and k is a number.
"""

FORMULAS = {
    "arcsinh": "np.log(x + np.sqrt(x * x + 1.0))",
    "arctanh": "0.5 * (np.log1p(x) - np.log1p(-x))",
    "average": "np.mean(x, axis=-1)",
    "cbrt": "np.sign(x) * np.abs(x) ** (1 / 3)",
    "ceil": "-np.floor(-x)",
    "copysign": "np.where(y < 0, -np.abs(x), np.abs(x))",
    "cosh": "0.5 * (np.exp(x) + np.exp(-x))",
    "cumsum": "np.concatenate([x[:, : i + 1].sum(axis=1, keepdims=True) for i in "
    "range(x.shape[1])], axis=1)",
    "diff": "x[:, 1:] - x[:, :-1]",
    "exp2": "2.0**x",
    "flip": "x[:, ::-1]",
    "floor_divide": "np.floor(x / k)",
    "fmax": "np.maximum(x, y)",
    "fmin": "np.minimum(x, y)",
    "heaviside": "np.where(x > 0, 1.0, k * (x == 0).astype(x.dtype))",
    "hstack": "np.concatenate([x, y], axis=1)",
    "hypot": "np.sqrt(x * x + y * y)",
    "isfinite": "np.abs(x) < math.inf",
    "isinf": "np.abs(x) == math.inf",
    "isnan": "x != x",
    "log10": "np.log(x) / math.log(10)",
    "log2": "np.log(x) / math.log(2)",
    "logaddexp": "np.maximum(x, y) + np.log1p(np.exp(-np.abs(x - y)))",
    "norm": "np.sqrt((x * x).sum(axis=-1))",
    "ptp": "x.max(axis=-1) - x.min(axis=-1)",
    "remainder": "x - k * np.floor(x / k)",
    "rint": "np.floor(x + 0.5)",
    "roll": "np.concatenate([x[:, -1:], x[:, :-1]], axis=1)",
    "round": "np.floor(x + 0.5)",
    "sinh": "0.5 * (np.expm1(x) - np.expm1(-x))",
    "std": "np.sqrt(np.square(x - x.mean(axis=0)).mean(axis=0))",
    "tan": "np.sin(x) / np.cos(x)",
    "tile": "np.concatenate([x, x], axis=1)",
    "trunc": "np.sign(x) * np.floor(np.abs(x))",
    "var": "np.square(x - x.mean(axis=0)).mean(axis=0)",
}

_NO_ORDER = (
    "np.max and np.min are all there is of order; sort the data before they come"
)
_SHAPES = "write x.reshape(x.shape[0], ...) or np.transpose(x, axes)"
_PRODUCTS = "write x @ y, with np.transpose and reshape where it is needed"

WORDS = {
    "argmax": "write (x == x.max(axis=-1, keepdims=True)).astype(x.dtype): a 1 there",
    "argmin": "write (x == x.min(axis=-1, keepdims=True)).astype(x.dtype): a 1 there",
    "argsort": _NO_ORDER,
    "copy": "results are new arrays anyway; use x itself",
    "divmod": "write np.floor(x / k) and x - k * np.floor(x / k)",
    "dot": _PRODUCTS,
    "einsum": _PRODUCTS,
    "expand_dims": _SHAPES,
    "inner": _PRODUCTS,
    "invert": "write np.logical_not(condition)",
    "median": _NO_ORDER,
    "moveaxis": _SHAPES,
    "outer": "write x[:, :, None] * y[:, None, :]",
    "percentile": _NO_ORDER,
    "prod": "write x[:, :1] * x[:, 1:2] and so on",
    "quantile": _NO_ORDER,
    "ravel": "write x.reshape(x.shape[0], -1)",
    "size": "write the product of x.shape",
    "sort": _NO_ORDER,
    "split": "write x[:, :k] and x[:, k:]",
    "squeeze": _SHAPES,
    "stack": "write np.concatenate of x[..., None] and y[..., None], axis=-1",
    "swapaxes": _SHAPES,
    "tensordot": _PRODUCTS,
    "zeros": "write np.zeros_like(x)",
}


def instead(name: str) -> str:
    """Return what to write instead of a function.

    Parameters
    ----------
    name : str
        Its name in NumPy, without ``np.``.

    Returns
    -------
    str
        A clause such as ``"write x @ y"``.
    """
    if name in FORMULAS:
        return f"write {FORMULAS[name]}"
    return WORDS.get(
        name, "write it with what is there, such as np.exp, np.where and np.sum"
    )
