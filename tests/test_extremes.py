"""Right, and without a warning, for every finite number: zero, the least, the largest.

Underflow is no fault: where the true value is below the range, it is 0. Where it is
above the range, it is infinite.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from pellucid.activations import GELU, Activation
from pellucid.layers import PReLU
from pellucid.losses import (
    BinaryCrossEntropy,
    BinaryFocal,
    BinaryHinge,
    CrossEntropy,
    Focal,
    GaussianLikelihood,
    LogCosh,
    Quantile,
)
from pellucid.network import NeuralNetwork
from pellucid.optimizers import GradientDescent
from registers import ours

DTYPES = ("float32", "float64")
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def sizes(dtype):
    """Return numbers of all sizes, with both signs."""
    info = np.finfo(dtype)
    edges = [info.smallest_subnormal, info.tiny, info.eps, info.max, info.max / 2]
    usual = [0.0, 1e-6, 0.1, 0.5, 1.0, 2.5, 3.0, 5.0, 8.0, 17.0, 30.0, 88.0, 100.0]
    large = [400.0, 746.0, 800.0, 1e4, 1e7, 1e30]
    positive = [float(v) for v in (*usual, *large, *edges)]
    return np.array([*positive, *(-v for v in positive)], dtype=dtype)


def strictly():
    """Make every floating-point fault an error; what is too small is none."""
    return np.errstate(over="raise", invalid="raise", divide="raise", under="ignore")


def rounded(exact, dtype):
    """Return exact numbers as they are in the dtype, infinite beyond its range."""
    with np.errstate(over="ignore"):
        return np.array(exact, dtype=np.float64).astype(dtype)


def check(found, exact, dtype, scale):
    """Assert that numbers are right to 8 units in the last place of their scale."""
    wanted = rounded(exact, dtype)
    assert found.dtype == dtype
    assert not np.isnan(found).any()
    infinite = np.isinf(wanted)
    assert (found[infinite] == wanted[infinite]).all()
    info = np.finfo(dtype)
    found, wanted, scale = (v[~infinite].astype(float) for v in (found, wanted, scale))
    limit = 8 * info.eps * np.maximum(np.abs(wanted), scale)
    limit = limit + 2 * float(info.smallest_subnormal)
    wrong = np.abs(found - wanted) > limit
    assert not wrong.any(), list(zip(found[wrong], wanted[wrong], strict=True))


# ---- activations

PLAIN = {n: kind() for n, kind in ours(Activation).items() if not kind.across}
PLAIN["gelu_tanh"] = GELU(tanh=True)


def test_all_activations_are_here():
    assert PLAIN.keys() == naive.ACTIVATIONS.keys()


def slope_scale(z):
    """Return the size of the terms of a slope: some have z as a factor."""
    return np.clip(np.abs(z), 1.0, 8.0)


@every_dtype
@pytest.mark.parametrize("name", PLAIN)
def test_value(name, dtype):
    z = sizes(dtype)
    exact = [naive.ACTIVATIONS[name][0](v) for v in z.tolist()]
    with strictly():
        a = PLAIN[name].value(z)
    # Errors are a share of the value, and near 0 of z itself.
    check(a, exact, dtype, np.minimum(np.abs(z), 8.0))


@every_dtype
@pytest.mark.parametrize("name", PLAIN)
def test_slope_and_delta(name, dtype):
    z, activation = sizes(dtype), PLAIN[name]
    exact = [naive.ACTIVATIONS[name][1](v) for v in z.tolist()]
    with strictly():
        a = activation.value(z)
        slope = activation.slope(z, a)
        delta = activation.delta(np.full_like(z, -2.5), z, a)
    check(slope, exact, dtype, slope_scale(z))
    check(delta, [-2.5 * v for v in exact], dtype, 2.5 * slope_scale(z))


@pytest.mark.parametrize("name", PLAIN)
@given(z=st.floats(allow_nan=False, allow_infinity=False))
def test_any_finite_number(name, z):
    activation = PLAIN[name]
    at = np.array([z])
    with strictly():
        a = activation.value(at)
        slope = activation.slope(at, a)
    check(a, [naive.ACTIVATIONS[name][0](z)], "float64", np.minimum(np.abs(at), 8.0))
    check(slope, [naive.ACTIVATIONS[name][1](z)], "float64", slope_scale(at))


@pytest.mark.parametrize("name", PLAIN)
@given(z=st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_any_finite_number_in_float32(name, z):
    activation = PLAIN[name]
    at = np.array([z], dtype=np.float32)
    with strictly():
        a = activation.value(at)
        slope = activation.slope(at, a)
    check(a, [naive.ACTIVATIONS[name][0](z)], "float32", np.minimum(np.abs(at), 8.0))
    check(slope, [naive.ACTIVATIONS[name][1](z)], "float32", slope_scale(at))


@every_dtype
def test_selu_is_infinite_where_its_value_leaves_the_range(dtype):
    largest = np.finfo(dtype).max
    z = np.array([largest, largest / 1.06, -largest], dtype=dtype)
    with strictly():
        a = PLAIN["selu"].value(z)
    assert a[0] == math.inf
    assert np.isfinite(a[1:]).all()


def test_what_a_sigmoid_cannot_hold_is_0_or_1():
    z = np.array([-1e308, -746.0, 40.0, 1e308])
    with strictly():
        assert PLAIN["sigmoid"].value(z).tolist() == [0.0, 0.0, 1.0, 1.0]


@every_dtype
def test_prelu(dtype):
    z = sizes(dtype)[:, None]
    network = NeuralNetwork(
        [PReLU()], loss="sum_of_squares", input_shape=1, dtype=dtype
    )
    with strictly():
        a = network.feedforward(z)
    check(a, np.where(z > 0, z, 0.25 * z.astype(float)), dtype, np.abs(z))


# ---- softmax and its logarithm


def rows_of_sizes(dtype):
    """Return rows of two to four numbers of all sizes."""
    some = sizes(dtype)
    top = np.finfo(dtype).max
    rows = [*itertools.product(some, some), *itertools.combinations(some[::3], 3)]
    rows += [(top, -top, -top), (-top, 0.0, top, -top), (top, top, top, -top)]
    return [np.array(row, dtype=dtype) for row in rows]


def exact_log_softmax(row):
    """Return the logarithms of softmax from exact differences."""
    row = [Fraction(float(v)) for v in row]
    top = max(row)
    below = [top - v for v in row]
    tail = math.log(math.fsum(math.exp(-min(float_of(b), 1e4)) for b in below))
    return [-float_of(b) - tail for b in below]


def float_of(fraction):
    try:
        return float(fraction)
    except OverflowError:
        return math.inf if fraction > 0 else -math.inf


@every_dtype
def test_softmax(dtype):
    softmax = Activation.of("softmax")
    for row in rows_of_sizes(dtype):
        exact = [math.exp(v) for v in exact_log_softmax(row)]
        with strictly():
            p = softmax.value(row)
            delta = softmax.delta(np.ones_like(p), row, p)
        check(p, exact, dtype, np.ones_like(row))
        assert abs(float(p.astype(float).sum()) - 1.0) <= 4 * np.finfo(dtype).eps
        assert (np.abs(delta) <= 4 * np.finfo(dtype).eps).all()


@every_dtype
def test_log_softmax(dtype):
    log_softmax = Activation.of("log_softmax")
    for row in rows_of_sizes(dtype):
        exact = exact_log_softmax(row)
        with strictly():
            a = log_softmax.value(row)
            delta = log_softmax.delta(np.array([1, *(0 * row[1:])], dtype), row, a)
        check(a, exact, dtype, np.ones_like(row))
        p = np.exp(exact)
        check(delta, [1 - p[0], *-p[1:]], dtype, np.ones_like(row))


# ---- losses that take logits


def exact_cross_entropy(row, label, smoothing):
    """- sum_k t_k log softmax(z)_k, the linear part of it in fractions."""
    classes = len(row)
    z = [Fraction(float(v)) for v in row]
    share = Fraction(smoothing) / classes
    t = [(1 - Fraction(smoothing)) * (k == label) + share for k in range(classes)]
    top = max(z)
    linear = sum(t_k * (top - z_k) for t_k, z_k in zip(t, z, strict=True))
    tail = math.fsum(math.exp(-min(float_of(top - v), 1e4)) for v in z)
    return float_of(linear + Fraction(math.log(tail)))


@every_dtype
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.75])
def test_cross_entropy(dtype, smoothing):
    loss = CrossEntropy(label_smoothing=smoothing)
    for row in rows_of_sizes(dtype):
        for label in range(len(row)):
            y = np.array([label])
            exact = exact_cross_entropy(row, label, smoothing)
            # The loss itself may be above the range; its slope never is.
            with strictly(), np.errstate(over="ignore"):
                value = loss.value(row[None], y)
            with strictly():
                slope = loss.slope(row[None], y)
            near_the_end = abs(exact) > 0.99 * float(np.finfo(dtype).max)
            if not near_the_end:
                check(value, [exact], dtype, np.ones(1))
            assert value[0] > 0.98 * float(np.finfo(dtype).max) or not near_the_end
            p = [math.exp(v) for v in exact_log_softmax(row)]
            share = smoothing / len(row)
            t = [(1 - smoothing) * (k == label) + share for k in range(len(row))]
            wanted = [[p_k - t_k for p_k, t_k in zip(p, t, strict=True)]]
            check(slope, wanted, dtype, np.ones_like(slope))


@pytest.mark.parametrize("label", [0, 1, 2])
def test_cross_entropy_of_1e300(label):
    z = np.array([[1e300, -1e300, 0.5]])
    value = CrossEntropy().value(z, np.array([label]))
    assert value.tolist() == [[0.0, 2e300, 1e300][label]]
    slope = CrossEntropy().slope(z, np.array([label]))
    assert slope.tolist() == [
        [1.0 - (label == 0), -float(label == 1), -float(label == 2)]
    ]


def exact_binary_cross_entropy(row, y):
    """Mean of (1 - y) z or -y z, plus log(1 + exp(-|z|)), the first in fractions."""
    total = Fraction(0)
    for z, t in zip(row, y, strict=True):
        z, t = Fraction(float(z)), Fraction(float(t))
        total += (1 - t) * z if z > 0 else -t * z
        total += Fraction(math.log1p(math.exp(-min(float_of(abs(z)), 1e4))))
    return float_of(total / len(row))


@every_dtype
def test_binary_cross_entropy(dtype):
    loss = BinaryCrossEntropy()
    for row in rows_of_sizes(dtype):
        for y in ([0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.25, 0.0]):
            target = np.array([y[: len(row)]], dtype=dtype)
            with strictly():  # the mean is never above the range
                value = loss.value(row[None], target)
                slope = loss.slope(row[None], target)
            check(
                value, [exact_binary_cross_entropy(row, target[0])], dtype, np.ones(1)
            )
            wanted = naive.binary_cross_entropy_slope(row.tolist(), target[0].tolist())
            check(slope, [wanted], dtype, np.ones_like(slope))


def test_binary_cross_entropy_of_1e300():
    z = np.array([[1e300], [-1e300], [1e300], [-1e300]])
    y = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert BinaryCrossEntropy().value(z, y).tolist() == [1e300, 0.0, 0.0, 1e300]
    assert BinaryCrossEntropy().slope(z, y).tolist() == [[1.0], [0.0], [0.0], [-1.0]]


@every_dtype
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal(dtype, gamma):
    loss = Focal(gamma)
    for row in rows_of_sizes(dtype):
        for label in range(len(row)):
            y, ones = np.array([label]), np.ones(len(row))
            with strictly(), np.errstate(over="ignore"):
                value = loss.value(row[None], y)
            with strictly():
                slope = loss.slope(row[None], y)
            check(value, [naive.focal(row.tolist(), label, gamma)], dtype, ones[:1])
            # Near the edge of certainty a root has the accuracy of a root.
            wanted = naive.focal_slope(row.tolist(), label, gamma)
            scale = ones[None] if gamma != 0.5 else 1e4 * ones[None]
            check(slope, [wanted], dtype, scale)


@every_dtype
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_binary_focal(dtype, gamma):
    loss = BinaryFocal(gamma)
    for row in rows_of_sizes(dtype):
        for y in ([0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.25, 0.0]):
            target = np.array([y[: len(row)]], dtype=dtype)
            with strictly():  # the mean is never above the range
                value = loss.value(row[None], target)
                slope = loss.slope(row[None], target)
            given = row.astype(float).tolist(), target[0].tolist(), gamma
            near_the_end = np.abs(row).max() > 0.1 * float(np.finfo(dtype).max)
            if not near_the_end:  # where the sum of the loops leaves the range
                check(value, [naive.binary_focal(*given)], dtype, np.ones(1))
            assert np.isfinite(value).all()
            wanted = naive.binary_focal_slope(*given)
            check(slope, [wanted], dtype, np.ones_like(slope))


@every_dtype
def test_gaussian_likelihood_of_any_spread(dtype):
    loss, y = GaussianLikelihood(0.25), np.array([[1.0]], dtype=dtype)
    for spread in sizes(dtype):
        outputs = np.array([[4.0, spread]], dtype=dtype)
        with strictly():
            value, slope = loss.value(outputs, y), loss.slope(outputs, y)
        if abs(spread) < 100:
            given = outputs[0].astype(float).tolist(), [1.0], 0.25
            wanted = naive.gaussian_likelihood(*given)
            slopes = naive.gaussian_likelihood_slope(*given)
        elif spread > 0:  # the variance is exp(spread), in which the error vanishes
            wanted, slopes = float(spread) / 2, [0.0, 0.5]
        else:  # the variance is the floor
            wanted, slopes = (math.log(0.25) + 36.0) / 2, [12.0, 0.0]
        check(value, [wanted], dtype, np.full(1, 40.0))
        check(slope, [slopes], dtype, np.full((1, 2), 40.0))


@every_dtype
def test_losses_that_grow_as_a_line_do_so_for_any_error(dtype):
    y = np.array([[1.0]], dtype=dtype)
    for z in sizes(dtype):
        outputs, size = z.reshape(1, 1), abs(float(z) - 1.0)
        for loss, exact, slope in (
            (LogCosh(), size - math.log(2), math.copysign(1.0, z - 1)),
            (Quantile(0.25), 0.75 * size if z > 1 else 0.25 * size, 0.75 - (z < 1)),
            (BinaryHinge(), max(0.0, -z + 1.0), -float(z < 1)),
        ):
            if size > 20 or not isinstance(loss, LogCosh):
                with strictly():
                    found = loss.value(outputs, y), loss.slope(outputs, y)
                check(found[0], [exact], dtype, np.ones(1))
                if z != 1:
                    check(found[1], [[slope]], dtype, np.ones((1, 1)))


@given(
    row=st.lists(st.floats(-1e307, 1e307, allow_nan=False), min_size=2, max_size=6),
    data=st.data(),
)
def test_cross_entropy_of_any_finite_logits(row, data):
    label = data.draw(st.integers(0, len(row) - 1))
    smoothing = data.draw(st.sampled_from([0.0, 0.3]))
    z = np.array([row])
    with strictly():
        value = CrossEntropy(label_smoothing=smoothing).value(z, np.array([label]))
    check(value, [exact_cross_entropy(row, label, smoothing)], "float64", np.ones(1))


@every_dtype
def test_a_network_of_the_largest_logits_learns_without_a_warning(dtype):
    network = NeuralNetwork(
        ["softmax"], loss="cross_entropy", input_shape=3, dtype=dtype
    )
    network.classes = range(3)
    largest = float(np.finfo(dtype).max)
    x = [[largest, -largest, 0.0], [0.0, largest / 2, largest / 2]]
    with strictly():
        p = network.predict_proba(x)
        loss, _ = network.backprop(x, [0, 1])
    assert p.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]
    assert loss == pytest.approx(math.log(2) / 2)


# ---- gradients


@every_dtype
@pytest.mark.parametrize("limit", [1e-30, 0.5, 1e30])
def test_clipping_gradients_of_any_size(dtype, limit):
    optimizer = GradientDescent(1.0, clip_norm=limit)
    everywhere = np.ones(3, dtype=bool)
    for size in sizes(dtype):
        g = np.array([size, -size, 0.0], dtype=dtype)
        entry = math.copysign(min(abs(float(size)), limit / math.sqrt(2)), size)
        with strictly():
            w = optimizer.update(0.0 * g, g, None, 1, 1.0, everywhere)
        check(w, [-entry, entry, 0.0], dtype, np.zeros(3))
