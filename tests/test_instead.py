"""What the errors advise to write is right, and can be written down."""

import math

import numpy as np
import pytest

from pellucid.instead import FORMULAS, WORDS, instead
from pellucid.program import Program
from pellucid.symbol import VOCABULARY, Symbol, Trace

R = np.random.default_rng(0)
X, Y, K = R.uniform(-0.9, 0.9, (6, 4)), R.uniform(-0.9, 0.9, (6, 4)), 0.4
X[0, 0] = 0.0

ABOVE_0 = {"log10", "log2"}
CALLS = {  # those that are not called as f(x)
    "average": lambda x, y: np.average(x, axis=-1),
    "copysign": np.copysign,
    "cumsum": lambda x, y: np.cumsum(x, axis=1),
    "diff": lambda x, y: np.diff(x, axis=1),
    "flip": lambda x, y: np.flip(x, axis=1),
    "floor_divide": lambda x, y: x // K,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "heaviside": lambda x, y: np.heaviside(x, K),
    "hstack": lambda x, y: np.hstack([x, y]),
    "hypot": np.hypot,
    "logaddexp": np.logaddexp,
    "norm": lambda x, y: np.linalg.norm(x, axis=-1),
    "ptp": lambda x, y: np.ptp(x, axis=-1),
    "remainder": lambda x, y: x % K,
    "roll": lambda x, y: np.roll(x, 1, axis=1),
    "std": lambda x, y: np.std(x, axis=0),
    "tile": lambda x, y: np.tile(x, (1, 2)),
    "var": lambda x, y: np.var(x, axis=0),
}


def formula(name):
    return eval(f"lambda x, y, k: {FORMULAS[name]}", {"np": np, "math": math})


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_give_what_the_function_gives(name):
    x = np.abs(X) + 0.1 if name in ABOVE_0 else X
    if name.startswith("is"):
        x = np.array([[0.0, np.inf, -np.inf, np.nan]])
    function = CALLS.get(name, lambda x, y: getattr(np, name)(x))
    wanted = function(x, Y[: len(x)])
    found = formula(name)(x, Y[: len(x)], K)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_can_be_written_down(name):
    trace = Trace()
    x, y = (trace.leaf("x", each, (trace.batch, 4)) for each in "xy")
    trace.outputs["z", ""] = formula(name)(x, y, K)
    assert isinstance(trace.outputs["z", ""], Symbol)
    above = np.abs(X) + 0.1
    given = {"x": {"x": above, "y": Y}}
    found = Program("z", trace).run(given, len(X), X.dtype)["z", ""]
    wanted = formula(name)(above, Y, K)
    np.testing.assert_array_equal(found, wanted)


def test_advice_is_for_what_is_not_there():
    known = {getattr(function, "__name__", "") for function in VOCABULARY}
    assert not known & (FORMULAS.keys() | WORDS.keys() - {"invert"})
    assert not FORMULAS.keys() & WORDS.keys()
    assert instead("sinh").startswith("write 0.5")
    assert instead("sort") == WORDS["sort"]
    assert "np.where" in instead("no such function")
