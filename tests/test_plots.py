from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import pellucid
from pellucid import (
    Adam,
    BatchNorm,
    Dense,
    GradientDescent,
    History,
    NeuralNetwork,
    RateSearch,
    RecordWeights,
    plots,
)
from pellucid.activations import Activation
from pellucid.errors import (
    ConfigurationError,
    DataError,
    NotBuiltError,
    ShapeError,
)
from pellucid.plots.palette import (
    CLASSES,
    DARK,
    LIGHT,
    MARKERS,
    brightness,
    class_colour,
    class_marker,
    mix,
    signed_colour,
)
from registers import ours


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return Figure().add_subplot()


@pytest.fixture(scope="module")
def truth_table():
    table = pellucid.data.truth_table()
    net = NeuralNetwork(
        [Dense(4, "sigmoid"), Dense(1, "sigmoid")], loss="sum_of_squares", seed=1
    )
    record = RecordWeights(every=10)
    net.fit(
        table.x,
        table.y,
        iterations=800,
        optimizer=GradientDescent(1.0),
        callbacks=record,
    )
    search = net.find_learning_rate(table.x, table.y, iterations=20)
    layers = pellucid.models.cnn(3, filters=[4], dense=4)
    cnn = NeuralNetwork(layers, loss="cross_entropy", input_shape=(6, 6, 1))
    return SimpleNamespace(
        x=table.x,
        y=table.y,
        net=net,
        step=net.trace(table.x, table.y),
        record=record,
        search=search,
        cnn=cnn,
        image=np.arange(36.0).reshape(6, 6, 1) / 36,
    )


@pytest.fixture(scope="module")
def moons():
    return pellucid.data.moons(n=80)


def trained(outputs, loss, x, y, **options):
    layers = [Dense(8, "tanh"), Dense(outputs, options.pop("activation", None))]
    net = NeuralNetwork(layers, loss=loss)
    net.fit(x, y, epochs=options.pop("epochs", 3), optimizer=Adam(0.05), **options)
    return net


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def curve(ax, label):
    (line,) = [line for line in ax.get_lines() if line.get_label() == label]
    return line


def dots(ax):
    return [found for found in ax.collections if isinstance(found, PathCollection)]


def draw(ax):
    """Draw for real: much of matplotlib complains only then."""
    ax.figure.canvas.draw()
    return ax


# ---- what all pictures have in common

ALL = {
    "history": lambda t, ax: plots.history(t.net, ax),
    "predictions": lambda t, ax: plots.predictions(t.y, t.net.predict(t.x), ax),
    "activation": lambda t, ax: plots.activation("tanh", ax),
    "data": lambda t, ax: plots.data(t.x[:, :2], t.y, ax),
    "decision_boundary": lambda t, ax: plots.decision_boundary(
        NeuralNetwork([Dense(3)], loss="cross_entropy", input_shape=2), ax=ax
    ),
    "network": lambda t, ax: plots.network(t.net, ax),
    "confusion_matrix": lambda t, ax: plots.confusion_matrix([0, 1, 1], [0, 1, 0], ax),
    "metrics": lambda t, ax: plots.metrics(
        History(loss=[1.0], metrics={"rmse": [0.5]}), ax
    ),
    "learning_rates": lambda t, ax: plots.learning_rates(t.search, ax),
    "weights": lambda t, ax: plots.weights(t.net, ax),
    "weights_over_time": lambda t, ax: plots.weights_over_time(t.record, ax=ax),
    "filters": lambda t, ax: plots.filters(t.cnn, ax=ax),
    "activation_maps": lambda t, ax: plots.activation_maps(t.cnn, t.image, ax=ax),
    "saliency": lambda t, ax: plots.saliency(t.cnn, t.image, ax=ax),
    "occlusion": lambda t, ax: plots.occlusion(t.cnn, t.image, ax=ax),
    "computation_graph": lambda t, ax: plots.computation_graph(t.step, ax=ax),
    "diagram": lambda t, ax: plots.diagram(t.step, ax, lens="gradient"),
    "pulls": lambda t, ax: plots.pulls(t.step, "dense_1.W[2, 0]", ax),
    "loss_landscape": lambda t, ax: plots.loss_landscape(
        t.net, t.x, t.y, ax, resolution=5
    ),
    "importance": lambda t, ax: plots.importance(
        pellucid.permutation_importance(t.net, t.x, t.y), ax
    ),
    "partial_dependence": lambda t, ax: plots.partial_dependence(
        pellucid.partial_dependence(t.net, t.x, "x0", points=4), ax
    ),
    "calibration": lambda t, ax: plots.calibration(
        pellucid.calibration([0, 1, 1, 0], [0.2, 0.9, 0.7, 0.4]), ax
    ),
    "residuals": lambda t, ax: plots.residuals(t.y, t.net.predict(t.x), ax),
}
# What is no picture in an Axes: texts, and figures of several panels.
OTHERS = {"network_svg", "diagram_svg", "bending", "course", "neuron_maps"}
every_picture = pytest.mark.parametrize("name", ALL)


def test_every_function_is_tried_here():
    assert set(ALL) | OTHERS == set(plots.__all__)


@every_picture
def test_the_given_axes_are_drawn_in_and_returned(name, truth_table, ax):
    assert ALL[name](truth_table, ax) is ax
    draw(ax)
    assert not plt.get_fignums(), "a figure was opened beside the given one"


@every_picture
def test_without_axes_one_new_figure_is_made(name, truth_table):
    ax = ALL[name](truth_table, None)
    assert plt.get_fignums() == [ax.figure.number]
    draw(ax)


@every_picture
def test_labels_are_inside_the_figure(name, truth_table):
    ax = draw(ALL[name](truth_table, None))
    box = ax.get_tightbbox()
    width, height = ax.figure.canvas.get_width_height()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= width
    assert box.y1 <= height


@every_picture
def test_nothing_global_changes(name, truth_table):
    before = mpl.rcParams.copy()
    plt.figure()
    current = plt.gca()
    ALL[name](truth_table, Figure().add_subplot())
    assert mpl.rcParams == before
    assert plt.gca() is current


@every_picture
def test_axes_are_named(name, truth_table, ax):
    ALL[name](truth_table, ax)
    if not ax.axison:  # pictures that have no axes say what they are
        assert ax.get_title()
    else:
        assert ax.get_xlabel()
        assert ax.get_ylabel()


@every_picture
def test_what_is_no_axes_is_refused(name, truth_table):
    with pytest.raises(ConfigurationError, match=r"got Figure: write ax=figure\.sub"):
        ALL[name](truth_table, Figure())
    with pytest.raises(ConfigurationError, match=r"got ndarray: choose one of them"):
        ALL[name](truth_table, Figure().subplots(2))


@every_picture
def test_a_dark_style_is_respected(name, truth_table):
    with plt.style.context("dark_background"):
        ax = draw(ALL[name](truth_table, None))
    assert to_hex(ax.figure.get_facecolor()) == "#000000"
    # No line or text may vanish in the ground.
    artists = [*ax.get_lines(), *ax.texts, ax.title, ax.xaxis.label]
    cells = name == "confusion_matrix"
    for artist in artists:
        if not (cells and artist in ax.texts):
            assert to_hex(artist.get_color()) not in ("#000000", "#1f2328")


def test_legends_stand_beside_the_data_where_there_is_room(moons):
    ax = draw(plots.data(moons))
    legend_box = ax.get_legend().get_window_extent()
    assert legend_box.x0 >= ax.get_window_extent().x1


# ---- colours


def test_mixing_colours():
    assert mix("#102030", "#304050", 0.0) == "#102030"
    assert mix("#102030", "#304050", 1.0) == "#304050"
    assert mix("#102030", "#304050", 0.5) == "#203040"


@given(st.floats(-1, 1))
def test_opposite_numbers_have_colours_of_like_brightness(strength):
    difference = brightness(signed_colour(strength)) - brightness(
        signed_colour(-strength)
    )
    assert abs(difference) < 0.15


@pytest.mark.parametrize("scale", [LIGHT, DARK])
def test_the_scale_meets_its_colours(scale):
    places = np.linspace(-1, 1, len(scale))
    assert [signed_colour(float(place), scale) for place in places] == list(scale)
    assert signed_colour(7.0, scale) == scale[-1]


def test_many_classes_stay_apart():
    assert len({class_colour(index) for index in range(24)}) == 24
    pairs = {(class_colour(i), class_marker(i)) for i in range(len(CLASSES) * 11)}
    assert len(MARKERS) == 11
    assert len(pairs) == 88


# ---- history


def test_history_of_the_truth_table_counts_iterations(truth_table, ax):
    plots.history(truth_table.net, ax)
    assert ax.get_xlabel() == "iteration"
    assert ax.get_ylabel() == "loss (sum of squares)"
    line = curve(ax, "training loss")
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 801))
    np.testing.assert_array_equal(line.get_ydata(), truth_table.net.history.loss)


def test_history_with_validation_marks_the_best_epoch(ax):
    course = History(
        loss=[3.0, 2.0, 1.0],
        validation=[3.5, 2.5, 2.75],
        iterations=[3.0] * 6,
        best_epoch=2,
    )
    plots.history(course, ax)
    assert ax.get_xlabel() == "epoch"
    assert legend(ax) == ["training loss", "validation loss", "best epoch: 2 (2.5)"]
    best = curve(ax, "best epoch: 2 (2.5)")
    assert best.get_xydata().tolist() == [[2.0, 2.5]]
    assert curve(ax, "validation loss").get_linestyle() == "--"


def test_history_by_iteration(ax):
    course = History(
        loss=[3.0, 1.0],
        validation=[2.0, 1.5],
        iterations=[4.0, 3.0, 2.0, 2.0, 1.0, 0.0],
        best_epoch=2,
    )
    plots.history(course, ax, iterations=True)
    assert ax.get_xlabel() == "iteration"
    assert curve(ax, "loss of each batch").get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    # An epoch ends with its last iteration.
    assert curve(ax, "mean of each epoch").get_xdata().tolist() == [3, 6]
    assert curve(ax, "validation loss").get_xdata().tolist() == [3, 6]


@pytest.mark.parametrize(
    ("loss", "log", "expected"),
    [
        ([1.0, 0.5, 0.02], None, "linear"),
        ([1.0, 0.5, 0.009], None, "log"),
        ([1.0, 0.0], None, "linear"),
        ([1.0, 0.0], True, "log"),
        ([1.0, 0.5], True, "log"),
        ([1.0, 1e-6], False, "linear"),
        ([1.0, np.inf, 1e-6, np.nan], None, "log"),
        ([2.0], None, "linear"),
    ],
)
def test_the_scale_of_the_loss(loss, log, expected, ax):
    plots.history(History(loss=loss), ax, log=log)
    assert ax.get_yscale() == expected
    draw(ax)


def test_a_single_epoch_is_seen(ax):
    plots.history(History(loss=[1.0], iterations=[1.0, 2.0]), ax)
    assert curve(ax, "training loss").get_marker() == "o"


def test_history_errors(truth_table):
    fresh = NeuralNetwork([Dense(1)], loss="mean_squared_error")
    with pytest.raises(ConfigurationError, match="no history yet: call fit first"):
        plots.history(fresh)
    with pytest.raises(ConfigurationError, match="no epoch yet"):
        plots.history(History())
    with pytest.raises(ConfigurationError, match="or a network, got list"):
        plots.history([1.0, 0.5])
    with pytest.raises(ConfigurationError, match="needs positive losses"):
        plots.history(History(loss=[0.0, -1.0]), log=True)
    with pytest.raises(ConfigurationError, match="has no iterations"):
        plots.history(History(loss=[1.0]), iterations=True)
    with pytest.raises(DataError, match="No loss of the history is finite"):
        plots.history(History(loss=[np.nan]))


def test_metrics(ax):
    course = History(
        loss=[3.0, 2.0],
        validation=[3.0, 2.0],
        metrics={"accuracy": [0.5, 0.9], "balanced_accuracy": [0.4, 0.8]},
        best_epoch=2,
    )
    plots.metrics(course, ax)
    assert legend(ax) == ["accuracy", "balanced accuracy", "best epoch: 2"]
    assert ax.get_ylabel() == "metric (validation data)"
    assert curve(ax, "accuracy").get_ydata().tolist() == [0.5, 0.9]
    styles = {line.get_linestyle() for line in ax.get_lines()}
    assert len(styles) == 3, "lines are told apart without colour"


def test_one_metric_names_the_axis(ax):
    plots.metrics(History(loss=[1.0, 0.5], metrics={"rmse": [2.0, 1.0]}), ax)
    assert ax.get_ylabel() == "rmse (training data)"


def test_metrics_errors():
    with pytest.raises(ConfigurationError, match=r"metrics=\['accuracy'\]"):
        plots.metrics(History(loss=[1.0]))


# ---- predictions


def test_few_predictions_stand_beside_their_targets(truth_table, ax):
    guess = truth_table.net.predict(truth_table.x)
    plots.predictions(truth_table.y, guess, ax)
    assert ax.get_xlabel() == "sample"
    assert ax.get_xticks().tolist() == [0, 1, 2, 3]
    assert legend(ax) == ["target", "prediction", "error"]
    points = [line for line in ax.get_lines() if line.get_marker() == "o"]
    target, prediction = points
    np.testing.assert_array_equal(target.get_ydata(), truth_table.y[:, 0])
    np.testing.assert_allclose(prediction.get_ydata(), guess[:, 0])
    assert (target.get_xdata() < prediction.get_xdata()).all()
    # Open and filled, so that they differ without colour.
    assert target.get_markerfacecolor() != prediction.get_markerfacecolor()


@pytest.mark.parametrize(("rows", "label"), [(20, "sample"), (21, "target")])
def test_many_predictions_lie_along_the_diagonal(rows, label, ax):
    y = np.linspace(-1, 3, rows)
    plots.predictions(y, y[:, None] + 0.5, ax)
    assert ax.get_xlabel() == label
    if label == "target":
        assert ax.get_xlim() == ax.get_ylim()
        (diagonal,) = ax.get_lines()
        np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
        offsets = dots(ax)[0].get_offsets()
        np.testing.assert_allclose(offsets, np.stack([y, y + 0.5], axis=1))
        assert legend(ax) == ["exactly right", "a sample"]


@pytest.mark.parametrize("rows", [5, 50])
def test_several_outputs_are_told_apart(rows, ax):
    y = np.random.default_rng(0).normal(size=(rows, 3))
    plots.predictions(y, y, ax)
    assert legend(ax)[-3:] == ["output 0", "output 1", "output 2"]
    draw(ax)


def test_equal_predictions_can_be_drawn(ax):
    draw(plots.predictions(np.ones(30), np.ones(30), ax))
    low, high = ax.get_xlim()
    assert low < 1 < high


def test_predictions_errors():
    with pytest.raises(ShapeError, match=r"y has shape \(2,\), y_hat has \(3,\)"):
        plots.predictions([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match=r"y holds texts.*plots\.confusion_matrix"):
        plots.predictions(["a"], ["a"])
    with pytest.raises(DataError, match="y_hat has NaN at row 1"):
        plots.predictions([1.0, 2.0], [1.0, np.nan])
    with pytest.raises(DataError, match="y has no rows"):
        plots.predictions([], [])
    with pytest.raises(ShapeError, match=r"expected \(n,\) or \(n, outputs\)"):
        plots.predictions(np.ones((2, 2, 2)), np.ones((2, 2, 2)))


# ---- activation

NAMES = sorted({kind.label for kind in ours(Activation).values()})


@pytest.mark.parametrize("name", NAMES)
def test_every_activation_has_its_curve_and_its_derivative(name, ax):
    draw(plots.activation(name, ax, low=-4, high=4))
    value, derivative = ax.get_lines()[-2:]
    assert legend(ax)[0].startswith(f"{name}(z")
    assert legend(ax)[1].startswith(f"{name}'(z")
    z, a, slope = value.get_xdata(), value.get_ydata(), derivative.get_ydata()
    steps = np.diff(a) / np.diff(z)
    middle = (slope[1:] + slope[:-1]) / 2
    known = np.isfinite(middle)
    assert known.mean() > 0.98
    np.testing.assert_allclose(steps[known], middle[known], atol=1e-3)


def test_a_jump_of_the_derivative_is_a_gap(ax):
    plots.activation("relu", ax)
    derivative = curve(ax, "relu'(z)")
    gaps = derivative.get_xdata()[np.isnan(derivative.get_ydata())]
    assert gaps.tolist() == [0.0]


def test_activation_with_settings(ax):
    plots.activation(pellucid.LeakyReLU(0.5), ax, low=-2, high=2)
    assert ax.get_xlim() == (-2, 2)
    assert curve(ax, "leaky_relu(z)").get_ydata()[0] == -1.0


def test_activation_errors():
    with pytest.raises(ConfigurationError, match="Did you mean 'sigmoid'"):
        plots.activation("sigmoyd")
    with pytest.raises(ConfigurationError, match="Expected low < high"):
        plots.activation("sigmoid", low=1, high=1)
    with pytest.raises(ConfigurationError, match="both finite"):
        plots.activation("sigmoid", high=np.inf)


# ---- data


def test_two_columns_by_class(moons, ax):
    plots.data(moons, ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x0", "x1")
    assert legend(ax) == ["upper", "lower"]
    assert ax.get_legend().get_title().get_text() == moons.target
    first, second = dots(ax)
    np.testing.assert_array_equal(first.get_offsets(), moons.x[moons.y == 0])
    np.testing.assert_array_equal(second.get_offsets(), moons.x[moons.y == 1])
    assert (first.get_facecolor() != second.get_facecolor()).any()
    shapes = [found.get_paths()[0].vertices.shape for found in (first, second)]
    assert shapes[0] != shapes[1], "markers differ, not only colours"


def test_values_have_a_colour_bar(ax):
    x = np.random.default_rng(0).normal(size=(50, 2))
    plots.data(x, x[:, 0] ** 2, ax)
    (points,) = dots(ax)
    np.testing.assert_array_equal(points.get_array(), x[:, 0] ** 2)
    assert ax.get_legend() is None
    (bar,) = [other for other in ax.figure.axes if other is not ax]
    assert bar.get_ylabel() == "y"


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (["b", "a", "b", "a"], ["a", "b"]),
        ([True, False, True, False], ["False", "True"]),
        ([3, 3, 7, 7], ["3", "7"]),
        ([[1.0], [0.0], [0.0], [1.0]], ["0", "1"]),
        ([[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]], ["0", "1", "2"]),
        ([1, 2, 3, 4], None),
        ([0.5, 0.5, 1.0, 1.0], None),
        (np.array([1, 1, 2, 2], dtype=np.uint8), ["1", "2"]),
    ],
)
def test_classes_and_values_are_told_apart(y, expected, ax):
    plots.data(np.arange(8.0).reshape(4, 2), y, ax)
    shown = None if ax.get_legend() is None else legend(ax)
    assert shown == expected


def test_many_columns_are_seen_from_their_best_side(ax):
    # Three columns that are one line in truth, and one that is something else.
    random = np.random.default_rng(1)
    t, other = random.normal(size=(2, 400))
    x = np.stack([t, 5 * t + 3, -2 * t, other], axis=1)
    plots.data(x, ax=ax)
    assert ax.get_xlabel() == "principal component 1 (75 % of the variance)"
    assert ax.get_ylabel() == "principal component 2 (25 % of the variance)"
    scores = np.asarray(dots(ax)[0].get_offsets())
    assert abs(np.corrcoef(scores[:, 0], t)[0, 1]) > 0.99
    assert abs(np.corrcoef(scores[:, 1], other)[0, 1]) > 0.99


def test_principal_components_are_those_of_scikit_learn(ax):
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    wine = pellucid.data.wine()
    plots.data(wine, ax=ax)
    found = np.concatenate([each.get_offsets() for each in dots(ax)])
    order = np.argsort(wine.y, kind="stable")
    pca = PCA(2).fit(StandardScaler().fit_transform(wine.x))
    expected = pca.transform(StandardScaler().fit_transform(wine.x))[order]
    sign = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * sign, expected, atol=1e-8)
    assert f"{pca.explained_variance_ratio_[0]:.0%}"[:-1] in ax.get_xlabel()


def test_constant_columns_are_left_out(truth_table, ax):
    plots.data(pellucid.data.truth_table(), ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x0", "x1")
    assert legend(ax) == ["0", "1"]


def test_columns_that_are_all_constant_can_be_drawn(ax):
    draw(plots.data(np.ones((5, 4)), ax=ax))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x0", "x1")


def test_one_column(ax):
    sine = pellucid.data.sine(n=60)
    plots.data(sine, ax=ax)
    np.testing.assert_array_equal(dots(ax)[0].get_offsets()[:, 0], sine.x[:, 0])
    assert ax.get_ylabel() == sine.target


def test_one_column_by_class(ax):
    plots.data([1.0, 2.0, 3.0, 4.0], ["a", "a", "b", "b"], ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert len(dots(ax)) == 2


def test_one_column_alone_is_a_histogram(ax):
    plots.data(np.arange(100.0), ax=ax)
    assert ax.get_ylabel() == "rows"
    assert sum(bar.get_height() for bar in ax.patches) == 100


@pytest.mark.parametrize("library", [pd, pl])
def test_data_frames_name_the_axes(ax, library):
    frame = library.DataFrame({"length": [1.0, 2.0], "width": [3.0, 4.0]})
    plots.data(frame, library.Series(["a", "b"]), ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length", "width")
    assert legend(ax) == ["a", "b"]


def test_predictions_can_take_the_place_of_targets(moons, ax):
    plots.data(moons, np.zeros(len(moons), dtype=int), ax)
    assert len(dots(ax)[0].get_offsets()) == len(moons)
    assert len(dots(ax)[1].get_offsets()) == 0


@given(st.integers(1, 6), st.integers(1, 8), st.floats(1e-300, 1e300))
def test_tables_of_any_shape_and_size_of_numbers(rows, columns, scale):
    x = np.random.default_rng(rows * 10 + columns).normal(size=(rows, columns))
    ax = plots.data(x / 10 * scale, ax=Figure().add_subplot())
    assert ax.get_xlabel()


def test_data_errors(moons):
    with pytest.raises(ShapeError, match=r"write x\.reshape\(len\(x\), -1\)"):
        plots.data(np.ones((3, 4, 4)))
    with pytest.raises(DataError, match="x has no rows"):
        plots.data(np.ones((0, 2)))
    with pytest.raises(DataError, match="NaN at row 0, column 1"):
        plots.data([[1.0, np.nan]])
    with pytest.raises(ShapeError, match="each needs one target"):
        plots.data(np.ones((3, 2)), [1, 2])
    with pytest.raises(ShapeError, match="Choose a column of y"):
        plots.data(np.ones((3, 2)), np.full((3, 2), 0.5))


# ---- decision boundary


def contours(ax):
    """Return all points on the borders."""
    paths = [p for found in ax.collections for p in found.get_paths()]
    return np.concatenate([path.vertices for path in paths if len(path.vertices)])


def test_boundary_lies_where_classes_are_equally_probable(moons, ax):
    net = trained(3, "cross_entropy", moons.x, np.arange(80) % 3, epochs=30)
    plots.decision_boundary(net, moons.x, ax=ax, resolution=60)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    lines = contours(SimpleNamespace(collections=ax.collections[:-1]))
    assert len(lines)
    assert lines[:, 0].min() >= left
    assert lines[:, 1].max() <= top
    p = np.sort(net.predict_proba(lines), axis=1)
    assert np.median(p[:, -1] - p[:, -2]) < 0.01
    assert bottom < moons.x[:, 1].min()
    assert right > moons.x[:, 0].max()
    assert legend(ax) == ["0", "1", "2", "border"]


def test_regions_have_the_colour_of_the_predicted_class(moons, ax):
    net = trained(2, "cross_entropy", moons.x, moons.y, epochs=40)
    plots.decision_boundary(net, moons, ax=ax, resolution=40)
    assert legend(ax) == ["upper", "lower", "border"]
    (image,) = ax.images
    picture = np.asarray(image.get_array())
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    across = np.linspace(left, right, 40)
    up = np.linspace(bottom, top, 40)
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    blue = (picture[..., 2] > picture[..., 0]).reshape(-1)
    assert (blue == net.predict(grid)).mean() > 0.99
    # Surer means stronger: farther from white.
    surest = net.predict_proba(grid).max(axis=1)
    strength = 1 - picture.min(axis=-1).reshape(-1)
    for side in (True, False):
        chosen = blue == side
        assert np.corrcoef(surest[chosen], strength[chosen])[0, 1] > 0.99


def test_boundary_of_texts_and_of_one_output(moons, ax):
    labels = np.array(["no", "yes"])[moons.y]
    net = trained(1, "binary_cross_entropy", moons.x, labels, epochs=30)
    plots.decision_boundary(net, moons.x, labels, ax, resolution=50)
    assert legend(ax) == ["no", "yes", "border"]
    lines = contours(SimpleNamespace(collections=ax.collections[:-2]))
    np.testing.assert_allclose(net.predict_proba(lines)[:, 1], 0.5, atol=0.05)


@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers_that_stand_for_classes_are_drawn_as_classes(moons, outputs, ax):
    y = moons.y[:, None].astype(float) if outputs == 1 else np.eye(2)[moons.y]
    net = trained(outputs, "sum_of_squares", moons.x, y, activation="sigmoid")
    draw(plots.decision_boundary(net, moons.x, y, ax, resolution=20))
    assert legend(ax) == ["0", "1", "border"]
    assert len(dots(ax)) == 2


def test_boundary_of_a_regression_shows_values(moons, ax):
    y = moons.x[:, 0] * 3
    net = trained(1, "mean_squared_error", moons.x, y, epochs=40)
    draw(plots.decision_boundary(net, moons.x, y, ax, resolution=20))
    (image,) = ax.images
    points = dots(ax)[-1]
    np.testing.assert_allclose(points.get_array(), y, rtol=1e-6)
    assert image.norm is points.norm
    assert image.norm.vmin <= y.min()
    bars = [other.get_ylabel() for other in ax.figure.axes if other is not ax]
    assert bars == ["output (points: target)"]


def test_boundary_of_several_labels(moons, ax):
    y = np.stack([moons.x[:, 0] > 0, moons.x[:, 1] > 0, moons.y], axis=1).astype(int)
    net = trained(3, "binary_cross_entropy", moons.x, y, epochs=20)
    draw(plots.decision_boundary(net, moons.x, y, ax, resolution=20))
    assert legend(ax) == ["label 0", "label 1", "label 2"]


def test_twelve_classes(ax):
    net = NeuralNetwork([Dense(12)], loss="cross_entropy", input_shape=2)
    draw(plots.decision_boundary(net, ax=ax, resolution=30))
    assert len(legend(ax)) == 13
    assert ax.get_xlim() == (-2, 2)


def test_a_network_that_says_the_same_everywhere(ax):
    layers = [Dense(1, weight_init="zeros")]
    net = NeuralNetwork(layers, loss="mean_squared_error", input_shape=2)
    draw(plots.decision_boundary(net, ax=ax, resolution=5))
    yes = NeuralNetwork(layers, loss="binary_cross_entropy", input_shape=2)
    draw(plots.decision_boundary(yes, ax=Figure().add_subplot(), resolution=5))


def test_the_range_is_that_of_what_is_drawn_already(moons, ax):
    net = trained(2, "cross_entropy", moons.x, moons.y)
    ax.plot([5, 7], [1, 2])
    limits = ax.get_xlim(), ax.get_ylim()
    plots.decision_boundary(net, ax=ax, resolution=5)
    assert (ax.get_xlim(), ax.get_ylim()) == limits


def test_a_boundary_changes_nothing_in_the_network(moons):
    net = trained(2, "cross_entropy", moons.x, moons.y)
    before = net.weights.copy()
    plots.decision_boundary(net, moons, resolution=5)
    np.testing.assert_array_equal(net.weights, before)


def test_boundary_errors(moons):
    three = NeuralNetwork([Dense(2)], loss="cross_entropy", input_shape=3)
    with pytest.raises(ShapeError, match=r"takes \(n, 3\); .* needs two inputs"):
        plots.decision_boundary(three)
    named = NeuralNetwork(
        [pellucid.Select("age"), Dense(2)], loss="cross_entropy", input_shape={"age": 2}
    )
    with pytest.raises(ShapeError, match=r"named inputs \['age'\]"):
        plots.decision_boundary(named)
    fresh = NeuralNetwork([Dense(2)], loss="cross_entropy")
    with pytest.raises(NotBuiltError):
        plots.decision_boundary(fresh)
    with pytest.raises(ConfigurationError, match="Expected a NeuralNetwork, got list"):
        plots.decision_boundary([1])
    net = NeuralNetwork([Dense(2)], loss="cross_entropy", input_shape=2)
    with pytest.raises(ConfigurationError, match=r"resolution .* at least 2, got 1"):
        plots.decision_boundary(net, resolution=1)
    with pytest.raises(DataError, match="y came without x"):
        plots.decision_boundary(net, y=[0, 1])
    with pytest.raises(ShapeError, match="x has shape"):
        plots.decision_boundary(net, np.ones((4, 3)), [0, 1, 0, 1])
    numbers = NeuralNetwork([Dense(3)], loss="mean_squared_error", input_shape=2)
    with pytest.raises(ConfigurationError, match="3 outputs that are numbers"):
        plots.decision_boundary(numbers)


# ---- confusion matrix


def cells(ax):
    size = len(ax.get_xticks())
    counts = np.zeros((size, size), dtype=int)
    for text in ax.texts:
        column, row = text.get_position()
        counts[row, column] = int(text.get_text())
    return counts


def names(ax):
    across = [label.get_text() for label in ax.get_xticklabels()]
    assert across == [label.get_text() for label in ax.get_yticklabels()]
    return across


def test_rows_are_the_truth(ax):
    draw(plots.confusion_matrix(["a", "a", "a", "b"], ["a", "b", "b", "b"], ax))
    assert cells(ax).tolist() == [[1, 2], [0, 1]]
    assert names(ax) == ["a", "b"]
    assert ax.get_xlabel() == "predicted class"
    assert ax.get_ylabel() == "true class"
    assert ax.get_title() == "2 of 4 right (50.0 %)"
    shares = ax.images[0].get_array()
    np.testing.assert_allclose(shares, [[1 / 3, 2 / 3], [0, 1]])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_confusion_is_that_of_scikit_learn(pairs):
    from sklearn.metrics import confusion_matrix

    y, y_hat = zip(*pairs, strict=True)
    ax = plots.confusion_matrix(y, y_hat, Figure().add_subplot())
    # One class more than there are keeps scikit-learn from complaining about few.
    expected = confusion_matrix(y, y_hat, labels=[*sorted({*y, *y_hat}), 9])[:-1, :-1]
    np.testing.assert_array_equal(cells(ax), expected)


def test_classes_give_order_or_names(ax):
    plots.confusion_matrix(["b", "a"], ["b", "a"], ax, classes=["b", "a", "c"])
    assert names(ax) == ["b", "a", "c"]
    assert cells(ax).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    other = Figure().add_subplot()
    plots.confusion_matrix([0, 2], [[0], [1]], other, classes=("x", "y", "z"))
    assert names(other) == ["x", "y", "z"]
    assert cells(other).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_one_hot_rows_and_whole_floats(ax):
    plots.confusion_matrix(np.eye(3), [0.0, 1.0, 1.0], ax)
    assert cells(ax).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_text_is_read_on_its_cell(ax):
    plots.confusion_matrix([0] * 10, [0] * 9 + [1], ax)
    colours = [text.get_color() for text in ax.texts]
    assert colours[:2] == ["#ffffff", "#1a1a1a"]


def test_many_classes_fit():
    y = np.arange(200)
    ax = plots.confusion_matrix(y, y, Figure(figsize=(3, 3)).add_subplot())
    assert not ax.texts, "numbers that nobody could read"
    ax = plots.confusion_matrix(y[:30], y[:30])
    assert len(ax.texts) == 900


def test_confusion_errors():
    with pytest.raises(ShapeError, match="y has 2 classes, y_hat has 1"):
        plots.confusion_matrix([0, 1], [0])
    with pytest.raises(DataError, match=r"y_hat has 0\.7 at row 1, which is no class"):
        plots.confusion_matrix([0, 1], [0.0, 0.7])
    with pytest.raises(DataError, match="both must be texts or both whole numbers"):
        plots.confusion_matrix(["a"], [1])
    with pytest.raises(DataError, match="y_hat has 'c' at row 0, which is none of"):
        plots.confusion_matrix(["a"], ["c"], classes=["a", "b"])
    with pytest.raises(DataError, match="Expected different classes"):
        plots.confusion_matrix(["a"], ["a"], classes=["a", "a"])
    with pytest.raises(ShapeError, match="one class a sample"):
        plots.confusion_matrix([[0.2, 0.8]], [1])
    with pytest.raises(DataError, match="y has no rows"):
        plots.confusion_matrix([], [])


# ---- learning rates


def search(losses, suggestion=None):
    rates = np.logspace(-4, 0, len(losses)).tolist()
    return RateSearch(rates, losses, losses, suggestion, "because")


def test_the_suggested_rate_is_marked_on_the_curve(ax):
    losses = [3.0, 3.0, 2.0, 1.0, 4.0]
    plots.learning_rates(search(losses, 0.01), ax)
    assert ax.get_xscale() == "log"
    assert legend(ax)[2:] == ["lowest: 0.1", "suggestion: 0.01"]
    assert curve(ax, "suggestion: 0.01").get_xydata().tolist() == [[0.01, 2.0]]
    assert curve(ax, "lowest: 0.1").get_xydata()[0] == pytest.approx([0.1, 1.0])
    np.testing.assert_array_equal(curve(ax, "smooth mean").get_ydata(), losses)


def test_between_two_rates_the_mark_is_between_two_losses(ax):
    plots.learning_rates(search([2.0, 1.0, 0.0], 10**-3), ax)
    (mark,) = curve(ax, "suggestion: 0.001").get_ydata()
    assert mark == pytest.approx(1.5)


def test_without_a_suggestion_nothing_is_marked(ax):
    plots.learning_rates(search([1.0, 1.0, 1.0]), ax)
    assert legend(ax) == ["loss of each batch", "smooth mean"]
    draw(ax)


def test_an_exploding_end_does_not_press_the_curve_flat(ax):
    plots.learning_rates(search([3.0, 3.0, 2.5, 1.0, 1e9], 0.01), ax)
    assert ax.get_ylim()[1] < 6


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (search([]), "no iteration"),
        (History(), "find_learning_rate.* returned, got History"),
    ],
)
def test_searches_that_cannot_be_drawn(given, message):
    with pytest.raises(ConfigurationError, match=message):
        plots.learning_rates(given)


# ---- weights


def ridge(ax, place):
    """Return the corners of a histogram, counted from the top."""
    outlines = [line for line in ax.get_lines() if line.get_marker() == "None"]
    return outlines[place].get_xydata()


def test_every_parameter_has_a_histogram(ax):
    net = NeuralNetwork(
        [Dense(50), BatchNorm(), Dense(2)], loss="cross_entropy", input_shape=40
    )
    plots.weights(net, ax)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[:2] == ["dense_1.W (40, 50)", "dense_1.b (50,)"]
    assert len(labels) == len(net.parameters) == 6
    values = net.parameters["dense_1.W"].ravel()
    corners = ridge(ax, 0)
    edges, heights = corners[1:-1:2, 0], corners[2:-2:2, 1]
    counts = np.histogram(values, edges)[0]
    assert counts.sum() == values.size
    np.testing.assert_allclose(heights, counts / counts.max())
    # All zeros are one narrow bar, as high as any other.
    zeros = ridge(ax, 1)
    assert np.ptp(zeros[1:-1, 0]) < 0.02 * np.ptp(corners[:, 0])
    assert zeros[:, 1].max() == pytest.approx(0.0)  # one above its base at -1


def test_few_entries_are_shown_one_by_one(ax):
    net = NeuralNetwork([Dense(3)], loss="cross_entropy", input_shape=2)
    plots.weights(net, ax)
    ticks = [line for line in ax.get_lines() if line.get_marker() == "|"]
    np.testing.assert_array_equal(
        ticks[0].get_xdata(), net.parameters["dense_1.W"].ravel()
    )
    assert set(ticks[1].get_ydata()) == {-1.0}


def recorded(size, steps):
    record, random = RecordWeights(), np.random.default_rng(0)
    record.steps = list(range(0, 10 * steps, 10))
    record.weights = {"a.W": [random.normal(size=size) for _ in record.steps]}
    record.weights["a.b"] = [random.normal(size=3) for _ in record.steps]
    return record


def test_moments_are_rows_from_the_first_to_the_last(ax):
    plots.weights_over_time(recorded(200, 5), ax=ax)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["0", "10", "20", "30", "40"]
    assert ax.get_xlabel() == "a.W"
    colours = [to_hex(found.get_facecolor()[0]) for found in ax.collections]
    assert brightness(colours[0]) > brightness(colours[-1])


def test_of_many_moments_some_are_drawn(ax):
    plots.weights_over_time(recorded(200, 400), ax=ax)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(labels) == 24
    assert (labels[0], labels[-1]) == ("0", "3,990")


def test_few_entries_are_lines_down_the_training(ax):
    record = recorded(200, 7)
    plots.weights_over_time(record, "a.b", ax)
    lines = ax.get_lines()
    assert len(lines) == 3
    np.testing.assert_array_equal(lines[0].get_ydata(), record.steps)
    wanted = [values[0] for values in record.weights["a.b"]]
    np.testing.assert_array_equal(lines[0].get_xdata(), wanted)
    bottom, top = ax.get_ylim()
    assert bottom > top, "the first moment is on top"


def test_weights_that_cannot_be_drawn(truth_table):
    with pytest.raises(
        ConfigurationError, match="Expected a NeuralNetwork, got History"
    ):
        plots.weights(History())
    bare = NeuralNetwork(["relu"], loss="sum_of_squares", input_shape=2)
    with pytest.raises(ConfigurationError, match="no parameters"):
        plots.weights(bare)
    with pytest.raises(ConfigurationError, match=r"callback RecordWeights.*got Neural"):
        plots.weights_over_time(truth_table.net)
    with pytest.raises(ConfigurationError, match="Nothing was recorded yet"):
        plots.weights_over_time(RecordWeights())
    with pytest.raises(
        ConfigurationError, match=r"'dense_1.w'. Did you mean 'dense_1.W"
    ):
        plots.weights_over_time(truth_table.record, "dense_1.w")
    broken = recorded(200, 2)
    broken.weights["a.W"][1][0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        plots.weights_over_time(broken)
