"""The oracle itself: known numbers, differences of its own values, and the extremes."""

import copy
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive

LARGEST = sys.float_info.max
numbers = st.floats(-30, 30)
finite = st.floats(allow_nan=False, allow_infinity=False)


def digits(number, written):
    """Does the number agree with one written with fewer digits, to its last digit?"""
    places = len(written.partition(".")[2].partition("e")[0])
    mantissa, _, exponent = written.partition("e")
    scale = 10.0 ** int(exponent or 0)
    return abs(number / scale - float(mantissa)) <= 0.5000001 * 10.0**-places


# ------------------------------------------------------- the tutorials' own numbers


def test_neuron():
    assert naive.neuron([0, 1], 4, [2, 3]) == pytest.approx(
        0.9990889488055994, abs=1e-15
    )


def test_network_of_three_neurons():
    hidden = [naive.neuron([0, 1], 0, [2, 3]) for _ in range(2)]
    output = naive.neuron([0, 1], 0, hidden)
    assert output == pytest.approx(0.7216325609518421, abs=1e-15)


X = [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
Y = [[0], [1], [1], [0]]
TABLE = [
    ["dense", 4, "sigmoid", {"bias": False}],
    ["dense", 1, "sigmoid", {"bias": False}],
]


def table_weights():
    random = np.random.RandomState(0)
    W1 = random.rand(3, 4).tolist()
    return {"dense_1.W": W1, "dense_2.W": random.rand(4, 1).tolist()}


def test_truth_table_before_training():
    y_hat, _, _ = naive.feedforward(TABLE, table_weights(), X)
    written = ["0.74371118", "0.77930734", "0.78271057", "0.8056535"]
    assert all(map(digits, [row[0] for row in y_hat], written))

    _, gradients, _ = naive.backprop(TABLE, table_weights(), "sum_of_squares", X, Y)
    written = ["0.3043973", "0.27200549", "0.29463094", "0.28345481"]
    assert all(map(digits, [row[0] for row in gradients["dense_2.W"]], written))
    written = ["0.00957779", "0.01674032", "0.00129587", "0.00114662"]
    assert all(map(digits, gradients["dense_1.W"][0], written))


def test_truth_table_trained():
    weights, losses = naive.train(
        TABLE, table_weights(), "sum_of_squares", X, Y, rate=1.0, iterations=1500
    )
    known = {  # update: the loss before it
        1: 1.298103813489028,
        2: 1.027280760048026,
        10: 0.9978345338133661,
        100: 0.7932318109321224,
        500: 0.01543081680035193,
        1000: 0.004984652070321296,
        1500: 0.002800221856001262,
    }
    for update, loss in known.items():
        assert losses[update - 1] == pytest.approx(loss, rel=0, abs=1e-12)
    assert losses == sorted(losses, reverse=True)

    y_hat, _, _ = naive.feedforward(TABLE, weights, X)
    written = ["0.01009142", "0.97159048", "0.97167813", "0.03296341"]
    assert all(map(digits, [row[0] for row in y_hat], written))
    last, _, _ = naive.batch_loss("sum_of_squares", y_hat, Y)
    assert last == pytest.approx(0.002797651969932191, rel=0, abs=1e-12)


MAZUR = [["dense", 2, "sigmoid"], ["dense", 2, "sigmoid"]]
MAZUR_X, MAZUR_Y = [[0.05, 0.10]], [[0.01, 0.99]]
MAZUR_WEIGHTS = {  # column j holds the weights of neuron j
    "dense_1.W": [[0.15, 0.25], [0.20, 0.30]],
    "dense_1.b": [0.35, 0.35],
    "dense_2.W": [[0.40, 0.50], [0.45, 0.55]],
    "dense_2.b": [0.60, 0.60],
}


def mazur_trained(rounds):
    return naive.train(
        MAZUR,
        MAZUR_WEIGHTS,
        "half_sum_of_squares",
        MAZUR_X,
        MAZUR_Y,
        rate=0.5,
        iterations=rounds,
        frozen=("dense_1.b", "dense_2.b"),
    )


def mazur_loss(weights):
    y_hat, _, _ = naive.feedforward(MAZUR, weights, MAZUR_X)
    return naive.batch_loss("half_sum_of_squares", y_hat, MAZUR_Y)[0]


def test_mazur_before_training():
    y_hat, seen, _ = naive.feedforward(MAZUR, MAZUR_WEIGHTS, MAZUR_X)
    assert all(map(digits, seen["dense_2"][0], ["0.593269992", "0.596884378"]))
    assert all(map(digits, y_hat[0], ["0.75136507", "0.772928465"]))
    value, gradients, _ = naive.backprop(
        MAZUR, MAZUR_WEIGHTS, "half_sum_of_squares", MAZUR_X, MAZUR_Y
    )
    assert digits(value, "0.298371109")
    assert digits(gradients["dense_2.W"][0][0], "0.082167041")
    assert digits(gradients["dense_1.W"][0][0], "0.000438568")


def test_mazur_after_one_step():
    weights, _ = mazur_trained(1)
    assert digits(weights["dense_1.W"][0][0], "0.149780716")
    assert digits(weights["dense_2.W"][0][0], "0.35891648")
    assert weights["dense_1.b"] == [0.35, 0.35]
    assert digits(mazur_loss(weights), "0.291027773694")


def test_mazur_after_ten_thousand_steps():
    weights, _ = mazur_trained(10_000)
    assert digits(mazur_loss(weights), "3.51018778e-05")


# ------------------------------------------------------------------- activations


@pytest.mark.parametrize(
    ("name", "z", "expected"),
    [
        ("sigmoid", 0.0, 0.5),
        ("sigmoid", math.log(3), 0.75),
        ("hard_sigmoid", 1.5, 0.75),
        ("hard_sigmoid", 4.0, 1.0),
        ("hard_sigmoid", -4.0, 0.0),
        ("tanh", math.log(2), 0.6),
        ("hard_tanh", -0.25, -0.25),
        ("hard_tanh", 7.0, 1.0),
        ("relu", -2.0, 0.0),
        ("relu", 2.0, 2.0),
        ("leaky_relu", -2.0, -0.02),
        ("elu", -math.log(4), -0.75),
        ("selu", 1.0, 1.0507009873554805),
        ("selu", -math.log(4), -0.75 * 1.0507009873554805 * 1.6732632423543772),
        ("gelu", 1.0, 0.8413447460685429),  # the normal distribution at one sigma
        ("gelu", -1.0, -0.15865525393145707),
        ("gelu_tanh", 1.0, 0.8411919906082768),
        ("silu", math.log(3), 0.75 * math.log(3)),
        ("mish", 0.0, 0.0),
        ("mish", math.log(math.e - 1), math.log(math.e - 1) * math.tanh(1)),
        ("softplus", 0.0, math.log(2)),
        ("softplus", math.log(math.e - 1), 1.0),
        ("softsign", -3.0, -0.75),
    ],
)
def test_activation_known_value(name, z, expected):
    assert naive.ACTIVATIONS[name][0](z) == pytest.approx(expected, rel=1e-14)


KINKS = {
    "hard_sigmoid": (-3, 3),
    "hard_tanh": (-1, 1),
    "relu": (0,),
    "leaky_relu": (0,),
    "selu": (0,),
}


@pytest.mark.parametrize("name", naive.ACTIVATIONS)
def test_slope_is_the_difference_of_values(name):
    value, slope = naive.ACTIVATIONS[name]
    step = 1e-5
    for z in np.linspace(-9.03, 9.05, 400).tolist():
        if all(abs(z - kink) > 2 * step for kink in KINKS.get(name, ())):
            difference = (value(z + step) - value(z - step)) / (2 * step)
            assert slope(z) == pytest.approx(difference, rel=1e-8, abs=1e-9)


def test_slopes_at_kinks():
    assert naive.relu_slope(0.0) == 0.0
    assert naive.leaky_relu_slope(0.0) == 0.01
    assert naive.hard_tanh_slope(1.0) == naive.hard_tanh_slope(-1.0) == 0.0
    assert naive.hard_sigmoid_slope(3.0) == naive.hard_sigmoid_slope(-3.0) == 0.0


@pytest.mark.parametrize("name", naive.ACTIVATIONS)
@given(z=finite)
def test_activation_of_every_finite_number(name, z):
    value, slope = naive.ACTIVATIONS[name]
    # selu stretches the largest number beyond what a float64 holds
    assert math.isfinite(value(z)) or (name in ("selu", "exp") and value(z) == math.inf)
    assert -0.2 < slope(z) < 1.8 or name == "exp"


@pytest.mark.parametrize("name", naive.ACTIVATIONS)
@pytest.mark.parametrize("z", [-LARGEST, -1e300, -800.0, 800.0, 1e300, LARGEST])
def test_activation_far_out(name, z):
    value, slope = naive.ACTIVATIONS[name]
    limits = {  # (value, slope) far to the left, then far to the right
        "identity": ((z, 1), (z, 1)),
        "sigmoid": ((0, 0), (1, 0)),
        "hard_sigmoid": ((0, 0), (1, 0)),
        "tanh": ((-1, 0), (1, 0)),
        "hard_tanh": ((-1, 0), (1, 0)),
        "relu": ((0, 0), (z, 1)),
        "leaky_relu": ((0.01 * z, 0.01), (z, 1)),
        "elu": ((-1, 0), (z, 1)),
        "selu": (
            (-naive.SELU_SCALE * naive.SELU_ALPHA, 0),
            (naive.SELU_SCALE * z, naive.SELU_SCALE),
        ),
        "gelu": ((0, 0), (z, 1)),
        "gelu_tanh": ((0, 0), (z, 1)),
        "silu": ((0, 0), (z, 1)),
        "mish": ((0, 0), (z, 1)),
        "softplus": ((0, 0), (z, 1)),
        "softsign": ((-1, 0), (1, 0)),
        "exp": ((0, 0), (math.inf, math.inf)),
    }[name][z > 0]
    assert (value(z), slope(z)) == pytest.approx(limits, rel=2e-3, abs=2e-6)


rows = st.lists(numbers, min_size=1, max_size=5)


@given(z=rows)
def test_softmax_is_a_distribution_and_log_softmax_its_logarithm(z):
    a = naive.softmax(z)
    assert math.fsum(a) == pytest.approx(1, abs=1e-15)
    assert [math.exp(v) for v in naive.log_softmax(z)] == pytest.approx(a, rel=1e-13)


def test_softmax_known_values():
    z = [0.0, math.log(2), math.log(5)]
    assert naive.softmax(z) == pytest.approx([1 / 8, 2 / 8, 5 / 8], rel=1e-15)
    assert naive.softmax([LARGEST, -LARGEST, LARGEST]) == [0.5, 0.0, 0.5]
    assert naive.log_softmax([1000.0, 0.0]) == [0.0, -1000.0]
    # the logarithm keeps the digits that 1 - 4e-18 has lost
    assert naive.log_softmax([40.0, 0.0])[0] == pytest.approx(-math.exp(-40), rel=1e-14)


@pytest.mark.parametrize("name", naive.ROW_ACTIVATIONS)
@given(z=st.lists(st.floats(-5, 5), min_size=1, max_size=5))
def test_jacobian_is_the_difference_of_values(name, z):
    value, jacobian = naive.ROW_ACTIVATIONS[name]
    J, step = jacobian(z), 1e-5
    for j in range(len(z)):
        up, down = list(z), list(z)
        up[j], down[j] = z[j] + step, z[j] - step
        for i, (a, b) in enumerate(zip(value(up), value(down), strict=True)):
            assert J[i][j] == pytest.approx((a - b) / (2 * step), rel=1e-7, abs=1e-9)


# ------------------------------------------------------------------------ losses


@pytest.mark.parametrize(
    ("loss", "y_hat", "y", "options", "expected"),
    [
        ("sum_of_squares", [1, 2], [3, -1], {}, 13),
        ("half_sum_of_squares", [1, 2], [3, -1], {}, 6.5),
        ("mean_squared_error", [1, 2], [3, -1], {}, 6.5),
        ("mean_absolute_error", [1, 2], [3, -1], {}, 2.5),
        ("huber", [1, 0.5], [3, 0], {}, (1.5 + 0.125) / 2),
        ("huber", [1, 0.5], [3, 0], {"delta": 3.0}, (2 + 0.125) / 2),
        ("huber", [1, 0.5], [3, 0], {"delta": 0.25}, (0.46875 + 0.09375) / 2),
        ("cross_entropy", [0, math.log(2), math.log(5)], 1, {}, math.log(4)),
        ("cross_entropy", [0, 0, 0, 0], 2, {"label_smoothing": 0.3}, math.log(4)),
        (
            "cross_entropy",
            [0, math.log(3)],
            0,
            {"label_smoothing": 0.5},
            0.75 * math.log(4) + 0.25 * math.log(4 / 3),
        ),
        ("log_cosh", [math.log(2), -1], [0, -1], {}, math.log(1.25) / 2),
        ("quantile", [1, 5, 2], [3, 1, 2], {"level": 0.75}, (0.75 * 2 + 0.25 * 4) / 3),
        ("poisson", [math.log(3), 0], [2, 5], {}, (3 - 2 * math.log(3) + 1) / 2),
        # a mean that is off by 3 deviations of 2, and one that is right
        (
            "gaussian_likelihood",
            [5, 1, math.log(3), math.log(8)],
            [-1, 1],
            {"floor": 1.0},
            (math.log(4) + 9 + math.log(9)) / 4,
        ),
        ("focal", [0, math.log(3)], 0, {}, 0.75**2 * math.log(4)),
        ("focal", [0, math.log(3)], 1, {"gamma": 0.5}, 0.5 * math.log(4 / 3)),
        (
            "binary_focal",
            [math.log(3), 0],
            [0, 1],
            {},
            (0.75**2 * math.log(4) + 0.25 * math.log(2)) / 2,
        ),
        ("hinge", [1, 0.5, -1], 1, {}, 1.5 / 3),
        ("binary_hinge", [0.5, 2, -3], [1, 1, 1], {}, 4.5 / 3),
        ("binary_hinge", [0.5, 2, -3], [0, 0, 0], {}, 4.5 / 3),
        (
            "binary_cross_entropy",
            [math.log(3), 0],
            [0, 1],
            {},
            (math.log(4) + math.log(2)) / 2,
        ),
    ],
)
def test_loss_known_value(loss, y_hat, y, options, expected):
    value = naive.LOSSES[loss][0]
    assert value(y_hat, y, **options) == pytest.approx(expected, rel=1e-14)


def targets_for(loss, outputs):
    if loss in ("cross_entropy", "focal", "hinge"):
        return 1
    if loss == "gaussian_likelihood":
        outputs //= 2
    return [(0.3, 1.0, 0.0)[k % 3] for k in range(outputs)]


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        *((loss, {}) for loss in naive.LOSSES if loss != "quantile"),
        ("huber", {"delta": 0.5}),
        ("quantile", {"level": 0.8}),
        ("focal", {"gamma": 0.5}),
        ("binary_focal", {"gamma": 3.5}),
        ("gaussian_likelihood", {"floor": 0.5}),
        ("cross_entropy", {"label_smoothing": 0.2}),
    ],
)
def test_loss_slope_is_the_difference_of_values(loss, options):
    value, slope, _ = naive.LOSSES[loss]
    y_hat, step = [0.7, -0.2, 2.9, -1.4], 1e-6
    y = targets_for(loss, len(y_hat))
    for k, ours in enumerate(slope(y_hat, y, **options)):
        up, down = list(y_hat), list(y_hat)
        up[k] += step
        down[k] -= step
        difference = value(up, y, **options) - value(down, y, **options)
        assert ours == pytest.approx(difference / (2 * step), rel=1e-8, abs=1e-9)


def test_cross_entropies_of_large_logits():
    assert naive.cross_entropy([1e300, 0.0], 1) == 1e300
    assert naive.cross_entropy([1e300, 0.0], 0) == 0
    assert naive.cross_entropy([LARGEST, -LARGEST], 0) == 0
    # beyond the largest number the loss itself is infinite, its slope is not
    assert naive.cross_entropy([LARGEST, -LARGEST], 1) == math.inf
    assert naive.cross_entropy_slope([LARGEST, -LARGEST], 1) == [1.0, -1.0]
    assert naive.binary_cross_entropy([1e300], [1.0]) == 0
    assert naive.binary_cross_entropy([1e300], [0.0]) == 1e300
    assert naive.binary_cross_entropy_slope([-LARGEST], [1.0]) == [-1.0]
    assert naive.binary_cross_entropy([40.0], [1.0]) == pytest.approx(math.exp(-40))


def test_two_classes_and_one_logit_are_the_same_thing():
    z = 1.7
    one = naive.binary_cross_entropy([z], [1.0])
    assert naive.cross_entropy([0.0, z], 1) == pytest.approx(one, rel=1e-14)


def test_weights_of_samples():
    y_hat, y = [[1.0], [3.0]], [[0.0], [1.0]]
    total, slopes, each = naive.batch_loss("sum_of_squares", y_hat, y, [2.0, 0.5])
    assert (total, slopes, each) == (4.0, [[4.0], [2.0]], [1.0, 4.0])
    total, slopes, each = naive.batch_loss("mean_squared_error", y_hat, y, [2.0, 0.5])
    assert (total, slopes, each) == (4.0 / 2.5, [[4.0 / 2.5], [2.0 / 2.5]], [1.0, 4.0])
    # a weight of two is the sample twice; a weight of zero is no sample
    twice = naive.batch_loss("mean_squared_error", [[1.0], [1.0]], [[0.0], [0.0]])
    assert naive.batch_loss("mean_squared_error", y_hat, y, [2, 0])[0] == twice[0]


# ------------------------------------------------------------------------ layers


def test_dense_by_hand():
    x, W, b = [[1, 2], [3, 4]], [[10, 20, 30], [40, 50, 60]], [1, 2, 3]
    assert naive.dense_forward(x, W, b) == [[91, 122, 153], [191, 262, 333]]
    dx, dW, db = naive.dense_backward([[1, 0, 0], [0, 0, 2]], x, W)
    assert dx == [[10, 40], [60, 120]]
    assert dW == [[1, 0, 6], [2, 0, 8]]
    assert db == [1, 0, 2]


def test_batch_norm_by_hand():
    x = [[1.0], [3.0], [5.0], [7.0]]  # mean 4, biased variance 5, unbiased 20 / 3
    y = naive.batch_norm_forward_training(x, [2.0], [10.0], epsilon=4.0)
    assert [row[0] for row in y] == pytest.approx(
        [10 - 6 / 3, 10 - 2 / 3, 10 + 2 / 3, 10 + 6 / 3]
    )
    mean, variance = naive.batch_norm_running(x, [1.0], [1.0])
    assert mean == pytest.approx([0.9 + 0.4])
    assert variance == pytest.approx([0.9 + 2 / 3])
    y = naive.batch_norm_forward_prediction(x, [2.0], [10.0], [3.0], [12.0], 4.0)
    assert [row[0] for row in y] == pytest.approx([9, 10, 11, 12])


def test_dropout_by_hand():
    mask = [[1, 0, 1], [0, 1, 1]]
    y = naive.dropout_forward([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], mask, rate=0.75)
    assert y == [[4.0, 0.0, 12.0], [0.0, 20.0, 24.0]]
    assert naive.dropout_backward([[1.0] * 3] * 2, mask, rate=0.5) == [
        [2.0, 0.0, 2.0],
        [0.0, 2.0, 2.0],
    ]


def test_prelu_by_hand():
    x, slope = [[2.0, -4.0], [-1.0, -8.0]], [0.5, 0.25]
    assert naive.prelu_forward(x, slope) == [[2.0, -1.0], [-0.5, -2.0]]
    dx, dslope = naive.prelu_backward([[1.0, 1.0], [1.0, 10.0]], x, slope)
    assert dx == [[1.0, 0.25], [0.5, 2.5]]
    assert dslope == [-1.0, -84.0]


def test_residual_and_concat_by_hand():
    assert naive.residual_forward([[1, 2]], [[10, 20]]) == [[11, 22]]
    assert naive.residual_backward([[1, 2]], [[10, 20]]) == [[11, 22]]
    y = naive.concat_forward([[[1, 2], [3, 4]], [[5], [6]]])
    assert y == [[1, 2, 5], [3, 4, 6]]
    assert naive.concat_backward(y, [2, 1]) == [[[1, 2], [3, 4]], [[5], [6]]]


# A residual block, branches, both statistics and every kind of parameter.
NETWORK = [
    ["dense", 3, "tanh"],
    ["batch_norm"],
    ["residual", [["dense", 3, "silu"], ["batch_norm"]]],
    ["concat", [["dense", 2, None], ["chain", [["prelu"], ["dense", 2, "softmax"]]]]],
    ["activation", "softplus"],
    ["dense", 2, None, {"bias": False}],
]
SHAPES = {
    "dense_1.W": (2, 3),
    "dense_1.b": (3,),
    "batch_norm_1.scale": (3,),
    "batch_norm_1.shift": (3,),
    "residual_1.dense_1.W": (3, 3),
    "residual_1.dense_1.b": (3,),
    "residual_1.batch_norm_1.scale": (3,),
    "residual_1.batch_norm_1.shift": (3,),
    "concat_1.dense_1.W": (3, 2),
    "concat_1.dense_1.b": (2,),
    "concat_1.chain_1.prelu_1.slope": (3,),
    "concat_1.chain_1.dense_1.W": (3, 2),
    "concat_1.chain_1.dense_1.b": (2,),
    "dense_2.W": (4, 2),
}
STATE = {
    "batch_norm_1.mean": [0.1, -0.2, 0.3],
    "batch_norm_1.variance": [0.5, 1.5, 2.0],
    "residual_1.batch_norm_1.mean": [-0.3, 0.2, 0.1],
    "residual_1.batch_norm_1.variance": [1.0, 0.7, 0.4],
}


def network_numbers():
    random = np.random.default_rng(5)
    parameters = {
        name: random.normal(size=shape).tolist() for name, shape in SHAPES.items()
    }
    return parameters | copy.deepcopy(STATE), random


def places(w, path=()):
    """The index path of every number in lists of any depth."""
    if not isinstance(w, list):
        yield path
        return
    for i, inner in enumerate(w):
        yield from places(inner, (*path, i))


def at(w, path):
    for i in path:
        w = w[i]
    return w


def moved(parameters, name, path, by):
    result = copy.deepcopy(parameters)
    *outer, last = (name, *path)
    at(result, outer)[last] += by
    return result


@pytest.mark.parametrize("mode", ["train", "predict"])
@pytest.mark.parametrize("loss", ["mean_squared_error", "cross_entropy"])
def test_gradients_are_differences_of_the_loss(mode, loss):
    parameters, random = network_numbers()
    x = random.normal(size=(5, 2)).tolist()
    y = [0, 1, 1, 0, 1]
    if loss == "mean_squared_error":
        y = random.normal(size=(5, 2)).tolist()
    weight = [1.0, 2.0, 0.5, 0.25, 1.5]

    def backprop(parameters):
        return naive.backprop(NETWORK, parameters, loss, x, y, weight, mode)

    _, gradients, state = backprop(parameters)
    assert gradients.keys() == SHAPES.keys()
    assert state.keys() == STATE.keys()
    assert (state == STATE) == (mode == "predict")
    step = 1e-5
    for name, gradient in gradients.items():
        for path in places(parameters[name]):
            up = backprop(moved(parameters, name, path, step))[0]
            down = backprop(moved(parameters, name, path, -step))[0]
            difference = (up - down) / (2 * step)
            assert at(gradient, path) == pytest.approx(difference, rel=1e-6, abs=1e-8)


def test_the_link_of_a_cross_entropy_changes_neither_loss_nor_gradients():
    x, y = [[1.0, -2.0], [0.5, 3.0]], [1, 0]
    weights = {"dense_1.W": [[0.2, -0.4], [0.1, 0.3]], "dense_1.b": [0.0, 0.5]}
    bare, linked = [["dense", 2, None]], [["dense", 2, "softmax"]]
    layered = [["dense", 2, None], ["activation", "softmax"]]
    expected = naive.backprop(bare, weights, "cross_entropy", x, y)
    assert naive.backprop(linked, weights, "cross_entropy", x, y) == expected
    assert naive.backprop(layered, weights, "cross_entropy", x, y) == expected


# -------------------------------------------------------- optimizers and schedules


def test_optimizers_by_hand():
    assert naive.gradient_descent(1.0, 0.5, rate=0.1) == pytest.approx(0.95)
    assert naive.momentum(1.0, 0.5, 2.0, rate=0.1, momentum=0.5) == pytest.approx(
        (0.85, 1.5)
    )
    assert naive.nesterov(1.0, 0.5, 2.0, rate=0.1, momentum=0.5) == pytest.approx(
        (1 - 0.1 * (0.5 + 0.5 * 1.5), 1.5)
    )
    # 0.75 * 60 + 0.25 * 4^2 = 49, whose root is 7
    assert naive.rmsprop(1.0, 4.0, 60.0, rate=0.1, rho=0.75, epsilon=1.0) == (
        pytest.approx((1 - 0.1 * 4 / (7 + 1), 49.0))
    )


def test_first_step_of_adam_is_the_rate_whatever_the_slope():
    for g in (1e-3, 1.0, -1e5):
        w, _, _ = naive.adam(1.0, g, 0.0, 0.0, t=1, rate=0.01)
        assert 1 - w == pytest.approx(math.copysign(0.01, g), rel=1e-4)


def test_adam_and_adamw_by_hand():
    # mean 0.5*1 + 0.5*3 = 2 -> 2/0.75; square 0.5*1 + 0.5*9 = 5 -> 5/0.75; t = 2
    w, mean, square = naive.adam(1.0, 3.0, 1.0, 1.0, 2, 0.1, 0.5, 0.5, 1.0)
    assert (mean, square) == (2.0, 5.0)
    assert w == pytest.approx(1 - 0.1 * (2 / 0.75) / (math.sqrt(5 / 0.75) + 1))
    shrunk, *_ = naive.adamw(1.0, 3.0, 1.0, 1.0, 2, 0.1, 0.25, 0.5, 0.5, 1.0)
    assert shrunk == pytest.approx(w - 0.1 * 0.25 * 1.0)


def test_further_optimizers_by_hand():
    # 4^2 + 9 = 25, whose root is 5
    w, total = naive.adagrad(1.0, 4.0, 9.0, rate=0.1, epsilon=3.0)
    assert (w, total) == pytest.approx((1 - 0.1 * 4 / 8, 25.0))
    # the largest square stays although the new one is 0.5 * 2 + 0.5 * 4 = 3
    w, mean, square, top = naive.amsgrad(
        1.0, 2.0, 0.0, 2.0, 12.0, 2, rate=0.1, beta1=0.5, beta2=0.5, epsilon=1.0
    )
    assert (mean, square, top) == (1.0, 3.0, 12.0)
    assert w == pytest.approx(1 - 0.1 * (1 / 0.75) / (math.sqrt(12 / 0.75) + 1))
    # without warming each share is half of beta1
    w, mean, _ = naive.nadam(
        1.0, 2.0, 0.0, 0.0, 1, 0.1, beta1=0.5, beta2=0.0, epsilon=0.0, warming=0.0
    )
    assert mean == 1.0
    step = (1 - 0.25) * 2 / (1 - 0.25) + 0.25 * 1 / (1 - 0.0625)
    assert w == pytest.approx(1 - 0.1 * step / 2)
    assert naive.nadam_share(25.0, 0.9, 1.0) == pytest.approx(0.9 * 0.8198, rel=1e-3)
    # 0.5 * -3 + 0.5 * 1 < 0, so up it goes; the mean takes another share
    assert naive.lion(1.0, 1.0, -3.0, 0.1, 0.5, 0.75) == pytest.approx((1.1, -2.0))
    assert naive.lion(1.0, 0.0, 0.0, 0.1) == (1.0, 0.0)
    assert naive.averaged([1.0, 2.0, 6.0], 0.5) == (0.25 + 1 + 6) / 1.75
    assert naive.averaged([1.0, 2.0, 6.0], 1.0) == 3.0


def test_clipping_and_penalties_by_hand():
    assert [naive.clip_by_value(g, 2.0) for g in (-3.0, 1.0, 3.0)] == [-2.0, 1.0, 2.0]
    assert naive.clip_by_global_norm([3.0, -4.0], 1.0) == pytest.approx([0.6, -0.8])
    assert naive.clip_by_global_norm([3.0, -4.0], 6.0) == [3.0, -4.0]
    assert naive.clip_by_global_norm([0.0, 0.0], 1.0) == [0.0, 0.0]
    assert naive.l2(-2.0, 1.0, strength=0.25) == 0.5
    assert [naive.l1(w, 1.0, 0.25) for w in (-2.0, 0.0, 2.0)] == [0.75, 1.0, 1.25]


def test_schedules_by_hand():
    def halving(step, total):
        return naive.step_decay(step, total, rate=8.0, factor=0.5, every=2)

    assert [halving(step, 5) for step in range(5)] == [8, 8, 4, 4, 2]
    assert naive.constant(3, 5, rate=8.0) == 8.0
    assert naive.exponential(3, 5, rate=8.0, factor=0.5) == 1.0
    wave = [naive.cosine(step, 4, rate=5.0, floor=1.0) for step in (0, 2, 4)]
    assert wave == pytest.approx([5, 3, 1])
    assert naive.inverse_scaling(9, 50, rate=8.0, power=2.0, every=3.0) == 0.5
    assert naive.polynomial(3, 6, rate=9.0, power=2.0, floor=1.0) == 3.0
    cycles = [naive.cosine_restarts(s, 0, 5.0, 2, floor=1.0) for s in range(7)]
    assert cycles == pytest.approx([5, 3, 5, 3 + 2**0.5, 3, 3 - 2**0.5, 5])
    one = [naive.one_cycle(s, 8, 8.0, rise=0.375, first=4, last=2) for s in range(8)]
    assert one[:3] == pytest.approx([2, 5, 8])
    assert one[-1] == pytest.approx(1)
    assert one[3:] == sorted(one[3:], reverse=True)
    losses = [3.0, 2.0, 2.0, 2.5, 1.0, 0.9, 0.9]
    rates = naive.reduce_on_plateau(losses, 8.0, factor=0.5, patience=2)
    assert rates == [8, 8, 8, 8, 4, 4, 4, 4]
    rates = naive.reduce_on_plateau(losses, 8.0, 0.5, 2, smallest=0.5, floor=3.0)
    assert rates == [8, 8, 8, 8, 4, 4, 4, 3]
    # a quarter, a half, ... of the first rate; then the schedule from its own start
    warmed = [naive.warm_up(step, 9, 4, halving) for step in range(9)]
    assert warmed == [2, 4, 6, 8, 8, 8, 4, 4, 2]
