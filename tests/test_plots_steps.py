"""Pictures of steps and recordings: graphs, lenses, pulls, courses."""

import re
import xml.etree.ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection

import pellucid
from pellucid import (
    Adam,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GradientDescent,
    Layer,
    NeuralNetwork,
    Recording,
    Residual,
    Slot,
    plots,
)
from pellucid.activations import Activation
from pellucid.errors import (
    ConfigurationError,
    DataError,
    UnknownNameError,
)
from pellucid.plots.circuit import neurons_of, number
from registers import ours
from test_contract import layer_samples, samples

X = np.array([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
Y = np.array([[0.0], [1], [1], [0]])
MOONS = pellucid.data.moons(n=40, seed=0)
ACTIVATIONS = [a for kind in ours(Activation).values() for a in samples(kind)]


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def network(*layers, loss="sum_of_squares", shape=3, **settings):
    layers = layers or (Dense(4, "sigmoid"), Dense(1, "sigmoid"))
    settings = {"dtype": "float64", "seed": 1} | settings
    return NeuralNetwork(layers, loss=loss, input_shape=shape, **settings)


@pytest.fixture(scope="module")
def step():
    return network().trace(X, Y, optimizer=Adam(0.1))


@pytest.fixture(scope="module")
def mazur():
    net = network(
        Dense(2, "sigmoid"), Dense(2, "sigmoid"), loss="half_sum_of_squares", shape=2
    )
    net.parameters["dense_1.W"][...] = [[0.15, 0.25], [0.2, 0.3]]
    net.parameters["dense_2.W"][...] = [[0.4, 0.5], [0.45, 0.55]]
    net.parameters["dense_1.b"][...] = 0.35
    net.parameters["dense_2.b"][...] = 0.6
    return net.trace([[0.05, 0.1]], [[0.01, 0.99]])


def texts(ax):
    return [text.get_text() for text in ax.texts]


def below(ax, told):
    """Return the gradient that stands below a value."""
    (value,) = [text for text in ax.texts if text.get_text() == told]
    x, y = value.get_position()
    near = [t for t in ax.texts if t is not value and t.get_position()[0] == x]
    (under,) = [t for t in near if 0 < t.get_position()[1] - y < 0.2]
    assert under.get_fontstyle() == "italic"
    return under.get_text()


# ---- the computation graph


def test_the_graph_shows_the_numbers_of_a_known_example(mazur):
    ax = plots.computation_graph(mazur)
    assert below(ax, "L = 0.298") == "1"
    assert below(ax, "W[0, 0] = 0.4") == "0.0822"
    assert below(ax, "W[0, 0] = 0.15") == "4.39e−4"
    assert below(ax, "a = 0.593") == "0.0364"
    assert below(ax, "a = 0.751") == "0.741"
    assert below(ax, "z = 1.11") == "0.138"
    assert ax.get_title().startswith(
        "The whole network, sample 0 of 1, iteration 1, before its update"
    )
    assert texts(ax).count("×") == 8
    assert texts(ax).count("Σ") == texts(ax).count("sigmoid") == 4


def test_gradients_in_the_graph_are_slopes(step):
    """The gradient below an input is how the loss of the batch changes with it."""
    net, h = network(), 1e-6
    for sample in range(4):
        ax = plots.computation_graph(step, sample=sample)
        for i, letter in enumerate("₀₁₂"):
            moved = np.repeat(X[None], 2, axis=0)
            moved[:, sample, i] += [h, -h]
            up, down = (net.backprop(each, Y)[0] for each in moved)
            told = below(ax, f"x{letter} = {X[sample, i]:.0f}")
            assert told == number((up - down) / (2 * h))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_neurons_are_opened_for_every_activation(activation):
    net = network(Dense(3, activation), Dense(2), shape=2)
    net.parameters.vector[...] += 0.1
    x, y = np.array([[0.3, -0.7], [1.1, 0.4]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    step, h = net.trace(x, y), 1e-6
    neurons = neurons_of(step["dense_1"], step, 1)
    slopes = []
    for i in range(2):
        moved = np.repeat(x[None], 2, axis=0)
        moved[:, 1, i] += [h, -h]
        up, down = (net.backprop(each, y)[0] for each in moved)
        slopes.append((up - down) / (2 * h))
    np.testing.assert_allclose(neurons.dx, slopes, rtol=1e-5, atol=1e-7)
    ax = plots.computation_graph(step, neuron="dense_1[2]", sample=1)
    assert below(ax, f"z = {number(neurons.z[2])}") == number(neurons.dz[2])
    share = number(x[1, 1] * neurons.dz[2])
    assert below(ax, f"W[1, 2] = {number(neurons.W[1, 2])}") == share


def test_shares_of_a_weight_add_up_to_its_gradient(step):
    found = [neurons_of(step["dense_1"], step, i) for i in range(4)]
    shares = [np.outer(each.x, each.dz) for each in found]
    np.testing.assert_allclose(sum(shares), step.gradients["dense_1.W"], rtol=1e-12)


def test_every_registered_layer_is_in_a_graph():
    tried = 0
    for name, kind in ours(Layer).items():
        if name in ours(Activation):
            continue
        for layer, shape in layer_samples(kind, 3):
            net = NeuralNetwork([layer], loss="mean_squared_error", input_shape=shape)
            step = net.trace(*_data(net))
            ax = plots.computation_graph(step, sample=1)
            assert "mean_squared_error" in texts(ax)
            drawn = " ".join(texts(ax))
            inner = [p for p in step.layers if not step.layers[p].layer.inner]
            assert "×" in drawn or all(path in drawn for path in inner)
            plt.close("all")
            tried += 1
    assert tried > 30


def _data(net, n=2):
    r = np.random.default_rng(0)

    def one(name, given):
        if given.kind == "integer":
            return r.integers(0, net.blueprint.limits[name], (n, *given.shape))
        return r.normal(size=(n, *given.shape))

    inputs = net.blueprint.inputs
    several = isinstance(inputs, dict)
    x = {k: one(k, v) for k, v in inputs.items()} if several else one("", inputs)
    return x, r.normal(size=(n, *net.blueprint.target_shape))


def test_branches_are_where_they_are():
    net = network(
        Dense(3), Residual([Dense(3, "relu"), Dropout(0.2)]), Dense(2), "tanh"
    )
    ax = plots.computation_graph(net.trace(X, np.ones((4, 2))))
    places = {t.get_text(): t.get_position() for t in ax.texts}
    x, y = places["residual_1  Residual"]
    corners = [line.get_xydata() for line in ax.lines if len(line.get_xdata()) == 4]
    (skip,) = corners  # around the layers inside
    assert tuple(skip[0]) == places["dense_1  Dense"]
    assert tuple(skip[-1]) == (x, y)
    order = ["input", "dense_1  Dense", "residual_1.dense_1  Dense"]
    order += ["residual_1.dropout_1  Dropout", "residual_1  Residual", "dense_2  Dense"]
    heights = [places[name][1] for name in order]
    assert heights == sorted(heights)


def test_the_loss_looks_at_the_logits():
    net = network(
        Conv2D(1, 2),
        Flatten(),
        Dense(3, "softmax"),
        loss="cross_entropy",
        shape=(3, 3, 1),
    )
    step = net.trace(np.ones((2, 3, 3, 1)), [0, 2])
    ax = plots.computation_graph(step)
    assert "dense_1  Dense: z" in texts(ax)
    logits = ", ".join(number(v) for v in step["dense_1"].kept["z"][0])
    assert logits in texts(ax)
    small = network(Dense(3, "softmax"), loss="cross_entropy").trace(X, [0, 1, 2, 0])
    told = texts(plots.computation_graph(small))
    assert "cross_entropy of softmax" in told
    assert "y = 0" in told
    assert not any(each.startswith("a =") for each in told)


def test_of_many_products_the_largest_are_drawn():
    net = network(Dense(2), shape=20)
    x = np.arange(20.0)[None] / 10
    step = net.trace(x, [[1.0, 2.0]])
    ax = plots.computation_graph(step, neuron="dense_1[1]")
    products = x[0] * step.weights["dense_1.W"][:, 1]
    largest = set(np.argsort(-np.abs(products))[:7])
    drawn = {int(m[1]) for t in texts(ax) if (m := re.match(r"W\[(\d+), 1\]", t))}
    assert drawn == largest
    rest = products[[i for i in range(20) if i not in largest]].sum()
    assert f"13 others = {number(rest)}" in texts(ax)


def test_what_is_not_finite_stands_on_a_pattern():
    net = network(Dense(1), shape=1)
    net.parameters["dense_1.W"][...] = 1e308
    ax = plots.computation_graph(net.trace([[10.0]], [[0.0]]))
    (wrong,) = [text for text in ax.texts if text.get_text() == "z = ∞"]
    assert wrong.get_bbox_patch().get_hatch() == "////"
    ax.figure.canvas.draw()


def test_a_layer_that_only_looks_like_neurons_is_not_opened():
    class Half(Layer):
        def slots(self, shape):
            return {"M": Slot((shape[0], 2), pellucid.initializers.Ones())}

        def forward(self, x, p, memo):
            memo.x, memo.z = x, 0.5 * (x @ p.M)
            return memo.z

        def backward(self, da, p, g, memo):
            g.M = 0.5 * (memo.x.T @ da)
            return 0.5 * (da @ p.M.T)

    step = network(Half()).trace(X, np.ones((4, 2)))
    assert neurons_of(step["half_1"], step, 0) is None
    assert "half_1  Half" in texts(plots.computation_graph(step))
    with pytest.raises(ConfigurationError, match="no weighted sums"):
        plots.computation_graph(step, "half_1")


def test_the_graph_says_what_is_wrong(step):
    large = network(Dense(20), Dense(5)).trace(X, np.ones((4, 5)))
    for more, kind, told in (
        ({"layer": "dense_3"}, UnknownNameError, "Did you mean"),
        ({"layer": "dense_2", "neuron": "dense_2[0]"}, ConfigurationError, "not both"),
        ({"layer": "dense_1"}, ConfigurationError, r"neuron='dense_1\[0\]'"),
        ({"neuron": "dense_1"}, ConfigurationError, r"'dense_1\[0\]'"),
        ({"neuron": "dense_1[20]"}, UnknownNameError, "it has 20"),
        ({"sample": 4}, UnknownNameError, "the step has 4"),
        ({"sample": "first"}, UnknownNameError, "first"),
    ):
        with pytest.raises(kind, match=told):
            plots.computation_graph(large, **more)
    with pytest.raises(ConfigurationError, match=r"net\.trace"):
        plots.computation_graph(network())
    last, first = (plots.computation_graph(step, sample=i) for i in (-1, 3))
    assert texts(last) == texts(first)


# ---- the diagram through its lenses


def lines_of(ax):
    _passing, weights = (c for c in ax.collections if isinstance(c, LineCollection))
    return weights


@pytest.mark.parametrize("lens", ["value", "gradient", "update"])
def test_a_lens_shows_its_own_numbers_at_the_same_places(step, lens):
    numbers = {
        "value": step.weights,
        "gradient": step.gradients,
        "update": step.update,
    }[lens]
    root = ET.fromstring(plots.diagram_svg(step, lens=lens))
    titles = [e.text for e in root.iter("{http://www.w3.org/2000/svg}title")]
    found = dict(each.split(" = ") for each in titles[1:])
    suffix = {"value": "", "gradient": ".grad", "update": ".update"}[lens]
    assert len(found) == 21
    for name, told in found.items():
        assert name.endswith(f"]{suffix}")
        parameter, index = name.removesuffix(suffix).rstrip("]").split("[")
        place = tuple(map(int, index.split(",")))
        assert float(told) == numbers[parameter][place]
    frames = [e for e in root.iter() if e.get("class") == "frame"]
    assert [e.get("stroke") for e in frames] == {
        "value": [],
        "gradient": ["#c2188a"],
        "update": ["#00735c"],
    }[lens]
    shapes = [e.get("points") for e in root.iter() if "weight" in e.get("class", "")]
    plain = ET.fromstring(plots.diagram_svg(step))
    same = [e.get("points") for e in plain.iter() if "weight" in e.get("class", "")]

    def steps_of(points):
        (a, b), (c, d) = (map(float, p.split(",")) for p in points.split())
        return round(c - a, 1), round(d - b, 1)

    assert sorted(map(steps_of, shapes)) == sorted(map(steps_of, same))


def test_a_lens_says_what_it_is_and_when(step):
    told = {
        "value": "Weights and biases: iteration 1, before its update",
        "gradient": "Gradient of the loss: iteration 1, before its update",
        "update": "Update of the weights: iteration 1, after minus before",
    }
    for lens, heading in told.items():
        ax = plots.diagram(step, lens=lens)
        assert heading in texts(ax)
        assert len([p for p in ax.patches if p.get_edgecolor()[:3] != (0, 0, 0)]) == (
            lens != "value"
        )
        ax.figure.canvas.draw()
        root = ET.fromstring(plots.diagram_svg(step, lens=lens))
        words = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
        assert heading in words
    net = network()
    assert any("no training on record" in text for text in texts(plots.diagram(net)))


def test_below_a_layer_stands_how_long_its_gradient_is(step):
    told = texts(plots.diagram(step, lens="gradient"))
    for path in ("dense_1", "dense_2"):
        gradient = np.concatenate([g.ravel() for g in step[path].gradients.values()])
        weights = np.concatenate([w.ravel() for w in step[path].weights.values()])
        share = 100 * np.linalg.norm(gradient) / np.linalg.norm(weights)
        assert f"{share:.2g} %" in told


def test_a_lens_over_layers_of_every_kind():
    layers = [Dense(3), BatchNorm(), Residual([Dense(3, "relu")]), Dense(2), "softmax"]
    step = network(*layers, loss="cross_entropy").trace(X, [0, 1, 1, 0])
    for lens in ("value", "gradient", "update"):
        plots.diagram(step, lens=lens).figure.canvas.draw()
        assert "softmax" in plots.diagram_svg(step, lens=lens).lower()


def test_lenses_say_what_is_wrong(step):
    for draw in (plots.diagram, plots.diagram_svg):
        with pytest.raises(ConfigurationError, match="Did you mean 'gradient'"):
            draw(step, lens="gradients")
        with pytest.raises(ConfigurationError, match=r"net\.trace"):
            draw(network(), lens="update")
        with pytest.raises(ConfigurationError, match="int"):
            draw(3)
        with pytest.raises(ConfigurationError, match="most"):
            draw(step, most=1)
    net = network(Dense(1), shape=1)
    net.parameters["dense_1.W"][...] = 1e200
    with pytest.raises(DataError, match=r"dense_1\.W\.grad"):
        plots.diagram(net.trace([[1e200]], [[0.0]]), lens="gradient")


# ---- pulls


@pytest.mark.parametrize("loss", ["sum_of_squares", "mean_squared_error"])
@pytest.mark.parametrize("n", [7, 40])
def test_pulls_come_to_minus_the_gradient(loss, n):
    net = network(Dense(3, "tanh"), Dense(1), loss=loss, shape=2)
    x, y = MOONS.x[:n], MOONS.y[:n, None] * 1.0
    step = net.trace(x, y)
    ax = plots.pulls(step, "dense_1.W[1, 2]")
    (lines,) = (c for c in ax.collections if isinstance(c, LineCollection))
    drawn = np.array([end[1][0] for end in lines.get_segments()])
    alone = []
    for i in range(n):
        _, gradients = net.backprop(x[i : i + 1], y[i : i + 1])
        alone.append(-gradients["dense_1.W"][1, 2])
    np.testing.assert_allclose(drawn, np.sort(alone), rtol=1e-9)
    come_to = drawn.sum() if loss == "sum_of_squares" else drawn.mean()
    assert come_to == pytest.approx(-step.gradients["dense_1.W"][1, 2])
    shown = f"{come_to:.3g}".replace("-", "−")
    assert shown in texts(ax)
    assert (drawn > 0).sum() == int(re.search(r"larger: (\d+)", ax.get_xlabel())[1])
    ax.figure.canvas.draw()


def test_few_samples_have_their_names_in_order():
    net = network(Dense(1), loss="mean_squared_error", shape=1)
    net.parameters.vector[...] = 0.0
    step = net.trace([[1.0], [1.0], [1.0]], [[2.0], [-1.0], [0.5]])
    ax = plots.pulls(step, "dense_1.W[0, 0]")
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["sample 1", "sample 2", "sample 0", "mean"]
    assert "descent makes the weight larger" in ax.get_title()
    assert "iteration 1, before its update" in ax.get_title()


def test_pulls_that_are_zero_or_not_finite_are_said():
    net = network(Dense(1), loss="mean_squared_error", shape=1)
    net.parameters.vector[...] = 0.0
    still = plots.pulls(net.trace([[1.0], [2.0]], [[0.0], [0.0]]), "dense_1.b[0]")
    assert "nothing moves the weight" in still.get_title()
    wild = plots.pulls(net.trace([[1e200], [1.0]], [[1e200], [1.0]]), "dense_1.W[0, 0]")
    assert "1 pulls are not finite" in wild.get_title()
    assert "their mean is not finite" in wild.get_title()
    for ax in (still, wild):
        ax.figure.canvas.draw()


def test_pulls_say_what_is_wrong(step):
    with pytest.raises(ConfigurationError, match=r"net\.trace"):
        plots.pulls(network(), "dense_1.W[0, 0]")
    with pytest.raises(UnknownNameError, match=r"Did you mean 'dense_1\.W'"):
        plots.pulls(step, "dense1.W[0, 0]")
    with pytest.raises(UnknownNameError, match="goes from 0 to 2; got 3"):
        plots.pulls(step, "dense_1.W[3, 0]")
    with pytest.raises(UnknownNameError, match="say which of its numbers"):
        plots.pulls(step, "dense_1.W")


# ---- the course of a training


@pytest.fixture(scope="module")
def recorded():
    layers = [Dense(6, "relu"), BatchNorm(), Dense(3, "tanh"), Dropout(0.1), Dense(1)]
    net = network(*layers, loss="mean_squared_error", shape=2)
    net.fit(MOONS.x, MOONS.y, epochs=15, optimizer=Adam(0.01), record=5)
    return net.recording


def test_a_course_has_a_line_for_each_layer_with_parameters(recorded):
    figure = plots.course(recorded)
    outputs, gradients, ratios = figure.axes
    course = recorded.course()
    names = ["dense_1", "batch_norm_1", "dense_2", "dense_3"]
    assert [line.get_label() for line in outputs.lines] == names
    assert "each before its update" in figure.get_suptitle()
    assert len(course.steps) <= 40  # each has a point of its own
    for place, name in enumerate(names):
        layer = course[name]
        for ax, values in (
            (outputs, layer.mean),
            (gradients, layer.gradient),
            (ratios, layer.ratio),
        ):
            line = ax.lines[place]
            np.testing.assert_array_equal(line.get_xdata(), course.steps + 1)
            np.testing.assert_allclose(line.get_ydata(), values)
    assert gradients.get_yscale() == ratios.get_yscale() == "log"
    figure.canvas.draw()


def test_a_long_course_is_summarized_with_bands():
    net = network(Dense(2, "tanh"), Dense(1), loss="mean_squared_error", shape=2)
    net.fit(MOONS.x, MOONS.y, iterations=200, batch_size=8, record=50)
    course = net.recording.course()
    ax = plots.course(course).axes[1]
    assert len(ax.lines[0].get_xdata()) == 40
    parts = np.array_split(course["dense_1"].gradient, 40)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [np.median(p) for p in parts])
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == min(part.min() for part in parts)
    assert band.max() == max(part.max() for part in parts)


def test_of_many_layers_some_have_a_line():
    layers = [Dense(2, "tanh") for _ in range(12)]
    net = network(*layers, Dense(1), loss="mean_squared_error", shape=2)
    net.fit(MOONS.x, MOONS.y, epochs=2, record=True)
    figure = plots.course(net.recording)
    names = [line.get_label() for line in figure.axes[0].lines]
    assert len(names) == 8
    assert (names[0], names[-1]) == ("dense_1", "dense_13")
    assert "8 of 13 layers" in figure.get_suptitle()


def test_a_course_that_ends_in_a_failure_shows_it():
    net = network(Dense(2), Dense(1), loss="mean_squared_error", shape=2)
    with pytest.raises(pellucid.NonFiniteError):
        net.fit(
            MOONS.x * 10,
            MOONS.y,
            epochs=50,
            optimizer=GradientDescent(5.0),
            record=True,
        )
    figure = plots.course(net.recording)
    assert any("not finite" in text for text in texts(figure.axes[0]))
    assert figure.axes[0].patches[0].get_hatch() == "xxxx"
    figure.canvas.draw()


def test_courses_say_what_is_wrong(recorded):
    with pytest.raises(ConfigurationError, match="record=True"):
        plots.course(network())
    with pytest.raises(ConfigurationError, match=r"[Nn]o iteration"):
        plots.course(Recording())
    net = NeuralNetwork(["tanh"], loss="mean_squared_error", input_shape=2)
    net.fit(MOONS.x, MOONS.x, epochs=1, record=True)
    with pytest.raises(DataError, match="parameters"):
        plots.course(net.recording)
