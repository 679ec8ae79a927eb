import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure

import pellucid
from pellucid import (
    BatchNorm,
    Chain,
    Concat,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    NeuralNetwork,
    PReLU,
    Reshape,
    Residual,
    Select,
    Slot,
    plots,
)
from pellucid.errors import ConfigurationError, DataError, NotBuiltError
from pellucid.plots import diagram_layout
from pellucid.plots.diagram_lens import lens_of_network
from pellucid.plots.diagram_scene import level, thickness
from pellucid.plots.diagram_words import short_number


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def build(layers, shape, loss="mean_squared_error"):
    return NeuralNetwork(layers, loss=loss, input_shape=shape)


def arrange(network, most):
    return diagram_layout.arrange(lens_of_network(network), most)


class Doubled(Layer):
    """A layer that nobody has heard of: it gives twice as many numbers."""

    def forward(self, x, p, memo):
        return np.concatenate([x, x], axis=-1)

    def backward(self, da, p, g, memo):
        half = da.shape[-1] // 2
        return da[..., :half] + da[..., half:]


class Scaled(Layer):
    """Another one, with a matrix of weights of its own."""

    def slots(self, shape):
        return {"M": Slot((shape[0], 3), pellucid.initializers.Ones())}

    def forward(self, x, p, memo):
        memo.x = x
        return x @ p.M

    def backward(self, da, p, g, memo):
        g.M = memo.x.T @ da
        return da @ p.M.T


# name: layers, input shape, weights drawn, circles, boxes
KINDS = {
    "truth table": ([Dense(4, "sigmoid"), Dense(1, "sigmoid")], 3, 16, 8, 0),
    "no bias": ([Dense(2, bias=False)], 2, 4, 4, 0),
    "boxes": ([Dense(3), BatchNorm(), Dropout(0.5), PReLU(), "relu"], 2, 6, 5, 4),
    "one neuron": ([Dense(1)], 1, 1, 2, 0),
    "residual": ([Residual([Dense(3, "relu"), Dense(3)]), Dense(1)], 3, 21, 10, 1),
    "nested residual": ([Residual([Residual([Dense(2)])])], 2, 4, 4, 2),
    "concat": ([Concat([Dense(2), Dense(3)]), Dense(2)], 4, 30, 11, 1),
    "concat of concat": (
        [Concat([Concat([Dense(1), Dense(2)]), Residual([Dense(2)])])],
        2,
        10,
        7,
        3,
    ),
    "branch without layers": ([Concat([Dropout(0.1), Dense(1)])], 2, 2, 3, 2),
    "named inputs": (
        [
            Concat([Chain([Select("age"), Dense(2)]), Select("area")]),
            Dense(1),
        ],
        {"age": 1, "area": 3},
        7,
        7,
        1,
    ),
    "image": ([Flatten(), Dense(3)], (2, 2), 12, 3, 2),
    "reshape": ([Dense(6), Reshape((2, 3)), "tanh", Flatten(), Dense(1)], 1, 12, 8, 3),
    "image output": ([Reshape((2, 2))], 4, 0, 4, 1),
    "images": ([Conv2D(2, 3), MaxPool2D(), Flatten()], (6, 6, 1), 0, 0, 4),
    "foreign layers": ([Doubled(), Scaled(), Doubled()], 2, 12, 5, 2),
    "softmax": ([Dense(3), "softmax"], 2, 6, 5, 1),
    "chain": ([Chain([Dense(2), Chain([Dense(2)])]), "tanh"], 2, 8, 6, 1),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def of_network(things):
    """Leave out those of the legend."""
    return [thing for thing in things if thing.name]


@every_kind
def test_everything_is_drawn_once(kind):
    layers, shape, weights, circles, boxes = KINDS[kind]
    net = build(layers, shape)
    scene = arrange(net, 16)
    drawn = of_network(scene.lines)
    assert len(drawn) == len({line.name for line in drawn}) == weights
    assert len(scene.boxes) == boxes
    key = [circle for circle in scene.circles if circle.value is not None]
    key = [circle for circle in key if not circle.name]
    assert len(scene.circles) - len(key) == circles
    for line in drawn:
        name, row, column = re.fullmatch(r"(.+)\[(\d+), (\d+)\]", line.name).groups()
        assert line.value == net.parameters[name][int(row), int(column)]


@every_kind
def test_both_renderers_draw_it(kind):
    layers, shape, weights, *_ = KINDS[kind]
    net = build(layers, shape)
    ax = plots.network(net, Figure().add_subplot())
    ax.figure.canvas.draw()
    scene = arrange(net, 16)
    passing, lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    assert len(lines.get_segments()) == len(scene.weights)
    assert len(passing.get_segments()) == len(scene.passing)
    (shapes,) = [c for c in ax.collections if isinstance(c, PatchCollection)]
    assert len(shapes.get_paths()) == len(scene.circles)
    root = ET.fromstring(plots.network_svg(net))
    assert len(by_class(root, "weight")) == weights


@every_kind
def test_all_lies_inside_and_nothing_on_top_of_anything(kind):
    layers, shape, *_ = KINDS[kind]
    scene = arrange(build(layers, shape), 16)
    points = [point for line in scene.lines for point in line.points]
    points += [thing.at for thing in (*scene.circles, *scene.boxes, *scene.texts)]
    assert all(0 < point.x < scene.width for point in points)
    assert all(0 < point.y < scene.height for point in points)
    centres = [(circle.at.x, circle.at.y) for circle in scene.circles]
    for i, (x, y) in enumerate(centres):
        for other_x, other_y in centres[:i]:
            assert np.hypot(x - other_x, y - other_y) > 0.72
        for box in scene.boxes:
            apart_x = abs(box.at.x - x) > box.width / 2 + 0.3
            apart_y = abs(box.at.y - y) > box.height / 2 + 0.3
            assert apart_x or apart_y
    rows = {}
    for text in scene.texts:
        if not text.from_left:
            rows.setdefault(round(text.at.y, 6), []).append(text)
    for row in rows.values():
        row.sort(key=lambda text: text.at.x)
        for before, after in pairwise(row):
            half = 0.26 * (
                len(before.text) * before.size + len(after.text) * after.size
            )
            assert after.at.x - before.at.x > half, (before.text, after.text)


@every_kind
def test_columns_go_from_left_to_right(kind):
    layers, shape, *_ = KINDS[kind]
    scene = arrange(build(layers, shape), 16)
    for line in scene.lines:
        assert line.points[0].x < line.points[-1].x


def test_width_and_colour_follow_the_weight():
    net = build([Dense(1, bias=False)], 4)
    net.parameters["dense_1.W"] = np.array([[2.0], [-2.0], [0.5], [0.0]])
    ax = plots.network(net, Figure().add_subplot())
    scene = arrange(net, 16)
    names = [line.name for line in scene.weights]
    lines = ax.collections[1]
    width = dict(zip(names, lines.get_linewidths(), strict=True))
    colour = dict(zip(names, lines.get_colors(), strict=True))
    dash = dict(zip(names, lines.get_linestyles(), strict=True))
    large, negative, small, zero = (f"dense_1.W[{i}, 0]" for i in range(4))
    assert width[large] == width[negative] > width[small] > width[zero]
    assert colour[large][2] > colour[large][0], "positive is blue"
    assert colour[negative][0] > colour[negative][2], "negative is orange"
    assert colour[small].sum() > colour[large].sum(), "small is pale"
    assert dash[negative][1] is not None, "negative is dashed"
    assert dash[large][1] is None
    # Large weights lie on top of small ones.
    assert names.index(zero) < names.index(small) < names.index(large)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_shades(value, largest):
    value = max(-largest, min(largest, value))
    shade = level(value, largest)
    assert -4 <= shade <= 4
    assert np.sign(shade) == np.sign(value)
    assert level(-value, largest) == -shade


def test_all_weights_zero():
    net = build([Dense(2, weight_init="zeros")], 2)
    scene = arrange(net, 16)
    assert len(of_network(scene.lines)) == 4
    assert {thickness(scene, line) for line in scene.lines} == {0.02}
    plots.network(net, Figure().add_subplot()).figure.canvas.draw()


def test_biases_are_written_and_coloured():
    net = build([Dense(3)], 2)
    net.parameters["dense_1.b"] = np.array([1.0, -0.25, 0.0])
    scene = arrange(net, 16)
    circles = of_network(scene.circles)
    assert [circle.text for circle in circles] == ["1", "−0.25", "0"]
    assert [circle.name for circle in circles] == [f"dense_1.b[{i}]" for i in range(3)]
    assert scene.largest_bias == 1.0
    told = {text.text for text in scene.texts}
    assert {"weight", "bias"} <= told, "a legend explains what is coloured"


def test_a_network_without_bias_explains_none():
    scene = arrange(build([Dense(2, bias=False)], 2), 16)
    assert "bias" not in {text.text for text in scene.texts}
    assert "bias" not in scene.description


def test_names_activations_and_classes_are_written():
    x, y = np.eye(4), np.array(["cat", "dog", "cow", "cat"])
    net = NeuralNetwork(
        [Dense(5, "relu", name="hidden"), Dense(3, "softmax")], loss="cross_entropy"
    )
    net.fit(x, y, epochs=1)
    told = {text.text for text in arrange(net, 16).texts}
    expected = {"input", "4 numbers", "hidden", "5 neurons", "relu", "dense_1"}
    assert expected | {"3 neurons", "softmax", "cat", "cow", "dog"} <= told


def test_layers_inside_others_say_where():
    scene = arrange(build([Residual([Dense(2)])], 2), 16)
    told = [text.text for text in scene.texts]
    assert "in residual_1" in told
    assert "residual_1" in told


@pytest.mark.parametrize("most", [2, 3, 5, 16])
@pytest.mark.parametrize("units", [1, 2, 4, 15, 16, 17, 100])
def test_large_layers_are_abbreviated(units, most):
    net = build([Dense(units)], 3)
    scene = arrange(net, most)
    shown = units if units <= most else most - 1
    circles = of_network(scene.circles)
    assert len(circles) == shown
    inputs = 3 if most >= 3 else most - 1
    assert len(of_network(scene.lines)) == shown * inputs
    told = [text.text for text in scene.texts]
    assert (f"({shown} shown)" in told) == (units > most or (inputs == shown < 3))
    assert told.count("⋮") == (units > most) + (most < 3)
    if units > most > 2:
        # The first and the last.
        assert circles[0].name == "dense_1.b[0]"
        assert circles[-1].name == f"dense_1.b[{units - 1}]"


def test_an_abbreviated_layer_passes_its_own_numbers_on():
    net = build([Dense(40), BatchNorm(), Dense(1)], 1)
    scene = arrange(net, 6)
    drawn = {line.name for line in of_network(scene.lines)}
    assert {f"dense_2.W[{i}, 0]" for i in (0, 1, 2, 38, 39)} <= drawn
    assert len(drawn) == 10


def test_a_wide_flatten_is_abbreviated():
    scene = arrange(build([Flatten(), Dense(2)], (8, 8)), 16)
    told = [text.text for text in scene.texts]
    assert {"8 × 8", "64 numbers", "(15 shown)"} <= {*told, scene.boxes[0].text}
    assert len(of_network(scene.lines)) == 30


def test_long_names_stay_apart():
    name = "a_layer_with_a_name_that_is_rather_long"
    layers = [Dense(1, name=name), Dropout(0.1), Dense(1, name=f"{name}_too")]
    scene = arrange(build(layers, 1), 16)
    places = sorted(text.at.x for text in scene.texts if name in text.text)
    assert places[1] - places[0] > 0.13 * len(name)


def test_a_figure_has_the_shape_of_its_network():
    small = plots.network(build([Dense(1)], 1)).figure.get_size_inches()
    wide = plots.network(build([Dense(2)] * 8, 2)).figure.get_size_inches()
    assert wide[0] > 2 * small[0]
    assert wide[0] <= 14
    assert plots.network(build([Dense(16)] * 3, 16)).figure.get_size_inches()[1] <= 10


def test_letters_fit_small_axes():
    net = build([Dense(4)], 4)
    sizes = []
    for inches in (1, 4, 8):
        ax = plots.network(net, Figure(figsize=(inches, inches)).add_subplot())
        sizes.append(max((text.get_fontsize() for text in ax.texts), default=0.0))
    assert sizes[0] < sizes[1] < sizes[2]


def test_the_diagram_changes_nothing_in_the_network():
    net = build([Dense(2), BatchNorm()], 2)
    before = net.weights.copy()
    plots.network(net, Figure().add_subplot())
    plots.network_svg(net)
    np.testing.assert_array_equal(net.weights, before)


@pytest.mark.parametrize("draw", [plots.network, plots.network_svg])
def test_errors(draw):
    with pytest.raises(NotBuiltError, match="input shape is not known"):
        draw(NeuralNetwork([Dense(2)], loss="mean_squared_error"))
    with pytest.raises(ConfigurationError, match="Expected a NeuralNetwork, got Dense"):
        draw(Dense(2))
    net = build([Dense(2)], 2)
    with pytest.raises(ConfigurationError, match=r"most .* at least 2, got 1"):
        draw(net, most=1)
    net.weights[3] = np.nan
    with pytest.raises(DataError, match=r"dense_1\.W holds a NaN or an infinity"):
        draw(net)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "−0"), (1.0, "1"), (-0.456, "−0.46"), (1234.0, "1.2e+03")],
)
def test_short_numbers(value, text):
    assert short_number(value) == text


# ---- SVG

NAMESPACE = "{http://www.w3.org/2000/svg}"


def by_class(root, name):
    return [node for node in root.iter() if name in node.get("class", "").split()]


@pytest.fixture
def svg():
    net = build([Dense(3, "tanh"), Dense(2)], 2)
    net.parameters["dense_1.b"] = np.array([0.5, -1.0, 0.0])
    return net, ET.fromstring(plots.network_svg(net))


def test_the_svg_says_what_it_shows(svg):
    _, root = svg
    assert root.tag == f"{NAMESPACE}svg"
    assert root.get("role") == "img"
    first, second = list(root)[:2]
    assert (first.tag, second.tag) == (f"{NAMESPACE}title", f"{NAMESPACE}desc")
    assert first.text == "A network of 2 layers with 17 parameters"
    assert "dense_1: 3 neurons, tanh; dense_2: 2 neurons, identity" in second.text


def test_every_weight_and_bias_tells_its_name_and_value(svg):
    net, root = svg
    told = {node.text for node in root.iter(f"{NAMESPACE}title")}
    for name in ("dense_1.W", "dense_2.W"):
        for (i, j), value in np.ndenumerate(net.parameters[name]):
            assert f"{name}[{i}, {j}] = {float(value)!r}" in told
    assert "dense_1.b[1] = -1.0" in told


def test_negative_weights_are_dashed_in_the_svg(svg):
    _, root = svg
    for line in by_class(root, "weight"):
        value = float(line[0].text.rpartition(" ")[2])
        assert ("stroke-dasharray" in line.attrib) == (value < 0)


def test_the_svg_is_read_on_light_and_on_dark(svg):
    _, root = svg
    rules = root.find(f"{NAMESPACE}style").text
    assert rules.startswith("@media (prefers-color-scheme:dark)")
    selectors = set(re.findall(r"\.pellucid-network \.([\w-]+)\{", rules))
    assert rules.count("{") == len(selectors) + 1, "no rule reaches beyond the picture"
    # Whatever has a colour of its own has another one on a dark ground.
    for node in root.iter():
        if {"fill", "stroke"} & set(node.keys()) and node is not root:
            assert selectors & set(node.get("class", "").split()), node.attrib


def test_the_svg_has_its_own_ground_and_needs_nothing_else(svg):
    net, root = svg
    ground = by_class(root, "paper")[0]
    assert ground.get("width") == root.get("width")
    assert ground.get("height") == root.get("height")
    text = plots.network_svg(net)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in text
    assert "id=" not in text, "two pictures in a page must not share an id"


def test_the_same_network_gives_the_same_svg():
    net = build([Dense(3)], 2)
    assert plots.network_svg(net) == plots.network_svg(net.copy())


def test_names_are_escaped():
    net = build([Dense(1, name="<b>&'\"")], 1)
    root = ET.fromstring(plots.network_svg(net))
    told = [node.text for node in root.iter(f"{NAMESPACE}text")]
    assert "<b>&'\"" in told


def test_svg_works_without_matplotlib():
    program = """
import sys
sys.modules["matplotlib"] = None
import pellucid
net = pellucid.NeuralNetwork(
    [pellucid.Dense(2)], loss="mean_squared_error", input_shape=2
)
print(len(pellucid.plots.network_svg(net)) > 1000)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_images_are_stacks_of_their_channels():
    layers = [Conv2D(9, 3, "relu", padding="same"), Conv2D(1, 2), Flatten(), Dense(2)]
    network = build(layers, (5, 5, 3))
    scene = arrange(network, 8)
    assert [box.sheets for box in scene.boxes] == [3, 4, 1, 1]
    assert scene.boxes[1].text == "Conv2D(9, 3, 'relu', padding='same')"
    for box in scene.boxes:
        assert len(box.corners) == box.sheets
        for left, top in box.corners:
            assert 0 < left < left + box.width < scene.width
            assert 0 < top < top + box.height < scene.height
    svg = plots.network_svg(network, most=8)
    assert svg.count('class="box"') == sum(box.sheets for box in scene.boxes)


def test_inputs_that_an_encoder_makes_have_its_names():
    cells = {"age": [1.0, 2.0, 4.0, 7.0], "town": ["Rome", "Oslo", "Rome", "<Lima>"]}
    encoder = pellucid.Encoder.fit(
        pellucid.data.table(cells | {"y": [1.0, 2, 3, 4]}, "y")
    )
    net = build([Dense(2), Dense(1)], encoder.input_shape)
    assert "age" not in pellucid.plots.network_svg(net)
    net.reader = encoder
    scene = arrange(net, 16)
    texts = {text.text: text for text in scene.texts}
    for name, circle in zip(encoder.names, scene.circles, strict=False):
        assert texts[name].at.y == circle.at.y
        assert texts[name].at.x < circle.at.x
    assert "town = &lt;Lima&gt;" in pellucid.plots.network_svg(net)


def test_numbers_of_a_box_are_short():
    net = build([pellucid.Rescale(2.2573691234567), Dense(1)], 2)
    (box,) = arrange(net, 16).boxes
    assert box.text == "Rescale(2.257)"
