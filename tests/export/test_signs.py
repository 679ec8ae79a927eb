"""What is told of signs is true, and what cannot be told is left open."""

import numpy as np
import pytest

from pellucid.export.signs import is_above, is_never_above, is_never_below
from pellucid.symbol import Trace


def symbol(*shape):
    trace = Trace()
    return trace.leaf("x", "", (trace.batch, *shape))


def softmax(x, axis=-1, over=-1):
    e = np.exp(2.0 * np.maximum(x - x.max(axis=axis, keepdims=True), -400.0))
    return e.sum(axis=over, keepdims=True)


BELOW = [
    lambda x: np.exp(x),
    lambda x: np.abs(x) * 2.0 + np.sqrt(x),
    lambda x: np.maximum(x, 0.0),
    lambda x: np.abs(x).mean(axis=-1),
]
NOT_BELOW = [
    lambda x: x,
    lambda x: x * x,  # nobody looks whether both are the same
    lambda x: np.maximum(x, -1.0),
    lambda x: np.exp(x) - 1.0,
    lambda x: np.abs(x) + x,
    lambda x: np.tanh(x),
]
ABOVE = [
    lambda x: 1.0 + np.exp(x),
    lambda x: np.sqrt(np.square(x) + 1e-5),
    lambda x: softmax(x),
]
NOT_ABOVE = [
    lambda x: np.exp(x),  # which is 0 far below
    lambda x: 1e-300 + np.exp(x),  # 0 in float32
    lambda x: np.exp(x).sum(axis=-1),
    lambda x: softmax(x, -1, -2),
    lambda x: softmax(x, -2, -1),
    lambda x: 1.0 + x,
]
NEVER_ABOVE = [
    lambda x: -np.abs(x),
    lambda x: -2.0 * np.square(x),
    lambda x: x - x.max(axis=-1, keepdims=True),
    lambda x: np.maximum(-np.exp(x), -1.0),
]
NOT_NEVER_ABOVE = [
    lambda x: -x,
    lambda x: 2.0 * np.square(x),
    lambda x: x.max(axis=-1, keepdims=True) - x,
    lambda x: np.maximum(-np.abs(x), 1.0),
]


@pytest.mark.parametrize(
    ("rule", "known", "unknown"),
    [
        (is_never_below, BELOW, NOT_BELOW),
        (is_above, ABOVE, NOT_ABOVE),
        (is_never_above, NEVER_ABOVE, NOT_NEVER_ABOVE),
    ],
)
def test_rules(rule, known, unknown):
    for formula in known:
        assert rule(formula(symbol(3, 3)))
    for formula in unknown:
        assert not rule(formula(symbol(3, 3)))


def test_numbers_are_what_they_are():
    assert is_above(1.0)
    assert not is_above(0.0)
    assert is_never_below(0.0)
    assert is_never_above(-1)
    assert not is_never_above(1)
