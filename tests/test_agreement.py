"""pellucid agrees with the two oracles: the loops of naive.py and PyTorch's numbers."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import naive
from golden import load
from pellucid import activations
from pellucid.activations import Activation
from pellucid.engines.readable import scale_of
from pellucid.errors import ConfigurationError
from pellucid.initializers import Initializer
from pellucid.layer import Layer, Memo, new_pass
from pellucid.layers import (
    BatchNorm,
    Chain,
    Concat,
    Dense,
    Dropout,
    PReLU,
    Residual,
)
from pellucid.losses import Loss
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Momentum, Optimizer
from pellucid.schedules import ReduceOnPlateau, Schedule, WarmUp
from registers import ours

# All sides compute in float64; what is left is the order of their sums.
CLOSE = {"rtol": 1e-11, "atol": 1e-12}
CLOSE_32 = {"rtol": 2e-5, "atol": 2e-6}

seeds = st.integers(0, 2**32 - 1)


def close(found, wanted, **tolerance):
    np.testing.assert_allclose(found, wanted, **(tolerance or CLOSE))


def activation_of(name, options=None):
    options = options or {}
    if name == "gelu_tanh":
        return activations.GELU(tanh=True)
    return Activation.registered()[name](**options)


def layer_of(words):
    """Return the layer that a list of naive.py and of the golden data describes."""
    kind, *rest = words
    if kind == "dense":
        units, activation, *options = rest
        return Dense(units, activation and activation_of(activation), **dict(*options))
    if kind == "activation":
        return activation_of(*rest)
    containers = {"chain": Chain, "residual": Residual, "concat": Concat}
    if kind in containers:
        return containers[kind]([layer_of(inner) for inner in rest[0]])
    return {"batch_norm": BatchNorm, "prelu": PReLU}[kind]()


def network_of(layers, loss, options, inputs, dtype="float64"):
    return NeuralNetwork(
        [layer_of(words) for words in layers],
        loss=Loss.registered()[loss](**options),
        input_shape=inputs,
        dtype=dtype,
    )


def both_ways(network, x, y, weight, mode):
    """Return what a pass gives, by the engine, with the output of the last layer."""
    data = network.samples(x, y, several=False)
    weight = data.weight if weight is None else np.asarray(weight, network.dtype)
    found = network.engine.backprop(
        network.weights,
        data.x,
        data.y,
        weight,
        scale_of(network.blueprint, float(weight.sum())),
        training=mode == "train",
    )
    names = [name for name in network.blueprint.layers if "." not in name]
    return found, found.shared.outputs[names[-1]]


# ---- activations


@pytest.mark.parametrize("case", load("activations"))
def test_activation_agrees_with_pytorch(case):
    golden = load("activations")[case]
    activation = activation_of(golden["activation"], golden["options"])
    z = golden["z"]
    a = activation.value(z)
    close(a, golden["value"])
    if activation.across:
        for i in range(z.shape[1]):
            da = np.zeros_like(z)
            da[:, i] = 1.0
            close(activation.delta(da, z, a), golden["jacobian"][:, i])
        return
    smooth = ~np.isin(z, golden["kinks"])
    close(activation.slope(z, a), golden["slope"])
    assert set(golden["kinks"]) <= {*activation.kinks, 0.0}
    da = np.linspace(-2, 3, z.size)
    close(activation.delta(da, z, a)[smooth], (da * golden["slope"])[smooth])


def test_every_activation_of_ours_has_an_oracle():
    golden = {case["activation"] for case in load("activations").values()}
    assert golden - {"gelu_tanh"} <= ours(Activation).keys()
    loops = {*naive.ACTIVATIONS, *naive.ROW_ACTIVATIONS}
    assert ours(Activation).keys() <= loops, "add it to ACTIVATIONS in tests/naive.py"


@pytest.mark.parametrize("name", naive.ACTIVATIONS)
@given(z=st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=12))
def test_activation_agrees_with_loops(name, z):
    value, slope = naive.ACTIVATIONS[name]
    activation = activation_of(name)
    for dtype, tolerance in (("float64", CLOSE), ("float32", CLOSE_32)):
        at = np.array(z, dtype=dtype)
        a = activation.value(at)
        close(a, [value(v) for v in z], **tolerance)
        close(activation.slope(at, a), [slope(v) for v in z], **tolerance)


@pytest.mark.parametrize("name", naive.ROW_ACTIVATIONS)
@given(
    rows=st.integers(1, 6).flatmap(
        lambda n: st.lists(
            st.lists(st.floats(-50, 50, width=32), min_size=n, max_size=n),
            min_size=1,
            max_size=4,
        )
    )
)
def test_activation_of_rows_agrees_with_loops(name, rows):
    activation = activation_of(name)
    for dtype, tolerance in (("float64", CLOSE), ("float32", CLOSE_32)):
        z = np.array(rows, dtype=dtype)
        da = np.cos(np.arange(z.size)).reshape(z.shape).astype(dtype)
        a = activation.value(z)
        close(a, naive.activation_forward(name, rows), **tolerance)
        wanted = naive.activation_backward(name, da.tolist(), rows)
        close(activation.delta(da, z, a), wanted, **tolerance)


# ---- losses


@pytest.mark.parametrize("case", load("losses"))
def test_loss_agrees_with_pytorch(case):
    golden = load("losses")[case]
    loss = Loss.registered()[golden["loss"]](**golden["options"])
    y_hat, y = golden["outputs"], golden["targets"]
    assert loss.reduction == golden["reduction"]
    close(loss.value(y_hat, y), golden["per_sample"])

    weight = np.ones(len(y))
    if golden["sample_weight"] is not None:
        weight = weight * golden["sample_weight"]
    if golden["class_weight"] is not None:
        weight = weight * golden["class_weight"][y]
    scale = 1.0 if loss.reduction == "sum" else 1.0 / weight.sum()
    slope = loss.slope(y_hat, y) * (weight * scale)[:, None]
    close(slope, golden["gradient"])

    network = NeuralNetwork(
        ["identity"], loss=loss, input_shape=y_hat.shape[1], dtype="float64"
    )
    if loss.task == "classes":
        network.classes = range(y_hat.shape[1])
    value, _ = network.backprop(y_hat, y, sample_weight=weight)
    close(value, golden["value"])


REQUIRED = {"quantile": {"level": 0.3}}  # settings without a default


def targets(loss, rows, outputs, random):
    task = Loss.registered()[loss].task
    if task == "classes":
        return random.integers(0, outputs, rows)
    if task == "labels":
        return random.choice([0.0, 1.0, 0.25], size=(rows, outputs))
    if loss == "poisson":
        return random.poisson(2.0, size=(rows, outputs)).astype(float)
    return random.normal(size=(rows, outputs))


@pytest.mark.parametrize("name", naive.LOSSES)
@given(rows=st.integers(1, 7), outputs=st.integers(1, 6), seed=seeds)
def test_loss_agrees_with_loops(name, rows, outputs, seed):
    random = np.random.default_rng(seed)
    kind = Loss.registered()[name]
    y_hat = random.normal(scale=3, size=(rows, outputs * kind.per_target))
    y = targets(name, rows, outputs, random)
    further = {
        "cross_entropy": {"label_smoothing": random.uniform(0, 0.9)},
        "huber": {"delta": random.uniform(0.01, 3)},
        "quantile": {"level": random.uniform(0.01, 0.99)},
        "gaussian_likelihood": {"floor": random.uniform(0.01, 3)},
        "focal": {"gamma": random.uniform(0, 5)},
        "binary_focal": {"gamma": random.uniform(0, 5)},
    }.get(name)
    options = [REQUIRED.get(name, {})]
    options += [{k: float(v) for k, v in further.items()}] if further else []
    for chosen in options:
        loss = kind(**chosen)
        _, slopes, each = naive.batch_loss(
            name, y_hat.tolist(), y.tolist(), [1.0] * rows, **chosen
        )
        close(loss.value(y_hat, y), each)
        scale = 1.0 if loss.reduction == "sum" else 1.0 / rows
        close(loss.slope(y_hat, y) * scale, slopes)


# ---- layers and networks


@pytest.mark.parametrize("case", load("networks"))
def test_network_agrees_with_pytorch(case):
    golden = load("networks")[case]
    network = network_of(
        golden["layers"], golden["loss"], golden["options"], golden["inputs"]
    )
    assert list(network.parameters) == list(golden["parameters"])
    assert list(network.state) == list(golden["state"])
    for name, values in golden["parameters"].items():
        network.parameters[name][...] = values
    for name, values in golden["state"].items():
        network.state[name][...] = values
    x, y, mode = golden["x"], golden["y"], golden["mode"]
    if network.loss.task == "classes":
        network.classes = range(network.blueprint.outputs)

    found, outputs = both_ways(network, x, y, golden["sample_weight"], mode)
    close(outputs, golden["outputs"])
    loss, gradients = network.backprop(x, y, golden["sample_weight"], mode=mode)
    close(loss, golden["value"])
    for name, gradient in golden["gradients"].items():
        close(gradients[name], gradient)
    for name, values in golden["new_state"].items():
        close(gradients.state[name], values)
    assert gradients.vector.tobytes() == found.gradient.tobytes()
    if mode == "predict":
        close(network.feedforward(x), golden["outputs"])


CALM = sorted({*naive.ACTIVATIONS} - {"gelu_tanh", "exp"})


@st.composite
def stacks(draw, features, depth=2):
    """Draw layers in a row, as naive.py writes them, and the length of their output."""
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        kinds = ["dense", "activation", "prelu", "batch_norm"]
        kinds += ["chain", "residual", "concat"] if depth else []
        kind = draw(st.sampled_from(kinds))
        if kind == "dense":
            features = draw(st.integers(1, 4))
            words = [kind, features, draw(st.sampled_from([None, *CALM, "softmax"]))]
            words += [{"bias": False}] if draw(st.booleans()) else []
        elif kind == "activation":
            words = [kind, draw(st.sampled_from([*CALM, *naive.ROW_ACTIVATIONS]))]
        elif kind == "chain":
            inner, features = draw(stacks(features, depth - 1))
            words = [kind, inner]
        elif kind == "residual":
            inner, _ = draw(stacks(features, depth - 1))
            words = [kind, [*inner, ["dense", features, None]]]
        elif kind == "concat":
            branches, total = [], 0
            for _ in range(draw(st.integers(2, 3))):
                inner, width = draw(stacks(features, depth - 1))
                branches.append(["chain", inner])
                total += width
            words, features = [kind, branches], total
        else:
            words = [kind]
        layers.append(words)
    return layers, features


@st.composite
def problems(draw):
    """Draw layers, a loss and its options, inputs, outputs and a seed."""
    inputs = draw(st.integers(1, 6))
    layers, outputs = draw(stacks(inputs))
    loss = draw(st.sampled_from(sorted(naive.LOSSES)))
    kind = Loss.registered()[loss]
    if kind.task == "classes":
        outputs = draw(st.integers(2, 4))
    link = draw(st.sampled_from([None, naive.LINKS.get(loss)]))
    layers.append(["dense", outputs * kind.per_target, link])
    return layers, loss, inputs, outputs, draw(seeds)


def random_numbers(network, random):
    """Set weights and running state of a network to numbers of order one."""
    network.parameters.vector[...] = random.normal(
        scale=0.7, size=network.parameters.vector.size
    )
    network.state.vector[...] = random.uniform(0.5, 1.5, size=network.state.vector.size)


@given(
    problem=problems(),
    rows=st.integers(3, 7),
    mode=st.sampled_from(["train", "predict"]),
)
def test_any_network_agrees_with_loops(problem, rows, mode):
    layers, loss, inputs, outputs, seed = problem
    random = np.random.default_rng(seed)
    options = REQUIRED.get(loss, {})
    try:
        network = network_of(layers, loss, options, inputs)
    except ConfigurationError as error:
        if "of a single number is always" not in str(error):
            raise
        reject()  # softmax of one number is refused
    random_numbers(network, random)
    x = random.normal(size=(rows, inputs))
    y = targets(loss, rows, outputs, random)
    weight = random.uniform(0.1, 2.0, rows)
    if network.loss.task == "classes":
        network.classes = range(outputs)
    numbers = {**network.parameters, **network.state}
    numbers = {name: window.tolist() for name, window in numbers.items()}

    value, gradients, state = naive.backprop(
        layers, numbers, loss, x.tolist(), y.tolist(), weight.tolist(), mode, **options
    )
    found_value, found = network.backprop(x, y, sample_weight=weight, mode=mode)
    # A batch that hardly varies multiplies rounding by up to 1 / sqrt(epsilon) = 316,
    # each time it is normalized.
    loose = {"rtol": 1e-6, "atol": 1e-7}
    close(found_value, value, **loose)
    assert gradients.keys() == found.keys()
    for name, gradient in gradients.items():
        close(found[name], gradient, **loose)
    for name, values in state.items():
        close(found.state[name], values, **loose)
    outputs, _, _ = naive.feedforward(layers, numbers, x.tolist(), "predict")
    close(network.feedforward(x), outputs, **loose)


@given(rows=st.integers(1, 7), features=st.integers(1, 6), seed=seeds)
def test_dropout_agrees_with_loops(rows, features, seed):
    random = np.random.default_rng(seed)
    rate = float(random.uniform(0, 0.95))
    x, dy = random.normal(size=(2, rows, features))
    layer, memo = Dropout(rate), Memo(new_pass(training=True, key=seed | 1, step=3))
    y = layer.forward(x, None, memo)
    kept = (y != 0).astype(int).tolist()
    close(y, naive.dropout_forward(x.tolist(), kept, rate))
    dx = layer.backward(dy, None, None, memo)
    close(dx, naive.dropout_backward(dy.tolist(), kept, rate))


def test_dropout_keeps_the_share_it_says_and_differs_from_step_to_step():
    ones = np.ones((200, 100))
    masks = []
    for step in range(3):
        memo = Memo(new_pass(training=True, key=7, step=step))
        masks.append(Dropout(0.3).forward(ones, None, memo))
        assert abs((masks[-1] == 0).mean() - 0.3) < 4 * math.sqrt(0.21 / ones.size)
        assert set(np.unique(masks[-1])) == {0.0, 1 / 0.7}
    agree = (masks[0] == masks[1]).mean()
    assert abs(agree - (0.3**2 + 0.7**2)) < 0.02
    assert not np.array_equal(masks[1], masks[2])


# ---- optimizers


def descend(optimizer, start, gradients, decayed=True):
    """Return the weights after each step."""
    memory = {name: np.zeros_like(start) for name in optimizer.memories}
    where = np.full(start.size, decayed)
    w, path = start, []
    for t, g in enumerate(gradients, start=1):
        view = SimpleNamespace(**memory)
        w = optimizer.update(w, g, view, t, optimizer.rate(t - 1, 20), where)
        memory = {name: getattr(view, name) for name in memory}
        path.append(w)
    return np.array(path)


@pytest.mark.parametrize("case", load("optimizers"))
def test_optimizer_agrees_with_pytorch(case):
    golden = load("optimizers")[case]
    kind = Optimizer.registered()[golden["optimizer"]]
    optimizer = kind(golden["rate"], **golden["options"], **golden["common"])
    path = descend(optimizer, golden["start"], golden["gradients"])
    close(path, golden["path"])
    single = [golden[name].astype(np.float32) for name in ("start", "gradients")]
    found = descend(optimizer, *single)
    assert found.dtype == np.float32
    close(found, golden["path"], rtol=1e-4, atol=1e-5)


MEMORIES = {"momentum": 1, "nesterov": 1, "rmsprop": 1, "adagrad": 1, "lion": 1}
MEMORIES |= {"amsgrad": 3}  # two for the others


def loop(name, w, g, memory, t, rate, options):
    """One step of one weight by naive.py; memory is a tuple of its numbers."""
    step = getattr(naive, name)
    if name == "gradient_descent":
        return step(w, g, rate), ()
    memory = memory or (0.0,) * MEMORIES.get(name, 2)
    when = (t,) if len(memory) > 1 else ()
    w, *memory = step(w, g, *memory, *when, rate, **options)
    return w, memory


shares = st.floats(0, 0.99)
OPTIONS = {
    "gradient_descent": st.just({}),
    "momentum": st.fixed_dictionaries({"momentum": shares}),
    "nesterov": st.fixed_dictionaries({"momentum": shares}),
    "rmsprop": st.fixed_dictionaries({"rho": shares, "epsilon": st.floats(1e-8, 1)}),
    "adam": st.fixed_dictionaries(
        {"beta1": shares, "beta2": shares, "epsilon": st.floats(1e-8, 1)}
    ),
    "adamw": st.fixed_dictionaries({"beta2": shares, "decay": st.floats(0, 1)}),
    "adagrad": st.fixed_dictionaries({"epsilon": st.floats(1e-8, 1)}),
    "amsgrad": st.fixed_dictionaries(
        {"beta1": shares, "beta2": shares, "epsilon": st.floats(1e-8, 1)}
    ),
    "nadam": st.fixed_dictionaries(
        {"beta1": shares, "beta2": shares, "warming": st.floats(0, 1)}
    ),
    "lion": st.fixed_dictionaries({"beta1": shares, "beta2": shares}),
}


@pytest.mark.parametrize("name", OPTIONS)
@given(data=st.data(), rate=st.floats(1e-4, 1), size=st.integers(1, 6), seed=seeds)
def test_optimizer_agrees_with_loops(name, data, rate, size, seed):
    options = data.draw(OPTIONS[name])
    random = np.random.default_rng(seed)
    start, gradients = random.normal(size=size), random.normal(size=(20, size))
    optimizer = Optimizer.registered()[name](rate, **options)
    path = descend(optimizer, start, gradients)
    for i in range(size):
        w, memory = float(start[i]), ()
        for t in range(20):
            g = float(gradients[t, i])
            w, memory = loop(name, w, g, memory, t + 1, rate, options)
            close(path[t, i], w)


def test_every_optimizer_of_ours_is_in_the_golden_data_and_the_loops():
    golden = {case["optimizer"] for case in load("optimizers").values()}
    assert ours(Optimizer).keys() == golden | {"lion"} == set(OPTIONS)


@given(stays=st.floats(0.01, 1), size=st.integers(1, 6), seed=seeds)
def test_the_average_of_the_weights_agrees_with_loops(stays, size, seed):
    random = np.random.default_rng(seed)
    start, gradients = random.normal(size=size), random.normal(size=(12, size))
    rule, where = Momentum(0.1, average=stays), np.ones(size, dtype=bool)
    memory = SimpleNamespace(v=np.zeros(size), average=start.copy())
    w, path = start, []
    for t, g in enumerate(gradients, start=1):
        w = rule.update(w, g, memory, t, 0.1, where)
        path.append(w)
        each = [naive.averaged([p[i] for p in path], stays) for i in range(size)]
        close(memory.average, each)
    close(path, descend(Momentum(0.1), start, gradients))


@given(
    size=st.integers(1, 5),
    seed=seeds,
    limits=st.fixed_dictionaries(
        {},
        optional={
            "clip_value": st.floats(0.01, 3),
            "clip_norm": st.floats(0.01, 5),
            "l1": st.floats(0, 1),
            "l2": st.floats(0, 1),
            "decay": st.floats(0, 1),
        },
    ),
)
def test_what_all_optimizers_do_agrees_with_loops(size, seed, limits):
    random = np.random.default_rng(seed)
    start, gradient = random.normal(size=(2, size)) * 2
    decayed = random.random(size) < 0.5
    trained = random.random(size) < 0.7
    kind = Optimizer.registered()["gradient_descent"]
    memory = SimpleNamespace()
    found = kind(0.3, **limits).update(
        start, gradient, memory, 1, 0.3, decayed, trained
    )

    g = [float(v) * int(t) for v, t in zip(gradient, trained, strict=True)]
    if "clip_value" in limits:
        g = [naive.clip_by_value(v, limits["clip_value"]) for v in g]
    if "clip_norm" in limits:
        g = naive.clip_by_global_norm(g, limits["clip_norm"])
    for i, w in enumerate(start.tolist()):
        if decayed[i]:
            g[i] = naive.l2(w, g[i], limits.get("l2", 0.0))
            g[i] = naive.l1(w, g[i], limits.get("l1", 0.0))
        new = naive.gradient_descent(w, g[i], 0.3)
        if decayed[i]:
            new -= 0.3 * limits.get("decay", 0.0) * w
        close(found[i], new if trained[i] else w)
        assert trained[i] or found[i] == w


# ---- schedules


def schedule_of(name, rate, options):
    return Schedule.registered()[name](rate, **options)


@pytest.mark.parametrize("case", load("schedules"))
def test_schedule_agrees_with_pytorch(case):
    golden = load("schedules")[case]
    schedule = schedule_of(golden["schedule"], golden["rate"], golden["options"])
    if golden["warm_up"]:
        schedule = WarmUp(golden["warm_up"], schedule)
    total = golden["total"]
    close([schedule.rate(step, total) for step in range(total)], golden["rates"])


@given(
    name=st.sampled_from(sorted(naive.SCHEDULES)),
    rate=st.floats(1e-6, 10),
    factor=st.floats(0.1, 1),
    every=st.integers(1, 20),
    warm=st.integers(1, 10),
    total=st.integers(11, 60),
)
def test_schedule_agrees_with_loops(name, rate, factor, every, warm, total):
    options = {
        "constant": {},
        "step": {"factor": factor, "every": every},
        "exponential": {"factor": factor},
        "cosine": {"floor": rate * factor},
        "inverse_scaling": {"power": 2 * factor, "every": every},
        "polynomial": {"power": 3 * factor, "floor": rate * factor},
        "cosine_restarts": {
            "length": every,
            "growth": 1 + (warm - 1) / 4,
            "floor": rate * factor,
        },
        "log_cosine": {"cycles": 1 + every % 5},
        "one_cycle": {"rise": 0.2 + 0.7 * factor, "first": 10 * factor, "last": every},
    }[name]
    schedule = schedule_of(name, rate, options)

    def wanted(step, total):
        return naive.SCHEDULES[name](step, total, rate, **options)

    for step in range(total):
        close(schedule.rate(step, total), wanted(step, total))
        warmed = naive.warm_up(step, total, warm, wanted)
        close(WarmUp(warm, schedule).rate(step, total), warmed)


@pytest.mark.parametrize("name", ["cosine", "polynomial"])
def test_a_schedule_stays_at_its_floor_behind_the_end(name):
    schedule = Schedule.registered()[name](1.0, floor=0.25)
    assert schedule.rate(100, 100) == schedule.rate(5000, 100) == 0.25


def course(schedule, losses):
    """Return the rate of each epoch, the first one before any loss is known."""
    rates = [schedule.rate(0, 1)]
    for loss in losses:
        schedule = schedule.after(loss)
        rates.append(schedule.rate(0, 1))
    return rates


@pytest.mark.parametrize("case", load("plateaus"))
def test_reducing_on_a_plateau_agrees_with_pytorch(case):
    golden = load("plateaus")[case]
    names = ("factor", "patience", "smallest", "floor")
    options = {name: golden[name] for name in names}
    schedule = ReduceOnPlateau(golden["rate"], **options)
    close(course(schedule, golden["losses"].tolist()), golden["rates"])


@given(
    losses=st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.35, math.nan, math.inf])),
    patience=st.integers(1, 4),
    smallest=st.sampled_from([0.0, 0.06]),
    floor=st.sampled_from([0.0, 0.02]),
)
def test_reducing_on_a_plateau_agrees_with_loops(losses, patience, smallest, floor):
    options = {"factor": 0.3, "patience": patience, "smallest": smallest}
    schedule = ReduceOnPlateau(0.5, **options, floor=floor)
    wanted = naive.reduce_on_plateau(losses, 0.5, **options, floor=floor)
    close(course(schedule, losses), wanted)
    warmed = course(WarmUp(1, schedule), losses)
    close(warmed, wanted)


def test_every_schedule_of_ours_has_an_oracle():
    assert ours(Schedule).keys() == {*naive.SCHEDULES, "reduce_on_plateau", "warm_up"}


# ---- initializers


@pytest.mark.parametrize(
    ("name", "variance", "bound"),
    [
        ("glorot_uniform", lambda i, o: 2 / (i + o), lambda v: math.sqrt(3 * v)),
        ("glorot_normal", lambda i, o: 2 / (i + o), None),
        ("he_uniform", lambda i, o: 2 / i, lambda v: math.sqrt(3 * v)),
        ("he_normal", lambda i, o: 2 / i, None),
        ("lecun_uniform", lambda i, o: 1 / i, lambda v: math.sqrt(3 * v)),
        ("lecun_normal", lambda i, o: 1 / i, None),
        ("uniform", lambda i, o: 0.1**2 / 12, lambda v: 0.05),
        ("normal", lambda i, o: 0.05**2, None),
        ("rand", lambda i, o: 1 / 12, None),
    ],
)
@pytest.mark.parametrize("shape", [(300, 100), (3, 5, 20, 100)])
def test_initial_weights_vary_as_their_formula_says(name, variance, bound, shape):
    from pellucid.rng import Random

    kernel = math.prod(shape[:-2])
    expected = variance(kernel * shape[-2], kernel * shape[-1])
    values = Initializer.registered()[name]().values(shape, Random(1, "test"))
    count = math.prod(shape)
    mean = 0.5 if name == "rand" else 0.0
    assert abs(values.mean() - mean) < 5 * math.sqrt(expected / count)
    assert abs(values.var() / expected - 1) < 5 * math.sqrt(2 / count)
    if bound:
        limit = bound(expected)
        assert 0.999 * limit < np.abs(values).max() <= limit


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (2, 3, 4)])
def test_orthogonal_columns_or_rows(shape):
    from pellucid.initializers import Orthogonal
    from pellucid.rng import Random

    values = Orthogonal(2.0).values(shape, Random(3, "test"))
    matrix = values.reshape(-1, shape[-1])
    small = matrix.T @ matrix if len(matrix) >= shape[-1] else matrix @ matrix.T
    close(small, 4.0 * np.eye(len(small)))


def test_initializers_of_one_number():
    from pellucid.initializers import Constant, Ones, Zeros
    from pellucid.rng import Random

    for initializer, number in ((Zeros(), 0), (Ones(), 1), (Constant(0.3), 0.3)):
        assert (initializer.values((2, 3), Random(0)) == number).all()


def test_layers_and_losses_are_all_compared_somewhere_here():
    compared = {"dense", "dropout", "prelu", "batch_norm", "chain", "residual"}
    compared |= {"concat", *naive.ACTIVATIONS, *naive.ROW_ACTIVATIONS}
    # test_golden_data.py compares PyTorch's numbers for these with loops as well.
    compared |= {case["layer"] for case in load("images").values()}
    only_shapes = {"flatten", "reshape", "select"}  # test_contract.py covers them
    # Known answers are in layers/test_images.py.
    told = {"feature_scale", "gaussian_noise", "spatial_dropout", "rescale"}
    new = ours(Layer).keys() - (compared | only_shapes | told)
    assert not new, f"compare {new} with loops here, then add it to `compared`"
    # test_losses.py compares members with each alone.
    assert ours(Loss).keys() - {"each_member"} <= set(naive.LOSSES)
