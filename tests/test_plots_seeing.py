"""Pictures over the plane of inputs and over the plane of weights."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import pellucid
from pellucid import (
    Adam,
    BatchNorm,
    Chain,
    Concat,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Momentum,
    NeuralNetwork,
    Residual,
    Select,
    plots,
)
from pellucid.errors import (
    ConfigurationError,
    DataError,
    NotBuiltError,
    ShapeError,
    UnknownNameError,
)
from pellucid.plots.bending import _grid
from pellucid.plots.one_weight import find_weight
from pellucid.plots.plane import plane_of
from pellucid.plots.stages import stages
from pellucid.plots.weight_plane import as_path, plane_through

MOONS = pellucid.data.moons(n=60, seed=0)
IRIS = pellucid.data.iris()


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def network(*layers, loss="binary_cross_entropy", shape=2, **settings):
    layers = layers or (Dense(4, "tanh"), Dense(2, "tanh"), Dense(1, "sigmoid"))
    return NeuralNetwork(layers, loss=loss, input_shape=shape, seed=3, **settings)


@pytest.fixture(scope="module")
def trained():
    net = network(dtype="float64")
    net.fit(MOONS.x, MOONS.y, epochs=40, optimizer=Adam(0.03), record=True)
    return net


def titles(figure):
    return [ax.get_title().split("\n")[0] for ax in figure.axes if ax.get_title()]


# ---- where points are on their way


def test_stages_are_what_the_layers_keep():
    net = network(Dense(3, "tanh"), Dropout(0.5), Dense(2), loss="cross_entropy")
    found = stages(net, MOONS.x.astype(np.float32))
    first = net.activations(MOONS.x)["dense_1"]
    assert [(each.layer, each.what) for each in found] == [
        ("dense_1", "z"),
        ("dense_1", "a"),
        ("dense_2", "z"),
    ]
    np.testing.assert_allclose(found[1].values, first, rtol=1e-6)
    np.testing.assert_allclose(np.tanh(found[0].values), first, rtol=1e-5)


def test_an_activation_that_is_a_layer_has_no_second_z():
    found = stages(network(Dense(3), "tanh", BatchNorm(), Dense(1)), np.ones((2, 2)))
    assert [(each.layer, each.what) for each in found] == [
        ("dense_1", "z"),
        ("tanh_1", "a"),
        ("batch_norm_1", "output"),
        ("dense_2", "z"),
    ]


def test_a_joined_activation_is_called_what_it_is():
    net = network(Dense(3, "softmax"), loss="cross_entropy")
    assert [each.title for each in stages(net, np.ones((2, 2)))] == [
        "z",
        "a = softmax(z)",
    ]


def test_other_inputs_stay_at_their_medians():
    net = network(Dense(3), loss="cross_entropy", shape=4)
    plane = plane_of(net, IRIS, None, ("petal width (cm)", 0))
    rows = plane.inputs(np.array([[7.0, 8.0]]))
    medians = np.median(IRIS.x, axis=0)
    np.testing.assert_allclose(rows, [[8.0, medians[1], medians[2], 7.0]], rtol=1e-6)
    assert "2 other inputs at the median" in plane.told


def test_the_plane_says_what_is_wrong():
    net, flat = network(), network(Dense(1), shape=1)
    image = network(Flatten(), Dense(1), shape=(2, 2))
    choices = network(
        Embedding(3, 2), Flatten(), Dense(1), shape=Input(2, kind="integer")
    )
    for wrong, kind, told in (
        (lambda: plane_of("net", MOONS, None, None), ConfigurationError, "str"),
        (lambda: plane_of(flat, [[1.0]], None, None), ShapeError, "two"),
        (lambda: plane_of(image, np.ones((3, 2, 2)), None, None), ShapeError, "two"),
        (lambda: plane_of(choices, [[1, 2]] * 3, None, None), ShapeError, "whole"),
        (lambda: plane_of(net, MOONS.x[:1], None, None), DataError, "fewer than two"),
        (lambda: plane_of(net, MOONS, None, "x0"), ConfigurationError, "two inputs"),
        (lambda: plane_of(net, MOONS, None, ("x0", "x3")), ConfigurationError, "x3"),
        (lambda: plane_of(net, MOONS, None, (0, -2)), ConfigurationError, "different"),
        (lambda: plane_of(net, np.ones((4, 3)), None, None), ShapeError, "3"),
    ):
        with pytest.raises(kind, match=told):
            wrong()


# ---- what each neuron computes


def test_a_map_is_the_output_of_its_neuron(trained):
    figure = plots.neuron_maps(trained, MOONS, resolution=21)
    panels = [ax for ax in figure.axes if ax.get_title().startswith("neuron")]
    assert len(panels) == 4 + 2 + 1
    plane = plane_of(trained, MOONS, None, None)
    layers = trained.activations(plane.grid(21))
    values = np.concatenate(list(layers.values()), axis=1)
    for ax, each in zip(panels, values.T, strict=True):
        drawn = ax.images[0].get_array()
        np.testing.assert_allclose(drawn.ravel(), each, rtol=1e-12)
        limits = ax.images[0].norm
        assert limits.vmin == -limits.vmax  # zero in the middle


def test_signs_are_glyphs_too(trained):
    figure = plots.neuron_maps(trained, MOONS)
    glyphs = [{text.get_text() for text in ax.texts} for ax in figure.axes]
    assert {"+", "−"} in glyphs
    (sigmoid,) = [g for g, ax in zip(glyphs, figure.axes, strict=True) if ax.images][
        -1:
    ]
    assert sigmoid == {"+"}  # never negative


def test_the_neurons_that_vary_most_are_drawn():
    net = network(Dense(20, "relu"), Dense(1))
    figure = plots.neuron_maps(net, MOONS, most=3, resolution=11, z=True)
    values = net.activations(plane_of(net, MOONS, None, None).grid(11))["dense_1"]
    largest = np.sort(np.argsort(-values.std(axis=0))[:3])
    names = [f"neuron {index}" for index in largest]
    assert titles(figure) == [*names, *names, "neuron 0"]  # z, a, then the output
    assert figure.subfigs[0].get_suptitle() == "dense_1: z (3 of 20 neurons)"


def test_numbers_that_are_not_finite_have_a_pattern_and_are_said():
    net = network(Dense(2), Dense(1), dtype="float64")
    net.parameters["dense_1.W"][0, 1] = 1e308
    x = MOONS.x * [10.0, 1.0]
    figure = plots.neuron_maps(net, x, resolution=20)
    wrong = figure.axes[1]
    assert wrong.images[0].get_array().mask.any()
    assert wrong.patch.get_hatch() == "xxxx"
    assert any("not finite" in text.get_text() for text in wrong.texts)
    assert not figure.axes[0].images[0].get_array().mask.any()


def test_every_picture_says_which_moment_it_shows(trained):
    fresh, updates = network(), trained.training.step
    trained_told, fresh_told = f"after {updates} updates", "no training on record"
    for draw in (plots.neuron_maps, plots.bending):
        assert trained_told in draw(trained, MOONS).get_suptitle()
        assert fresh_told in draw(fresh, MOONS).get_suptitle()
    assert trained_told in plots.loss_landscape(trained, MOONS).get_title()
    assert fresh_told in plots.loss_landscape(fresh, MOONS, resolution=5).get_title()


def test_a_figure_must_be_an_empty_figure(trained):
    used = Figure()
    ax = used.add_subplot()
    for wrong, told in ((ax, "whole figure"), (used, "already"), (3, "leave it out")):
        with pytest.raises(ConfigurationError, match=told):
            plots.neuron_maps(trained, MOONS, figure=wrong)
    part = Figure(layout="constrained").subfigures(1, 2)[1]
    assert plots.neuron_maps(trained, MOONS, resolution=5, figure=part) is part


# ---- the space that bends


def test_the_border_is_straight_before_the_last_layer(trained):
    figure = plots.bending(trained, MOONS)
    (ax,) = [ax for ax in figure.axes if ax.get_title() == "dense_2: a = tanh(z)"]
    border = np.concatenate([line.get_xydata() for line in ax.lines])
    assert len(border) > 20
    z = border @ trained.parameters["dense_3.W"] + trained.parameters["dense_3.b"]
    size = np.abs(trained.parameters["dense_3.W"]).sum()
    np.testing.assert_allclose(z, 0, atol=0.02 * size)
    straight = np.linalg.svd(border - border.mean(axis=0), compute_uv=False)
    assert straight[1] < 0.02 * straight[0]


def test_two_neurons_are_the_axes(trained):
    figure = plots.bending(trained, MOONS)
    (ax,) = [ax for ax in figure.axes if ax.get_title() == "dense_2: z"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("neuron 0", "neuron 1")
    drawn = np.concatenate([dots.get_offsets() for dots in ax.collections[2:]])
    wanted = next(e for e in stages(trained, MOONS.x) if e.layer == "dense_2").values
    order = np.argsort(MOONS.y, kind="stable")
    np.testing.assert_allclose(drawn, wanted[order], rtol=1e-12)


def test_more_neurons_are_seen_in_their_principal_plane():
    net = network(Dense(6, "tanh"), Dense(3), loss="cross_entropy", shape=4)
    figure = plots.bending(net, IRIS)
    (ax,) = [ax for ax in figure.axes if ax.get_title().startswith("dense_1: a")]
    drawn = np.concatenate([dots.get_offsets() for dots in ax.collections[2:]])
    values = net.activations(IRIS.x)["dense_1"].astype(float)
    variances = np.linalg.svd(values - values.mean(axis=0), compute_uv=False) ** 2
    share = variances[:2].sum() / variances.sum()
    label = ax.get_xlabel().replace("\n", " ")
    assert label == f"plane with {share:.0%} of the variance of 6 neurons".replace(
        "%", " %"
    )
    # Turning a plane changes no distance in it.
    np.testing.assert_allclose((drawn**2).sum(), variances[:2].sum(), rtol=1e-4)


def test_the_grid_of_a_layer_without_bends_stays_straight():
    net = network(Dense(2), loss="mean_squared_error", dtype="float64")
    net.parameters["dense_1.W"][...] = [[2.0, 0.0], [0.0, 3.0]]
    net.parameters["dense_1.b"][...] = [1.0, -1.0]
    plane = plane_of(net, MOONS, None, None)
    figure = plots.bending(net, MOONS)
    lines = np.array(figure.axes[1].collections[0].get_segments())
    wanted = _grid(plane)[: len(lines)] * [2.0, 3.0] + [1.0, -1.0]
    np.testing.assert_allclose(lines, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("layers", "loss", "y", "borders"),
    [
        ([Dense(1)], "binary_cross_entropy", None, True),
        ([Dense(1, "sigmoid")], "binary_cross_entropy", None, True),
        ([Dense(2)], "cross_entropy", None, True),
        ([Dense(1, "sigmoid")], "mean_squared_error", None, True),
        ([Dense(1)], "mean_squared_error", MOONS.x[:, 0], False),
        ([Residual([Dense(2)]), Dense(2)], "cross_entropy", None, True),
        ([Concat([Dense(2), Dense(1)]), Dense(2)], "cross_entropy", None, True),
    ],
)
def test_the_border_is_where_the_answer_changes(layers, loss, y, borders):
    net = network(*layers, loss=loss, dtype="float64")
    net.parameters.vector[...] += 0.1
    targets = MOONS.y if y is None else y
    net.fit(MOONS.x, targets, epochs=20, optimizer=Adam(0.05))
    figure = plots.bending(net, MOONS.x, targets)
    lines = figure.axes[0].lines
    assert bool(lines) == borders
    if borders:
        point = lines[0].get_xydata()[len(lines[0].get_xdata()) // 2]
        away = np.array([[0.05, 0.0], [-0.05, 0.0], [0.0, 0.05], [0.0, -0.05]])
        answers = np.ravel(net.predict(point + away))
        assert len(set(np.round(answers))) == 2


def test_what_is_not_finite_cannot_bend():
    net = network(Dense(2), Dense(1), dtype="float64")
    net.parameters["dense_1.W"][...] = 1e308
    with pytest.raises(DataError, match="dense_1 makes numbers"):
        plots.bending(net, MOONS.x * 10, MOONS.y)


# ---- the loss around the weights


def test_the_landscape_is_the_true_loss(trained):
    names = ("dense_1.W[0, 1]", "dense_2.b[1]")
    before = trained.weights.copy()
    ax = plots.loss_landscape(trained, MOONS, axes=names, resolution=5)
    drawn = np.asarray(ax.images[0].get_array())
    xs = np.linspace(*ax.get_xlim(), 5)
    ys = np.linspace(*ax.get_ylim(), 5)
    other = trained.copy()
    for row, b in enumerate(ys):
        for column, w in enumerate(xs):
            other.parameters["dense_1.W"][0, 1] = w
            other.parameters["dense_2.b"][1] = b
            loss = other.evaluate(MOONS.x, MOONS.y)["loss"]
            assert drawn[row, column] == pytest.approx(loss, rel=1e-9)
    assert (trained.weights == before).all()
    assert (ax.get_xlabel(), ax.get_ylabel()) == names


def test_a_loss_that_adds_up_is_added_up():
    net = network(Dense(1), loss="sum_of_squares", dtype="float64")
    ax = plots.loss_landscape(
        net, MOONS, axes=("dense_1.W[0, 0]", "dense_1.W[1, 0]"), resolution=3
    )
    loss, _ = net.backprop(MOONS.x, MOONS.y)
    assert ax.images[0].get_array()[1, 1] == pytest.approx(loss)


@pytest.mark.parametrize("axes", ["gradient", "path", ("dense_1.b[0]", "dense_1.b[1]")])
def test_a_plane_has_two_right_directions_and_begins_at_the_weights(trained, axes):
    path = as_path(trained, trained.recording)
    gradient = trained.backprop(MOONS.x, MOONS.y)[1].vector
    plane = plane_through(trained, axes, path, gradient, seed=0)
    np.testing.assert_allclose(
        plane.directions @ plane.directions.T, np.eye(2), atol=1e-12
    )
    np.testing.assert_array_equal(plane.weights(plane.here[None])[0], plane.origin)
    np.testing.assert_allclose(plane.coordinates(plane.origin[None])[0], plane.here)
    assert (plane.low < plane.here).all()
    assert (plane.here < plane.high).all()


def test_the_gradient_is_the_first_axis_and_lies_in_the_plane(trained):
    gradient = trained.backprop(MOONS.x, MOONS.y)[1].vector
    plane = plane_through(trained, "gradient", None, gradient, seed=0)
    cosine = -(plane.directions[0] @ gradient) / np.linalg.norm(gradient)
    assert cosine == pytest.approx(1)
    assert plane.share(gradient[None]) == pytest.approx(1)
    ax = plots.loss_landscape(trained, MOONS, axes="gradient", resolution=5)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any("minus the gradient" in t and "100 % of it" in t for t in legend)
    assert any(t.startswith("next step of Adam") for t in legend)


def test_a_random_direction_has_in_each_filter_the_length_of_the_weights(trained):
    from pellucid.plots.weight_plane import _filter_normalised

    layout = trained.blueprint.layout.parameters
    weights = trained.weights[: layout.size]
    found = _filter_normalised(layout, weights, 0)
    for name, entry in layout.entries.items():
        part = found[entry.start : entry.stop].reshape(entry.shape)
        if entry.slot.role == "bias":
            assert not part.any()
        else:
            wanted = np.linalg.norm(trained.parameters[name], axis=0)
            np.testing.assert_allclose(np.linalg.norm(part, axis=0), wanted)


def test_the_principal_plane_holds_what_no_other_holds(trained):
    path = as_path(trained, trained.recording)
    plane = plane_through(trained, "path", path, None, seed=0)
    away = path - plane.origin
    best = np.linalg.svd(away, compute_uv=False) ** 2
    assert plane.share(away) == pytest.approx(best[:2].sum() / best.sum())
    ax = plots.loss_landscape(
        trained, MOONS, axes="path", recording=trained.recording, resolution=5
    )
    assert f"{100 * plane.share(away):.3g} % of the path" in ax.get_title()
    line = ax.lines[1].get_xydata()
    np.testing.assert_allclose(line, plane.coordinates(path))
    np.testing.assert_allclose(line[-1], 0, atol=1e-12)  # where the weights are now


def test_a_path_is_a_recording_or_an_array_of_weights(trained):
    recorded = as_path(trained, trained.recording)
    np.testing.assert_array_equal(recorded[-1], trained.weights)
    assert len(recorded) <= 121
    assert as_path(trained, None) is None
    np.testing.assert_array_equal(as_path(trained, list(recorded)), recorded)
    normed = network(Dense(2), BatchNorm(), Dense(1))
    both = np.ones((3, normed.weights.size))
    assert as_path(normed, both).shape[1] == normed.parameters.vector.size
    for wrong, told in (
        (np.ones((3, 2)), "of shape"),
        (np.ones(5), "of shape"),
        ([], "of shape"),
        ([[np.nan] * trained.weights.size], "not all finite"),
        ("path", "str"),
        (object(), "object"),
    ):
        with pytest.raises(DataError, match=told):
            as_path(trained, wrong)
    with pytest.raises(DataError, match="no iterations"):
        as_path(trained, pellucid.Recording())


def test_a_path_in_the_plane_of_two_weights_has_room_in_it(trained):
    path = as_path(trained, trained.recording)
    names = ["dense_1.W[0, 1]", "dense_1.W[1, 1]"]
    ax = plots.loss_landscape(trained, MOONS, axes=names, recording=path, resolution=5)
    points = ax.lines[1].get_xydata()
    assert (points.min(axis=0) > [ax.get_xlim()[0], ax.get_ylim()[0]]).all()
    assert (points.max(axis=0) < [ax.get_xlim()[1], ax.get_ylim()[1]]).all()
    assert "of the motion on the path" in ax.get_title()


def test_a_straight_path_has_a_plane_too():
    net = network(Dense(1), dtype="float64")
    path = net.parameters.vector - np.outer([3.0, 2.0, 1.0, 0.0], [1.0, 1.0, 0.0])
    plane = plane_through(net, "path", path, None, seed=0)
    assert plane.share(path - plane.origin) == pytest.approx(1)
    np.testing.assert_allclose(
        plane.directions @ plane.directions.T, np.eye(2), atol=1e-9
    )
    with pytest.raises(DataError, match="never moved"):
        plane_through(net, "path", path[-1:], None, seed=0)


def test_losses_that_are_not_finite_have_a_pattern_and_are_said():
    net = network(Dense(1), loss="mean_squared_error", dtype="float32")
    x, y = MOONS.x * 2e19, MOONS.y * 1.0
    net.parameters["dense_1.W"][...] = 0.5
    ax = plots.loss_landscape(
        net, x, y, axes=("dense_1.W[0, 0]", "dense_1.W[1, 0]"), resolution=5
    )
    assert "are not finite (crossed)" in ax.get_title()
    assert ax.patch.get_hatch() == "xxxx"


def test_the_landscape_says_what_is_wrong(trained):
    def draw(**more):
        plots.loss_landscape(trained, MOONS, resolution=3, **more)

    for wrong, kind, told in (
        (lambda: draw(axes="gradents"), ConfigurationError, "Did you mean 'gradient'"),
        (lambda: draw(axes="path"), ConfigurationError, "record"),
        (lambda: draw(axes=("dense_1.W[0, 1]",)), ConfigurationError, "two weights"),
        (lambda: draw(axes=["dense_1.b[0]"] * 2), ConfigurationError, "Both axes"),
        (lambda: draw(axes=["dense_1.b[0]", 3]), UnknownNameError, "got 3"),
        (lambda: draw(axes=["dense_1.b[0]", "dens_1.b[1]"]), UnknownNameError, "dense"),
        (
            lambda: draw(axes=["dense_1.b[0]", "dense_1.b[9]"]),
            UnknownNameError,
            "place",
        ),
        (lambda: plots.loss_landscape(3, MOONS), ConfigurationError, "int"),
        (
            lambda: plots.loss_landscape(trained, MOONS, resolution=2),
            ConfigurationError,
            "resolution",
        ),
    ):
        with pytest.raises(kind, match=told):
            wrong()


def test_a_gradient_of_zero_has_no_direction():
    net = network(Dense(1), loss="mean_squared_error", dtype="float64")
    net.parameters.vector[...] = 0.0
    with pytest.raises(DataError, match="norm 0"):
        plots.loss_landscape(net, MOONS.x, np.zeros(60), resolution=3)
    with pytest.raises(DataError, match="random direction"):
        plots.loss_landscape(net, MOONS.x, np.ones(60), resolution=3)
    net.parameters["dense_1.b"][...] = np.nan
    with pytest.raises(DataError, match=r"dense_1\.b"):
        plots.loss_landscape(net, MOONS.x, np.ones(60), resolution=3)


def test_a_landscape_of_images_and_of_batch_statistics():
    net = network(
        Conv2D(2, 3, "relu"),
        Flatten(),
        BatchNorm(),
        Dense(2),
        shape=(4, 4, 1),
        loss="cross_entropy",
    )
    x = np.random.default_rng(0).normal(size=(6, 4, 4, 1))
    ax = plots.loss_landscape(
        net, x, [0, 1, 0, 1, 1, 0], resolution=3, optimizer=Momentum()
    )
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any(told.startswith("next step of Momentum") for told in legend)
    loss = net.evaluate(x, [0, 1, 0, 1, 1, 0])["loss"]
    assert ax.images[0].get_array()[1, 1] == pytest.approx(loss, rel=1e-5)


def test_the_step_of_a_rule_that_makes_none_is_not_drawn():
    net = network(Dense(1), dtype="float64")
    net.fit(MOONS.x, MOONS.y, optimizer="lbfgs", iterations=2)
    ax = plots.loss_landscape(net, MOONS, resolution=3)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert not any("next step" in told for told in legend)


def test_a_landscape_of_named_inputs():
    net = network(
        Concat([Chain([Select("age"), Dense(2)]), Select("area")]),
        Dense(1),
        shape={"age": 1, "area": 2},
        loss="mean_squared_error",
    )
    x = {"age": np.ones((3, 1)), "area": np.ones((3, 2))}
    names = ("dense_1.W[0, 0]", "concat_1.chain_1.dense_1.W[0, 1]")
    ax = plots.loss_landscape(net, x, [1.0, 2.0, 3.0], axes=names, resolution=3)
    loss = net.evaluate(x, [1.0, 2.0, 3.0])["loss"]
    assert ax.images[0].get_array()[1, 1] == pytest.approx(loss, rel=1e-5)
    with pytest.raises(ShapeError, match="age"):
        plots.bending(net, x)


def test_a_network_must_know_its_inputs():
    net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
    with pytest.raises(NotBuiltError):
        plots.neuron_maps(net, MOONS)


# ---- names of single weights


@given(st.data())
def test_a_weight_is_found_where_it_is(data):
    net = network(Dense(3), Dense(2), dtype="float64")
    layout = net.blueprint.layout.parameters
    net.parameters.vector[...] = np.arange(layout.size)
    position = data.draw(st.integers(0, layout.size - 1))
    (name,) = [n for n, e in layout.entries.items() if e.start <= position < e.stop]
    entry = layout.entries[name]
    index = np.unravel_index(position - entry.start, entry.shape)
    spelled = f" {name} [{' , '.join(map(str, index))}]"
    found = find_weight(layout, spelled)
    assert found.position == position
    assert found.name == f"{name}[{', '.join(map(str, index))}]"
    back = [int(i) - n for i, n in zip(index, entry.shape, strict=True)]
    assert find_weight(layout, f"{name}[{', '.join(map(str, back))}]") == found


@pytest.mark.parametrize("name", ["dense_1.W", "dense_1.W[a]", "", 3, None, "W[0][1]"])
def test_what_is_no_name_of_a_weight_is_refused(name):
    layout = network().blueprint.layout.parameters
    with pytest.raises(UnknownNameError, match=r"'dense_1\.[Wz]\[0, [02]\]'"):
        find_weight(layout, name)
