"""L-BFGS finds minima: of known functions, and those that SciPy finds."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import load
from pellucid import LBFGS, ConfigurationError, Dense, NeuralNetwork, testing
from pellucid.losses import Loss
from pellucid.minimizers import Point, direction, line_search


def minimize(function, start, rule=None, most=500, dtype="float64"):
    """Return the last point, how often the function was asked for, and why it ended."""
    rule = LBFGS(tolerance=1e-8) if rule is None else rule
    calls = itertools.count(1)
    counted = 0

    def point(w):
        nonlocal counted
        counted = next(calls)
        w = w.astype(dtype).astype(np.float64)
        return Point(w, *function(w))

    memory = {name: np.zeros(start.size, dtype) for name in rule.memories}
    here = point(start)
    for t in range(1, most + 1):
        found = rule.step(here, point, memory, t)
        if isinstance(found, str):
            return here, counted, found
        new, length = found
        assert new.value < here.value
        assert length > 0
        here = new
    return here, counted, ""


def rosenbrock(w):
    """sum 100 (w_{i+1} - w_i^2)^2 + (1 - w_i)^2: a long curved valley, 0 at ones."""
    ahead, back = w[1:] - w[:-1] ** 2, 1 - w[:-1]
    g = np.zeros_like(w)
    g[1:] += 200 * ahead
    g[:-1] += -400 * w[:-1] * ahead - 2 * back
    return float((100 * ahead**2 + back**2).sum()), g


@pytest.mark.parametrize(("size", "most"), [(2, 60), (10, 130)])
def test_a_curved_valley(size, most):
    start = np.where(np.arange(size) % 2, 1.0, -1.2)
    here, calls, why = minimize(rosenbrock, start)
    np.testing.assert_allclose(here.w, 1.0, atol=1e-7)
    assert calls < most
    assert why == "converged: no entry of the gradient is above 1e-08"


@given(size=st.integers(1, 8), seed=st.integers(0, 999), reach=st.floats(0, 3))
def test_any_round_or_long_bowl(size, seed, reach):
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.normal(size=(size, size)))
    curvature = axes * np.logspace(0, reach, size) @ axes.T
    bottom, start = random.normal(size=(2, size))

    def bowl(w):
        g = curvature @ (w - bottom)
        return float((w - bottom) @ g) / 2, g

    here, _, why = minimize(bowl, start)
    np.testing.assert_allclose(here.w, bottom, atol=1e-7)
    assert "converged" in why


def test_a_slope_without_an_end_is_gone_down_fast():
    def far(w):
        return math.exp(-1e-4 * w[0]), np.array([-1e-4 * math.exp(-1e-4 * w[0])])

    here, calls, _ = minimize(far, np.zeros(1))
    assert here.w[0] > 9e4
    assert calls < 40


def test_values_that_are_not_finite_are_stepped_back_from():
    def wall(w):  # minus log, with its minimum at 1
        if w[0] <= 0:
            return math.inf, np.array([math.nan])
        return w[0] - math.log(w[0]), np.array([1 - 1 / w[0]])

    here, _, why = minimize(wall, np.array([30.0]))
    assert here.w[0] == pytest.approx(1, abs=1e-7)
    assert "converged" in why


def test_in_float32_it_ends_where_no_lower_point_is_found():
    start = np.array([-1.2, 1.0])
    here, calls, why = minimize(rosenbrock, start, LBFGS(tolerance=0), dtype="float32")
    np.testing.assert_allclose(here.w, 1.0, atol=1e-3)
    assert why.startswith("converged")
    assert calls < 200


def test_the_direction_is_that_of_the_updated_matrix():
    random = np.random.default_rng(0)
    A = random.normal(size=(5, 5))
    A = A @ A.T + np.eye(5)
    pairs = [(s, A @ s) for s in random.normal(size=(3, 5))]
    # Nocedal and Wright, equation 6.17: the same matrix, written down.
    s, y = pairs[-1]
    H = np.eye(5) * (s @ y) / (y @ y)
    for s, y in pairs:
        V = np.eye(5) - np.outer(y, s) / (s @ y)
        H = V.T @ H @ V + np.outer(s, s) / (s @ y)
    g = random.normal(size=5)
    np.testing.assert_allclose(direction(g, pairs), -H @ g, rtol=1e-12)
    np.testing.assert_array_equal(direction(g, []), -g)


@given(
    place=st.floats(0.01, 100),
    first=st.floats(1e-3, 1e3),
    bend=st.sampled_from([1.0, 0.5, 3.0]),
)
def test_a_line_search_fulfils_both_conditions(place, first, bend):
    def valley(w):
        away = float(w[0] - place)
        size = abs(away) ** (1 + bend)
        return size, np.array([math.copysign((1 + bend) * abs(away) ** bend, away)])

    def point(w):
        return Point(w, *valley(w))

    here = point(np.zeros(1))
    d, slope = np.ones(1), float(here.g[0])
    found, length = line_search(here, point, d, slope, first)
    assert length == found.w[0]
    assert found.value <= here.value + 1e-4 * length * slope
    assert abs(found.g[0]) <= 0.9 * abs(slope)


def test_a_line_without_a_lower_point_gives_none():
    def up(w):
        return Point(w, float(abs(w[0])), np.sign(w))

    start = Point(np.zeros(1), 0.0, np.array([-1.0]))  # a slope that lies
    assert line_search(start, up, np.ones(1), -1.0, 1.0) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", load("minima"))
def test_the_minima_that_scipy_finds(case, dtype):
    golden = load("minima")[case]
    layers = [Dense(units, activation) for _, units, activation in golden["layers"]]
    net = NeuralNetwork(
        layers,
        loss=Loss.of(golden["loss"]),
        input_shape=golden["inputs"],
        dtype=dtype,
    )
    for name, values in golden["start"].items():
        net.parameters[name] = values
    rule = LBFGS(tolerance=1e-9, l2=golden["l2"])
    history = net.fit(golden["x"], golden["y"], optimizer=rule, iterations=2000)
    assert history.stopped.startswith("converged")
    loss = net.evaluate(golden["x"], golden["y"])["loss"]
    squares = sum(
        (w.astype(float) ** 2).sum()
        for n, w in net.parameters.items()
        if n.endswith("W")
    )
    value = loss + golden["l2"] / 2 * squares
    close = {"float64": 1e-10, "float32": 2e-6}[dtype]
    assert value == pytest.approx(golden["value"], rel=close)
    if case != "network":  # where there is one minimum
        wanted = golden["minimum"]
        for name, values in net.parameters.items():
            tolerance = {"float64": 1e-6, "float32": 2e-3}[dtype]
            np.testing.assert_allclose(values, wanted[name], atol=tolerance)


def test_it_is_a_part_like_others():
    testing.check_part(LBFGS())
    testing.check_part(LBFGS(3, 1e-3, l2=0.1))
    assert repr(LBFGS(3, l2=0.1)) == "LBFGS(3, l2=0.1)"
    assert LBFGS(2).memories == ("s0", "y0", "s1", "y1")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pairs": 0}, "pairs >= 1"),
        ({"tolerance": -1}, "tolerance >= 0"),
        ({"l2": -1}, "l2 >= 0"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        LBFGS(**settings)
